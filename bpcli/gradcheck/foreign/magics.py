"""a cell of a notebook in -> the Python in it, without what only notebooks understand, out."""

import ast
import re
import textwrap

RUN = ("time", "capture", "prun", "memit")  # cell magics whose body is code of the notebook
CELL = re.compile(r"\s*%%(\w+)[^\n]*")
TIMED = re.compile(r"(\s*)%time\s+(\S.*)")  # which is run, and timed
# A magic, a line for the shell, a question; what they return may be given a name.
MAGIC = re.compile(r"(\s*)(?:[%!?].*|[\w.*]+\?{1,2}\s*|[\w., *\[\]'\"]+=\s*[%!].*)")


class LeftOutError(Exception):
    """A cell that is for another program than Python; the words say which."""


def plain_python(text: str) -> str:
    """Return a cell with as many lines, those blank or `pass` that are for the notebook.

    Python itself says which they are, as no line of a string or within brackets is one. Raises
    LeftOutError for a cell that is written for another program, and what ast.parse raises.
    """
    while magic := CELL.match(text):
        if magic[1] not in RUN:
            raise LeftOutError(f"%%{magic[1]} is not run")
        text = "\n" * magic[0].count("\n") + text[magic.end() :]
    lines = text.split("\n")
    dedented = False
    while True:
        try:
            ast.parse("\n".join(lines))
        except IndentationError:
            if dedented:
                raise
            dedented, lines = True, textwrap.dedent("\n".join(lines)).split("\n")
        except SyntaxError as error:
            if not _leave_out(lines, (error.lineno or 0) - 1):
                raise
        else:
            return "\n".join(lines)


def _leave_out(lines: list[str], i: int) -> bool:
    """Put `pass` in the place of a line that is no Python, and tell whether it was such a line."""
    if not 0 <= i < len(lines):
        return False
    timed, magic = TIMED.fullmatch(lines[i]), MAGIC.fullmatch(lines[i])
    if timed:
        lines[i] = timed[1] + timed[2]
        return True
    if not magic:
        return False
    while lines[i].endswith("\\") and i + 1 < len(lines):
        lines[i] = ""
        i += 1
    lines[i] = f"{magic[1]}pass"
    return True
