"""the name of a model in -> where its run writes, alone, and what an earlier one has left, out."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from bpcli.errors import BusyError, CheckpointError, PlaceError
from bpcli.files import atomic
from bpcli.files.path import exists
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.run import Run
from bpcli.training.serialization import check_replaceable, load, save

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
                    check_replaceable(target)
                    stack.enter_context(atomic.reserved(target))
                    with atomic.replacing(target, keep=False):
                        pass
            except BusyError as error:
                raise CheckpointError(
                    f"{self.path}: another run is writing there; wait for its end, or choose "
                    "another file with -o"
                ) from error
            except PlaceError as error:
                raise PlaceError(f"{error}; choose another file with -o") from error
            yield

    def find_unfinished(self) -> Checkpoint | None:
        """Load the unfinished run that has been written here, if there is one."""
        if not exists(self.part, CheckpointError):
            return None
        try:
            return load(self.part)
        except CheckpointError as error:
            raise CheckpointError(f"{error}; {WAYS_OUT}") from error

    def find(self) -> Checkpoint:
        """Load the unfinished run that has been written here, or else the finished one."""
        unfinished = self.find_unfinished()
        if unfinished:
            return unfinished
        if exists(self.path, CheckpointError):
            return load(self.path)
        raise CheckpointError(
            f"{self.part}: found neither it nor {self.path}; train without --resume first"
        )

    def set_aside(self) -> "Output | None":
        """Give an unfinished run that stands here a name of its own, so that nothing is lost of it.

        Return where it is then, or None if there is none. Raises SaveError and CheckpointError.
        """
        if not exists(self.part):
            return None
        names = (f"{self.path.stem}-{n}{self.path.suffix}" for n in itertools.count(1))
        others = (Output(self.path.with_name(name)) for name in names)
        other = next(o for o in others if not (exists(o.path) or exists(o.part)))
        with other.reserved():
            atomic.move(self.part, other.part)
        return other

    def discard(self, *, is_whole: bool) -> None:
        """Remove an unfinished run that stands here and, if so, a finished one, unless one writes.

        What a killed process has left beside them goes, too.
        """
        with contextlib.suppress(CheckpointError), self.reserved():
            for path in (self.part, self.path) if is_whole else (self.part,):
                atomic.remove(path)

    def save(self, run: Run) -> None:
        """Write the state of an unfinished run to MODEL.part. Raises as `serialization.save`."""
        save(self.part, run)

    def finish(self, run: Run) -> None:
        """Write the model of a complete run, and remove what was kept meanwhile.

        Raises as `serialization.save`. The run then goes to MODEL.part, if that can be written.
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
            check_replaceable(self.part)
        except CheckpointError:
            return  # somebody else has put it there meanwhile, and may keep it
        atomic.remove(self.part)
