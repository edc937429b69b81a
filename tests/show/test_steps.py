"""What the page makes of pictures, in Node: the same images, in the same rows, as Python's steps."""

import base64
import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from pages import PAGES, put_row
from photographs import KINDS, colour, page_of_digits, photographs

from bpcli.data import prepare
from bpcli.show.page.canvas import preparation_script

DRIVER = """
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\\n")) {
  const [text, height, width] = JSON.parse(line), flat = Buffer.from(text, "base64");
  const colours = [0, 1, 2].map(c => new Grey(height, width,
    Float64Array.from({ length: height * width }, (_, i) => flat[3 * i + c])));
  console.log(JSON.stringify(prepare(colours).map(row => row.map(image => [...image.data]))));
}
"""


@pytest.fixture(scope="module")
def node():
    """The program that runs the script; where every change is tested it has to be there."""
    program = shutil.which("node")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs node")
    return program


def prepared_by_the_page(node, pictures, tmp_path):
    """Rows of images (28, 28) for each picture (height, width, 3)."""
    script = tmp_path / "steps.js"
    script.write_text(preparation_script() + DRIVER, "utf-8")
    lines = [
        json.dumps([base64.b64encode(pixels.tobytes()).decode(), *pixels.shape[:2]])
        for pixels in pictures
    ]
    done = subprocess.run([node, script], input="\n".join(lines), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def tiny_digits(rng):
    """A page on which digits are so small that it is looked at more closely."""
    page = np.zeros((100, 640))
    put_row(page, "3141", 22, 30, rng)
    return np.array(colour(page, [250] * 3, [20] * 3))


def pictures_of_every_kind(rng):
    for _, _, picture in photographs(1):
        yield np.array(picture.convert("RGB").resize((120, 120)))
    (_, _, picture), *_ = photographs(1, seed=3)
    yield np.array(picture.convert("RGB").resize((430, 310)))  # larger than the steps look at
    for rows in (["70", "25"], ["1", "8", "4"], ["314159"]):
        yield np.array(page_of_digits(rows, rng)[0])
    for page in PAGES:
        yield np.array(page(rng)[0].convert("RGB").reduce(2))
    yield tiny_digits(rng)
    yield np.full((30, 40, 3), 255, np.uint8)  # where nothing is drawn


def test_the_page_prepares_pictures_as_python_does(node, rng, tmp_path):
    pictures = [*pictures_of_every_kind(rng)]
    assert len(pictures) == len(KINDS) + len(PAGES) + 6
    different = 0
    found = prepared_by_the_page(node, pictures, tmp_path)
    for pixels, rows in zip(pictures, found, strict=True):
        expected = prepare(pixels)
        assert [len(row) for row in rows] == np.bincount([one.row for one in expected]).tolist()
        images = [image for row in rows for image in row]
        for one, other in zip(images, expected, strict=True):
            difference = np.abs(np.array(one).reshape(28, 28) - other.image)
            assert difference.max() <= 1  # a grey level's rounding
            different += int((difference > 0).sum())
    assert different <= 10
