"""a Run in -> a model file in its place, whole or not at all; what an earlier run left, out."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from bpcli import machine
from bpcli.data.dataset import WHITE, Dataset
from bpcli.errors import CheckpointError, SaveError
from bpcli.files import atomic
from bpcli.files.labels import list_names
from bpcli.files.model import is_model
from bpcli.training import model
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import load_config
from bpcli.training.loop import check_finite
from bpcli.training.run import Run, set_up

Resume = Literal["never", "always", "if possible"]

WAYS_OUT = "delete it, or train without --resume"


class Output:
    """Where a run is written: `path` once it is complete, and until then `part`, MODEL.part."""

    def __init__(self, path: str | Path) -> None:
        if str(path) == "-":
            raise CheckpointError("-: found standard output, expected a file name for the model")
        self.path = Path(path)
        self.part = self.path.parent / (self.path.name + ".part")

    @contextlib.contextmanager
    def reserved(self) -> Iterator[None]:
        """Hold both for one run. Raises CheckpointError if no model can or should be written there.

        Nothing is changed before the run saves something.
        """
        with contextlib.ExitStack() as stack:
            try:
                for target in (self.path, self.part):
                    _check_replaceable(target)
                    stack.enter_context(atomic.reserved(target))
                    with atomic.replacing(target, keep=False):
                        pass
            except BlockingIOError as error:
                raise CheckpointError(
                    f"{self.path}: another run is writing there; wait for its end, or choose "
                    "another file with -o"
                ) from error
            except OSError as error:
                raise CheckpointError(
                    f"{self.path}: no model can be written there: {error.strerror}; choose another "
                    "file with -o"
                ) from error
            yield

    def start(
        self,
        config_file: str | None,
        overrides: Sequence[str],
        *,
        resume: Resume = "never",
        init: str | None = None,
    ) -> tuple[Run, list[str]]:
        """Set up the run that will be written here, and return it with messages to the user.

        With `resume` it goes on where an earlier one has stopped; without a file, what overrides do
        not say is then as it was. `if possible` is so if there is an unfinished run that fits, and
        begins anew otherwise. A run that begins does so with the weights of the model `init`, and
        without a file with its configuration, if one is named. Raises what the configuration, the
        data or the models are to blame for.
        """
        if resume == "if possible" and self.part.exists():
            try:
                return self._resume(config_file, overrides)
            except CheckpointError as error:
                run, words = self._begin(config_file, overrides, init)
                return run, [f"{error}; beginning anew", *words]
        if resume == "always":
            return self._resume(config_file, overrides)
        run, words = self._begin(config_file, overrides, init)
        if self.part.exists():
            words.append(
                f"{self.part}: this run replaces an unfinished one; --resume would go on with that"
            )
        return run, words

    def _begin(
        self, config_file: str | None, overrides: Sequence[str], init: str | None
    ) -> tuple[Run, list[str]]:
        saved = model.load(init) if init else None
        base = saved.config if saved and config_file is None else None
        run = set_up(load_config(config_file, overrides, base))
        if saved:
            saved.pass_on(run)
        return run, _describe(run.dataset)

    def _resume(self, config_file: str | None, overrides: Sequence[str]) -> tuple[Run, list[str]]:
        saved = self.find()
        base = saved.config if config_file is None else None
        run = set_up(load_config(config_file, overrides, base))
        saved.restore(run)
        words, now = [], machine.describe()
        changed = [
            f"{name.replace('_', ' ')} {now[name]} and not {before}"
            for name, before in saved.surroundings.items()
            if before and before != now[name]
        ]
        if changed:
            words.append(
                f"{saved.path}: it was made otherwise ({'; '.join(changed)}): the last bits of the "
                "result are not those of one uninterrupted run"
            )
        schedule = run.config.optimizer.schedule
        last, before = run.config.training.iterations, saved.config.training.iterations
        if schedule != "constant" and last != before:
            words.append(
                f"the {schedule} schedule now ends at iteration {last} and not {before}: the "
                "result is not that of one uninterrupted run"
            )
        return run, words

    def find(self) -> Checkpoint:
        """Load the unfinished run that has been written here, or else the finished one."""
        if os.path.lexists(self.part):
            try:
                return model.load(self.part)
            except CheckpointError as error:
                raise CheckpointError(f"{error}; {WAYS_OUT}") from error
        if os.path.lexists(self.path):
            return model.load(self.path)
        raise CheckpointError(
            f"{self.part}: found neither it nor {self.path}; train without --resume first"
        )

    def save(self, run: Run) -> None:
        """Write the state of an unfinished run to MODEL.part. Raises as `save` below does."""
        save(self.part, run)

    def finish(self, run: Run) -> None:
        """Write the model of a complete run, and remove what was kept meanwhile.

        Raises as `save` below does. The run then goes to MODEL.part, if that can be written.
        """
        try:
            save(self.path, run)
        except CheckpointError as error:
            where = f"the finished run is in {self.part}"
            try:
                save(self.part, run)
            except CheckpointError as second:
                where = str(second)
            raise type(error)(f"{error}; {where}") from error
        try:
            _check_replaceable(self.part)
            self.part.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(f"{self.part}: could not be removed: {error.strerror}") from error
        except CheckpointError:
            pass  # somebody else has put it there meanwhile, and may keep it


def save(path: str | Path, run: Run) -> None:
    """Write the state of `run` to `path`: all of it, or nothing.

    Raises DivergedError if it is not made of finite numbers, SaveError if it cannot be written, and
    CheckpointError if a file that is no model has been put there meanwhile.
    """
    path = Path(path)
    check_finite(run)
    try:
        _check_replaceable(path)
        with atomic.replacing(path) as file:
            model.write(file, run)
    except OSError as error:
        raise SaveError(f"{path}: could not be written: {error.strerror}") from error


def _describe(dataset: Dataset) -> list[str]:
    """Say what is not as with most data: whatever may not be as it was meant."""
    source, names, white, words = dataset.train.source, dataset.names, dataset.white, []
    if source == "mnist" and os.path.lexists(source):
        words.append("mnist: these are the bundled data; for what is beside you write ./mnist")
    if white != WHITE:
        words.append(f"{source}: grey levels go up to {white}, not {WHITE}; {white} is white")
    if names != tuple(map(str, range(len(names)))):
        words.append(f"{source}: the {len(names)} classes are {list_names(names)}")
    return words


def _check_replaceable(target: Path) -> None:
    """Raise CheckpointError if what stands at `target` is neither a model nor an empty file."""
    if os.path.isdir(target):  # noqa: PTH112 - is_dir() raises for a name that is too long
        raise CheckpointError(f"{target}: found a folder, expected a file name for the model")
    if not target.exists():
        return
    if not target.is_file():
        raise CheckpointError(
            f"{target}: found a device or a pipe, expected a file name for the model"
        )
    if not target.stat().st_size:
        return
    with target.open("rb") as file:
        if not is_model(file):
            raise CheckpointError(
                f"{target}: found a file that is no model, expected a model to replace, or none; "
                "delete it, or choose another with -o"
            )
