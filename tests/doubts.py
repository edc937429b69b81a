"""Measures `bpcli predict` on pictures as the tests draw them: what it reads, and what it doubts.

`python tests/doubts.py MODEL` draws 760 pictures of one digit, 200 pages with several and 240 pictures
without any, and says how many answers are right, and how many of the right and of the wrong ones,
among which are all answers where there is no digit, are in doubt. It takes some minutes.
"""

import collections
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from pages import NO_DIGITS, PAGES
from photographs import photographs

from bpcli.errors import PictureError
from bpcli.training import Reader, load
from bpcli.training.prediction import spell

SINGLES, SEVERAL, NONE = 40, 20, 40  # of each kind


def pictures():
    """Yield (kind, rows of digits, picture)."""
    for _, digit, picture in photographs(SINGLES):
        yield "one digit", [str(digit)], picture
    rng = np.random.default_rng(0)
    for kind in [*PAGES] * SEVERAL:
        picture, rows = kind(rng)
        yield "several digits", rows, picture
    for kind in [*NO_DIGITS] * NONE:
        picture, rows = kind(rng)
        yield "no digit", rows, picture


def read(reader, picture):
    """Return what is read on a picture, as it comes out of a file, and whether it is in doubt."""
    file = io.BytesIO()
    form = picture.format or "PNG"
    options = {"exif": picture.getexif(), "quality": 95} if form == "JPEG" else {}
    picture.save(file, form, **options)
    try:
        _, found = reader.read_file(Path("picture"), file.getvalue())
    except PictureError:
        return [], True
    return [row.replace(" ", "") for row in spell(found)], any(one.doubts for one in found)


def main():
    reader = Reader(load(sys.argv[1]))
    counts = collections.defaultdict(collections.Counter)
    for kind, rows, picture in pictures():
        found, in_doubt = read(reader, picture)
        answer = "right" if found == rows and rows else "wrong"
        for name in (kind, "all"):
            counts[name][answer] += 1
            counts[name][f"{answer} in doubt"] += in_doubt
    for kind, n in counts.items():
        shares = ", ".join(
            f"{n[f'{answer} in doubt']} of {n[answer]} {answer} ones in doubt"
            for answer in ("right", "wrong")
        )
        print(f"{kind}: {n['right']} of {n['right'] + n['wrong']} pictures right; {shares}")


if __name__ == "__main__":
    main()
