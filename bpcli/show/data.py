"""what the splits of a source hold in -> tables and small pictures, or the fields of JSON, out."""

from collections.abc import Sequence
from typing import Any

from bpcli.arrays import Bytes
from bpcli.data.contents import Contents
from bpcli.errors import readable
from bpcli.files.labels import sort_names
from bpcli.show.picture import draw_picture
from bpcli.show.text import align_left, align_right, draw_row, join_lines, text_width

MOST_PICTURES = 30  # of first images: classes beyond them are only counted


def draw_contents(source: str, found: Sequence[Contents], width: int, *, ascii_only: bool) -> str:
    """Return what `bpcli data` prints: splits, classes, the mean image, the first of each class."""
    classes = sort_names(name for contents in found for name in contents.counts)
    shown = {name: readable(name) for name in classes}
    column = max(5, *map(text_width, shown.values()))
    height, across = found[0].size
    number = f"{len(classes)} class" + "es" * (len(classes) != 1)
    lines = [
        f"{source}: {number}, images of {height} x {across} pixels",
        "",
        "split   images  grey levels",
        *(f"{c.name:<5}  {c.images:7,d}  {c.darkest} to {c.brightest}" for c in found),
        "",
        align_left("class", column) + "".join(f"{contents.name:>9}" for contents in found),
        *(
            align_right(shown[name], column)
            + "".join(f"{c.counts.get(name, 0):9,d}" for c in found)
            for name in classes
        ),
        "",
    ]
    first = found[0]

    def draw(caption: str, image: Bytes, white: int) -> list[str]:
        return [caption, *draw_picture(image, max(1, white), ascii_only=ascii_only)]

    pictures = [draw(f"mean of {first.name}", first.mean, int(first.mean.max()))]
    for name, image in list(first.firsts.items())[:MOST_PICTURES]:
        pictures.append(draw(f"first {shown[name]}", image, first.brightest))
    return join_lines(lines) + "\n" + draw_row(pictures, width)


def contents_fields(source: str, found: Sequence[Contents]) -> dict[str, Any]:
    """Return the fields of `bpcli data --json`; the keys of `counts` are names of classes."""
    splits = {
        contents.name: {
            "images": contents.images,
            "grey_levels": [contents.darkest, contents.brightest],
            "counts": contents.counts,
        }
        for contents in found
    }
    return {"source": source, "size": list(found[0].size), "splits": splits}
