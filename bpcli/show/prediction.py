"""what a model has read on a picture in -> text with its reasons, and the fields of JSON, out."""

from collections.abc import Sequence
from typing import Any

from bpcli.data.preparation import BOX, Prepared
from bpcli.errors import readable
from bpcli.show.picture import draw_picture
from bpcli.show.text import join_lines
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.prediction import Prediction, Seen


def draw_prediction(
    picture: str, found: Sequence[Prediction], *, pictures: bool, ascii_only: bool
) -> str:
    """Return what a picture shows, how it was prepared and, with `pictures`, what the net sees."""
    lines = []
    if len(found) > 1:
        read = "".join(readable(one.label) for one in found)
        lines.append(f"{picture}: {read}, {len(found)} digits")
    for one in found:
        (label, chance), *others = one.likeliest
        rest = ", ".join(f"{readable(name)} ({chance:.1%})" for name, chance in others)
        name = "" if len(found) > 1 else f"{picture}: "
        lines.append(f"{name}{readable(label)} ({chance:.1%}){', else ' * bool(rest)}{rest}")
        lines.append(f"  {explain_way(one.seen)}")
        lines += [f"  in doubt: {doubt}" for doubt in one.doubts]
        if pictures:
            lines += [f"  {line}" for line in draw_picture(one.seen.image, ascii_only=ascii_only)]
    return join_lines(line.rstrip() for line in lines)


def explain_way(seen: Seen) -> str:
    """Say in a sentence what was done to a picture."""
    if seen.way == "as is":
        return "taken as it is"
    if seen.how is None:
        height, width = seen.image.shape
        polarity = "dark and light have changed places; " if seen.inverted else ""
        return f"{polarity}scaled to {width} x {height}: the model's images are not as MNIST's"
    polarity = "dark on light: inverted" if seen.inverted else "light on dark"
    return f"{polarity}; {_steps(seen.how)}"


def _steps(prepared: Prepared) -> str:
    left, top, width, height = prepared.ink
    steps = [
        f"ink {width} x {height} at ({left}, {top}), scaled to fit {BOX} x {BOX}",
        *(["thin strokes thickened"] if prepared.is_thickened else []),
        f"centre of mass moved by ({prepared.moved[0]}, {prepared.moved[1]})",
    ]
    return "; ".join(steps)


def prediction_fields(
    saved: Checkpoint, picture: str, found: Sequence[Prediction]
) -> dict[str, Any]:
    """Return the fields of a line of `bpcli predict --json`."""
    return {
        "model": str(saved.path),
        "seed": saved.config.seed,
        "digest": saved.digest,
        "picture": picture,
        "answer": "".join(one.label for one in found),
        "digits": [_digit_fields(one) for one in found],
    }


def _digit_fields(one: Prediction) -> dict[str, Any]:
    likeliest = [{"label": label, "probability": chance} for label, chance in one.likeliest]
    made = one.seen.how
    return {
        "label": one.label,
        "likeliest": likeliest,
        "doubts": one.doubts,
        "way": one.seen.way,
        "inverted": one.seen.inverted,
        "ink": made and made.ink,
        "scaled": made and made.scaled,
        "thickened": made and made.is_thickened,
        "moved": made and made.moved,
    }
