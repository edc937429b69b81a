"""what a person's code has raised in -> where in it, and what it was to set, out."""

import ast
import contextlib
import traceback
from pathlib import Path

from bpcli.gradcheck.foreign.finding import Finding

HOUSE = Path(__file__).parents[2]


def raising(error: BaseException) -> Finding:
    """Return the finding that backward raises, under the gradient that it was to set."""
    return Finding(gradient_at(error) or "backward", "WRONG", f"raises {spell_error(error)}")


def spell_error(error: BaseException) -> str:
    """Say what was raised, and where in the person's code."""
    frames = own_frames(error)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}: {error}"


def gradient_at(error: BaseException) -> str:
    """Return the array whose gradient was to be set by the statement that raised."""
    frames = own_frames(error)
    line = frames[-1].line if frames else ""
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse(line or "")):
            if isinstance(node, ast.Assign | ast.AugAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                name = ast.unparse(target).rpartition(".")[2]
                return (
                    name[1:] if name.startswith("d") and isinstance(target, ast.Attribute) else ""
                )
    return ""


def line_of(error: BaseException) -> int:
    """Return how far a call went: the line of the person's code that it came to, or 0."""
    frames = own_frames(error)
    return frames[0].lineno or 0 if frames else 0


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return where an error passed through the person's own code."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if str(HOUSE) not in frame.filename
        and "site-packages" not in frame.filename
        and frame.filename.endswith((".py", ".ipynb"))
    ]
