"""what a model has read on a picture in -> text with its reasons, and the fields of JSON, out."""

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from bpcli.arrays import WHITE, Bytes
from bpcli.data.preparation import BOX, Prepared
from bpcli.errors import ExtraError, readable
from bpcli.files.image import Picture, draw_boxes, encode_png, to_grey
from bpcli.files.scaling import resize
from bpcli.show.colours import LIGHT
from bpcli.show.page.page import data_uri
from bpcli.show.picture import draw_picture, image_svg
from bpcli.show.table import lines_html
from bpcli.show.text import draw_csv, join_lines, text_width
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.prediction import Prediction, Probabilities, Seen, spell

# What some images are called, and their probabilities (N, classes), None where there is no answer.
Answers = Iterable[tuple[Sequence[str | int], Probabilities | None]]

DECIMALS = 6  # of a probability; float32 has no more
WIDTH = len(",0.") + DECIMALS
LARGE = 280  # pixels that a side of a picture with boxes has at least, about
SURE, DOUBTED = LIGHT.lines[0], LIGHT.lines[1]
LARGEST = 160  # pixels of a screen that a picture is wide and high


def draw_prediction(
    picture: str, found: Sequence[Prediction], *, pictures: bool, ascii_only: bool
) -> str:
    """Return what a picture shows, how it was prepared and, with `pictures`, what the net sees."""
    lines = []
    if len(found) > 1:
        first, *below = map(readable, spell(found))
        rows = f" in {len(below) + 1} rows" if below else ""
        doubted = sum(bool(one.doubts) for one in found)
        in_doubt = f", {doubted} of them in doubt" if doubted else ""
        lines.append(f"{picture}: {first}, {len(found)} digits{rows}{in_doubt}")
        lines += [" " * (text_width(picture) + 2) + row for row in below]
    for one in found:
        (label, chance), *others = one.likeliest
        rest = ", ".join(f"{readable(name)} ({chance:.1%})" for name, chance in others)
        name = "" if len(found) > 1 else f"{picture}: "
        lines.append(f"{name}{readable(label)} ({chance:.1%}){', else ' * bool(rest)}{rest}")
        lines.append(f"  {explain_way(one.seen)}")
        lines += [f"  in doubt: {doubt}" for doubt in one.doubts]
        if pictures:
            lines += [f"  {line}" for line in draw_picture(one.seen.image, ascii_only=ascii_only)]
    left_out = next((one.seen.how.left_out for one in found if one.seen.how), 0)
    if left_out:
        marks = "mark that is" if left_out == 1 else "marks that are"
        lines.append(
            f"  left out: {left_out} {marks} too low for a digit, as a point, a dash or a sign"
        )
    return join_lines(line.rstrip() for line in lines)


def prediction_html(name: str, found: Sequence[Prediction], white: int, picture: Bytes) -> str:
    """Return what a picture shows as a notebook shows it: it, what the net sees, and bars."""
    parts = [f"<div>{_small(picture)}</div>"]
    for one in found:
        words = [f"{name}: {readable(one.label)}", explain_way(one.seen), *one.doubts]
        bars = "".join(
            f"<tr><td>{html.escape(readable(label))}</td>"
            f'<td><meter value="{chance:.4f}"></meter></td>'
            f"<td>{chance:.1%}</td></tr>"
            for label, chance in one.likeliest
        )
        parts.append(
            '<div style="display: flex; flex-wrap: wrap; gap: 1em; align-items: center">'
            f"{image_svg(one.seen.image, white)}<table>{bars}</table>"
            f"<div>{lines_html(words)}</div></div>"
        )
    return "".join(parts)


def _small(picture: Bytes) -> str:
    """Return a picture (height, width, 3) made small, where there is a package that writes it."""
    shrunk = max(1.0, max(picture.shape[:2]) / LARGEST)
    size = [max(1, round(n / shrunk)) for n in picture.shape[:2]]
    try:
        content = encode_png(np.round(resize(to_grey(picture), size)).astype(np.uint8))
    except ExtraError:
        return ""
    return f'<img alt="the picture" src="{data_uri(content, "png")}"/>'


def draw_seen(picture: Picture, found: Sequence[Prediction], white: int) -> bytes:
    """Return a PNG of a picture with a box and the answer for each digit, and what the net sees.

    What is in doubt has another colour and a question mark. Raises ExtraError.
    """
    times = max(1, LARGE // max(picture.pixels.shape[:2]))
    pixels = picture.pixels.repeat(times, axis=0).repeat(times, axis=1)
    boxes = []
    for one in found:
        if one.seen.how:
            left, top, width, height = (
                round(n * times / picture.reduced) for n in one.seen.how.ink
            )
            text, colour = (f"{one.label}?", DOUBTED) if one.doubts else (one.label, SURE)
            boxes.append(((left, top, width, height), text, colour))
    return draw_boxes(
        pixels, boxes, _tile([one.seen.image for one in found], pixels.shape[1], white)
    )


def _tile(images: Sequence[Bytes], width: int, white: int) -> Bytes:
    """Return images (height, width) beside and below one another, not wider than a picture."""
    cells = [np.kron(image.astype(int) * WHITE // white, np.ones((2, 2), int)) for image in images]
    count = min(len(cells), max(1, width // cells[0].shape[1]))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % count)
    rows = [np.hstack(cells[start : start + count]) for start in range(0, len(cells), count)]
    return np.vstack(rows).astype(np.uint8)


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


def answers_csv(names: Sequence[str], answers: Answers, *, with_all: bool) -> str:
    """Return CSV with a row for each image: its class and probability, or those of all classes.

    The row of an image without an answer is empty.
    """
    others = names if with_all else ()
    classes = [draw_csv([[name]]) for name in names]
    lines = [draw_csv([["image", "class", "probability", *others]])]
    for images, chances in answers:
        called = [one if isinstance(one, int) else draw_csv([[one]]) for one in images]
        if chances is None:
            lines += [f"{one},,{',' * len(others)}" for one in called]
            continue
        lines += [
            f"{one},{classes[at]}{cells[WIDTH * at : WIDTH * at + WIDTH]}{cells * with_all}"
            for one, at, cells in zip(
                called, chances.argmax(1).tolist(), _spell(chances), strict=True
            )
        ]
    return "\n".join(lines)


def _spell(chances: Probabilities) -> list[str]:
    """Return, for each image, the cells of a CSV of all its probabilities, each after a comma.

    All are spelt at once, digit by digit, which is quicker than one after the other.
    """
    whole = np.rint(chances * 10**DECIMALS).astype(np.int64)
    characters = np.empty((*chances.shape, WIDTH), np.uint8)
    characters[..., 0], characters[..., 2] = ord(","), ord(".")
    for place, at in enumerate((1, *range(3, WIDTH))):
        characters[..., at] = ord("0") + whole // 10 ** (DECIMALS - place) % 10
    text, width = characters.tobytes().decode(), WIDTH * chances.shape[1]
    return [text[start : start + width] for start in range(0, len(text), width)]


def answer_fields(saved: Checkpoint, answers: Answers) -> Iterator[dict[str, Any]]:
    """Yield the fields of a line of `bpcli predict --json` for each image of data."""
    model = {"model": str(saved.path), "seed": saved.config.seed, "digest": saved.digest}
    for images, found in answers:
        for at, called in enumerate(images):
            chances = [0.0] if found is None else found[at].tolist()
            highest = max(chances)
            label = None if found is None else saved.names[chances.index(highest)]
            yield model | {"image": called, "label": label, "probability": highest}


def prediction_fields(
    saved: Checkpoint, picture: str, found: Sequence[Prediction]
) -> dict[str, Any]:
    """Return the fields of a line of `bpcli predict --json`."""
    return {
        "model": str(saved.path),
        "seed": saved.config.seed,
        "digest": saved.digest,
        "picture": picture,
        "answer": "\n".join(spell(found)),
        "rows": spell(found),
        "left_out": next((one.seen.how.left_out for one in found if one.seen.how), 0),
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
        "row": made and made.row,
        "ink": made and made.ink,
        "scaled": made and made.scaled,
        "thickened": made and made.is_thickened,
        "moved": made and made.moved,
    }
