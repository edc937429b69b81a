"""what was compared of one array, and of one unit, in -> the verdicts on them out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The verdict on the gradient by one array: `ok`, `note` (ok, but), `WRONG` or `not checked`.

    `array` is what the person calls it; `words` say what is to be said; `error` is relative.
    """

    array: str
    verdict: str
    words: str = ""
    error: float | None = None


@dataclass(frozen=True)
class UnitCheck:
    """What came of one unit: `convention` is how it was called; `problem`, why it was not.

    `line` is that of its backward; `inside` has the names of the classes whose objects it holds.
    """

    name: str
    line: int
    convention: str = ""
    findings: tuple[Finding, ...] = ()
    problem: str = ""
    network: bool = False
    inside: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether a gradient is."""
        return any(finding.verdict == "WRONG" for finding in self.findings)

    @property
    def checked(self) -> bool:
        """Whether a gradient was compared."""
        return any(finding.verdict != "not checked" for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Whether there is a verdict on every array that forward reads."""
        return self.checked and all(f.verdict != "not checked" for f in self.findings)

    @property
    def right(self) -> bool:
        """Whether there is a verdict on every array that forward reads, and none is wrong."""
        return self.complete and not self.wrong

    @property
    def passed(self) -> bool:
        """Whether gradients were compared, and none is wrong."""
        return self.checked and not self.wrong
