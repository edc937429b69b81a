"""the trials of a study in -> the best configuration, as commented YAML to train with, out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bpcli.data.split import BUNDLED
from bpcli.errors import TuningError
from bpcli.files.path import exists, list_folder, read_start
from bpcli.files.result import write_result
from bpcli.files.source import parts
from bpcli.training.config import to_yaml
from bpcli.tuning.results import TrialResult
from bpcli.tuning.space import Space

NAME = "best.yaml"
START = "# The best of "  # of its first line, by which it is known


def check_folder(folder: Path, *, has_study: bool) -> None:
    """Raise TuningError if a folder has files of somebody's own, or of a study that is not there.

    What a study writes could take their place.
    """
    path = folder / NAME
    start = START.encode()
    if exists(path, TuningError) and read_start(path, len(start), TuningError) != start:
        raise TuningError(f"{path}: found a file that is not of bpcli tune, which is left as it is")
    models = [path for path in list_folder(folder, TuningError) if path.match("trial-*.npz")]
    if models and not has_study:
        raise TuningError(f"{models[0]}: found trials without their study; choose another folder")


def find_best(trials: Sequence[TrialResult]) -> TrialResult | None:
    """Return the trial with the best mean, the earlier of two, if one is done."""
    done = [trial for trial in trials if trial.state == "done"]
    return max(done, key=lambda trial: (trial.score, -trial.slot), default=None)


def write_best(folder: Path, space: Space, trials: Sequence[TrialResult]) -> TrialResult | None:
    """Write the best configuration to the folder, with what it reached. Raises SaveError.

    It holds no images out any more where there are test images: it is for training on all of them,
    and for one look at those. Where there are none, or evaluations are chosen among, the same
    images stay held out.
    """
    best = find_best(trials)
    if best is None:
        return None
    config = space.configure(space.read(best.values))
    dataset, training, metric = config.dataset, config.training, best.metric
    held_out = dataset.validation
    count = f"{held_out:,}" if held_out >= 1 else f"{held_out:.3g} of the training images as"
    is_chosen_among = training.keep == "best" or training.patience > 0
    if "test" in parts(dataset.source, BUNDLED, dataset.label) and not is_chosen_among:
        config = replace(config, dataset=replace(dataset, validation=0))
        now = "now it is to learn from them, too"
    else:
        now = "they stay held out, to measure on"
    seeds = len(best.figures)
    deviation = metric.say(best.deviation)
    sure = f" of {seeds} seeds, standard deviation {deviation}" if seeds > 1 else ""
    words = (
        f"{START}{len(trials)} trials: {metric.words}{metric.say(best.mean)} of {count} held-out "
        f"images{sure}.\n# Chosen by them, it is better there than elsewhere; {now}.\n"
    )
    write_result(folder / NAME, (words + to_yaml(config)).encode())
    return best
