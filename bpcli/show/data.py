"""what the parts of a source hold in -> tables and small pictures, or the fields of JSON, out."""

from collections.abc import Iterator, Sequence
from typing import Any

from bpcli.arrays import Bytes
from bpcli.data.contents import Contents
from bpcli.errors import readable
from bpcli.files.labels import sort_names
from bpcli.show.picture import draw_picture
from bpcli.show.text import align_left, align_right, draw_row, join_lines, text_width

MOST_PICTURES = 30  # of first images: classes beyond them are only counted


def draw_contents(source: str, found: Sequence[Contents], width: int, *, ascii_only: bool) -> str:
    """Return what `bpcli data` prints: parts, classes, oddities, the mean and first images."""
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
        *_draw_oddities(found),
    ]
    first = found[0]

    def draw(caption: str, image: Bytes, white: int) -> list[str]:
        return [caption, *draw_picture(image, max(1, white), ascii_only=ascii_only)]

    pictures = [draw(f"mean of {first.name}", first.mean, int(first.mean.max()))]
    for name, image in list(first.firsts.items())[:MOST_PICTURES]:
        pictures.append(draw(f"first {shown[name]}", image, first.brightest))
    return join_lines(lines) + "\n\n" + draw_row(pictures, width)


def _draw_oddities(found: Sequence[Contents]) -> Iterator[str]:
    """Yield a line for the rarest class of each part, and one for each oddity that there is."""
    for one in found:
        name, share = one.rarest
        yield f"rarest in {one.name}: {readable(name)}, {share:.1%} of {one.images:,} images"
    for one in found:
        if one.shared:
            yield f"{one.shared:,} of the {one.name} images equal some of {found[0].name}"
        if one.repeated:
            yield f"{one.repeated:,} of the {one.name} images equal one before them"
        if one.empty:
            yield f"{one.empty:,} of the {one.name} images are empty: of one grey level"
        if one.is_sorted:
            yield f"the {one.name} images are sorted by their classes"


def contents_fields(source: str, found: Sequence[Contents]) -> dict[str, Any]:
    """Return the fields of `bpcli data --json`; the keys of `counts` are names of classes."""
    splits = {
        one.name: {
            "images": one.images,
            "grey_levels": [one.darkest, one.brightest],
            "counts": one.counts,
            "rarest": {"label": one.rarest[0], "share": one.rarest[1]},
            "repeated": one.repeated,
            "shared": one.shared,
            "empty": one.empty,
            "sorted": one.is_sorted,
        }
        for one in found
    }
    return {"source": source, "size": list(found[0].size), "splits": splits}
