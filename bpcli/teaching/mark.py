"""what is known of a layer that was handed in -> its Mark, and of a file its Marks, out."""

from dataclasses import dataclass

PASSED, WRONG, EMPTY = "passed", "wrong", "empty"
MISSING, NOT_CHECKED = "missing", "not checked"
VERDICTS = (PASSED, WRONG, EMPTY, MISSING, NOT_CHECKED)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a layer: the gradient by which `array`, and what kind of mistake it is.

    `kind` is a word of `kinds.py`; `line` is where to look, in the cell of that number, which is 0
    in a file of Python; `words` are all that is known, the code to write among it.
    """

    array: str
    kind: str
    line: int = 0
    cell: int = 0
    words: str = ""


@dataclass(frozen=True)
class Mark:
    """The verdict on one layer that is required, a word of VERDICTS.

    `words` are what is empty or missing, as `Relu.backward`, or why a layer is not checked; `near`
    is the name that may be meant by one that is missing.
    """

    layer: str
    verdict: str
    faults: tuple[Fault, ...] = ()
    words: str = ""
    near: str = ""


@dataclass(frozen=True)
class Marks:
    """What came of a file: a Mark for each layer that is required.

    `digest` is that of all on which the marks depend: the file, and what was asked for. `form` is
    that of its code but for names and comments, "" where nothing was written into it; `is_new`
    tells whether it was checked just now.
    """

    path: str
    marks: tuple[Mark, ...]
    digest: str
    form: str = ""
    is_new: bool = True

    @property
    def passed(self) -> bool:
        """Whether all layers have."""
        return all(mark.verdict == PASSED for mark in self.marks)


@dataclass(frozen=True)
class ClassMarks:
    """The marks of a class, a row for each file; `alike` are those with the same form."""

    files: tuple[Marks, ...]
    alike: tuple[tuple[str, ...], ...] = ()
    stopped: bool = False  # by Ctrl-C, before all files were marked

    @property
    def passed(self) -> bool:
        """Whether all files have."""
        return not self.stopped and all(marks.passed for marks in self.files)


@dataclass(frozen=True)
class Terms:
    """What is asked of each file: layers, by name; `given` are values for their arguments.

    `solution` is a file that has the layers right, "" where none is given.
    """

    layers: tuple[str, ...]
    given: tuple[tuple[str, str], ...] = ()
    tolerance: float = 1e-6
    solution: str = ""
