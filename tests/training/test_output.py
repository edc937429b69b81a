"""Where a model is written: whole or not there, by one run, and never over what is no model."""

import os
import signal
import time

import numpy as np
import pytest

from bpcli.errors import CheckpointError, DivergedError, SaveError
from bpcli.training import Output, load, save


def test_find_prefers_the_unfinished_run(run, tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(CheckpointError, match=r"m.npz.part: found neither it nor .*m.npz; train"):
        Output(path).find()
    save(path, run)
    assert Output(path).find().path == path
    Output(path).save(run)
    assert Output(path).find().path == Output(path).part
    Output(path).finish(run)
    assert set(os.listdir(tmp_path)) == {"tiny", "m.npz"}


def test_a_failed_write_leaves_the_old_model(model, run, monkeypatch, tmp_path):
    before = model.read_bytes()

    def full_disk(file, array, **options):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full_disk)
    with pytest.raises(
        SaveError, match=r"model.npz: could not be written: No space left on device"
    ):
        save(model, run)
    assert model.read_bytes() == before
    assert set(os.listdir(tmp_path)) == {"tiny", "model.npz"}


def test_a_symbolic_link_stays_one(run, tmp_path):
    (tmp_path / "link.npz").symlink_to("target.npz")
    save(tmp_path / "link.npz", run)
    assert (tmp_path / "link.npz").is_symlink()
    assert load(tmp_path / "target.npz").iteration == 60


def test_where_nothing_can_be_written_is_known_before(tmp_path):
    with Output(tmp_path / "m.npz").reserved():
        pass
    assert os.listdir(tmp_path) == []
    for name, expected in (
        ("no/m.npz", "found no folder "),
        ("x" * 300, "cannot be reached: File name too long"),
        ("x" * 253, "cannot be reached: File name too long"),
        (".", "found a folder, expected a file name"),
    ):
        with pytest.raises(CheckpointError, match=expected), Output(tmp_path / name).reserved():
            pass
    (tmp_path / "m.npz.part").mkdir()
    with (
        pytest.raises(CheckpointError, match=r"m.npz.part: found a folder, expected a file name"),
        Output(tmp_path / "m.npz").reserved(),
    ):
        pass


def test_a_second_run_to_the_same_output_is_refused(bpcli, tiny_options, tmp_path):
    model = tmp_path / "model.npz"
    for held in (model, Output(model).part):
        with Output(held).reserved():
            result = bpcli("train", *tiny_options, "-o", model, code=2)
        assert result.stderr == (
            f"{model}: another run is writing there; wait for its end, or choose another file "
            "with -o\n"
        )
    bpcli("train", *tiny_options, "-o", model)


def outcome(path):
    """The arrays of a model file, or None where there is none."""
    if not path.exists():
        return None
    saved = load(path)  # it is whole, or this raises
    return {name: array.tobytes() for name, array in saved.arrays.items()}


def kill_at_random(shell, bpcli, options, folder, times, rng):
    """Kill a run that saves all the time at so many moments; check what is left after each.

    A moment is somewhere in starting, or a little after one of the evaluations. Returns how many of
    the runs were killed before their end.
    """
    options = [*options, "-s", "training.evaluate_every=1"]
    whole, model = folder / "whole.npz", folder / "model.npz"
    bpcli("train", *options, "-o", whole)
    expected, old, killed = outcome(whole), None, 0
    for _ in range(times):
        with shell("train", *options, "-o", model) as process:
            for _ in range(rng.integers(60)):
                process.stdout.readline()
            time.sleep(rng.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert outcome(model) in (old, expected)
        if outcome(Output(model).part):
            bpcli("eval", Output(model).part)
            bpcli("train", *options, "-o", model, "--resume")
            assert outcome(model) == expected
        old = outcome(model)
        left = [name for name in os.listdir(folder) if name.startswith(".")]
        assert len(left) <= 4, left  # at most one of each kind, however many runs were killed
    bpcli("train", *options, "-o", model)
    assert outcome(model) == expected
    assert sorted(os.listdir(folder)) == ["model.npz", "tiny", "whole.npz"]
    return killed


def test_a_run_that_is_killed_loses_nothing(shell, bpcli, tiny_options, tmp_path, rng, request):
    times = 200 if request.config.getoption("--long") else 5
    assert kill_at_random(shell, bpcli, tiny_options, tmp_path, times, rng) > 0


def test_what_is_not_finite_is_not_saved(run, tmp_path):
    run.network.parameters[3] = np.nan
    for write in (
        lambda: save(tmp_path / "m.npz", run),
        lambda: Output(tmp_path / "m.npz").finish(run),
    ):
        with pytest.raises(DivergedError):
            write()
    assert os.listdir(tmp_path) == ["tiny"]
