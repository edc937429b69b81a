"""the name of a configuration, and values for its keys, in -> a Model that has learnt, out."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bpcli import show
from bpcli.errors import DivergedError, NotAsAsked
from bpcli.files.document import to_scalar
from bpcli.notebook.cell import Cell, is_notebook
from bpcli.notebook.model import Model
from bpcli.training.config import KEYS, Config, load_config
from bpcli.training.failure import find_failure
from bpcli.training.loop import train as learn
from bpcli.training.run import Run
from bpcli.training.start import begin


def train(
    config: str | Path | Config | None = None,
    *,
    layers: Sequence[Any] | None = None,
    unchecked: bool = False,
    init: Model | None = None,
    **values: Any,
) -> Model:
    """Train the network that a configuration describes, as `bpcli train` does; write nothing.

    `config` is the name of one of bpcli's own, as "fast", or of a file; without it, it is the
    book's. `values` are for keys by their last names, as in `train("fast", hidden=[100])`, or by
    whole ones: `train(**{"optimizer.method": "adam"})`. `layers` are classes of yours, as [Affine,
    Relu], or functions, which take the places of ours; their gradients are checked first, unless
    they are to be `unchecked`. `init` is a model to begin with. In a notebook a bar and a curve
    grow, and what interrupts it ends learning: the model is what it has come to until then.

    Raises ConfigError and DatasetError for what cannot be trained, SourceError for layers that can
    take no place, NotAsAsked for those that are wrong or predict otherwise than ours, and
    DivergedError.
    """
    run = _begin(config, init, values)
    if layers is not None:
        _join(run, layers, unchecked=unchecked)
    with _interruptible(run):
        cell = Cell(run)
        for record in learn(run):
            cell.look(is_evaluated=record is not None)
    failure = find_failure(run) if run.record else None
    if failure and failure.diverged:
        raise DivergedError(failure.words)
    if failure:
        warnings.warn(failure.words, stacklevel=2)
    if layers is not None:
        _check_agreement(run)
    return Model.of(run)


def _begin(config: str | Path | Config | None, init: Model | None, values: dict[str, Any]) -> Run:
    overrides = [f"{_find_key(name)}={_spell(value)}" for name, value in values.items()]
    base = config if isinstance(config, Config) else None
    path = None if isinstance(config, Config) else config
    start = begin(load_config(path, overrides, base), init.saved if init else None)
    for remark in start.remarks:
        warnings.warn(remark, stacklevel=3)
    return start.run


def _join(run: Run, layers: Sequence[Any], *, unchecked: bool) -> None:
    """Let a run learn with somebody's layers, once they have been found to be right."""
    from bpcli.training import own

    if not unchecked:
        found = own.check_layers(run, layers)
        if not all(unit.right for unit in found):
            last = "nothing is trained with these layers; unchecked=True trains all the same"
            raise NotAsAsked(*show.draw_units(found).splitlines(), last)
    own.join(run, layers)


def _check_agreement(run: Run) -> None:
    """See that one of our networks predicts as the layers that a run has learnt with."""
    from bpcli.training import own

    found = own.compare(run)
    if not found.agrees:
        raise NotAsAsked(
            f"the forward of these layers is not ours: {show.describe_difference(found)}; there is "
            "no model, as it would predict otherwise"
        )


def _find_key(name: str) -> str:
    """Return the one key whose last name is so, or else what stands there."""
    found = [key for key in KEYS if key.rpartition(".")[2] == name]
    return found[0] if len(found) == 1 else name


def _spell(value: Any) -> str:
    return to_scalar(tuple(value) if isinstance(value, list) else value)


@contextlib.contextmanager
def _interruptible(run: Run) -> Iterator[None]:
    """Let what stops a cell end learning, and keep what has been learnt."""
    try:
        yield
    except KeyboardInterrupt:
        if not is_notebook():
            raise
        iterations = run.config.training.iterations
        warnings.warn(
            f"interrupted at iteration {run.iteration:,} of {iterations:,}: the model is what it "
            "has come to until then",
            stacklevel=3,
        )
