"""`bpcli eval --prepare`: everybody's own digits, in a folder for each class, as predict has them."""

import json

import numpy as np
import pytest
from photographs import Strokes, colour, lay, several_on_a_page
from PIL import Image

from bpcli.data import load_split


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twelve photographs of digits, by class, of which no two have the same size."""
    folder, test = tmp_path_factory.mktemp("pictures"), load_split("mnist", "test")
    for i in range(12):
        ink = Strokes(test.images[i]).draw(100 + 5 * i, 9 + i % 4)
        place = folder / str(test.labels[i])
        place.mkdir(exist_ok=True)
        page = lay(ink, (250 + i, 260), at=(40, 50))
        colour(page, [250, 248, 240], [30, 40, 90]).save(place / f"{i}.png")
    return folder


def test_it_answers_as_predict_does(bpcli, mnist_model, pictures):
    found = json.loads(bpcli("eval", mnist_model, "--data", pictures, "--prepare", "--json").stdout)
    paths = sorted(pictures.rglob("*.png"))
    answers = bpcli("predict", mnist_model, *paths, "--json").stdout.splitlines()
    labels = [json.loads(line)["answer"] for line in answers]
    right = [label == path.parent.name for label, path in zip(labels, paths, strict=True)]
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert found["accuracy"] > 0.7
    printed = bpcli("eval", mnist_model, "--data", pictures, "--prepare").stdout
    assert "12 test images" in printed


def test_what_is_not_one_digit_is_left_out_and_named(bpcli, mnist_model, pictures, tmp_path, rng):
    for name, source in (("7", "a"), ("2", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{source}.png").write_bytes((pictures / "7" / "0.png").read_bytes())
    Image.new("RGB", (90, 90), "white").save(tmp_path / "7" / "blank.png")
    several_on_a_page([2, 3, 4], rng).save(tmp_path / "2" / "three.png")
    result = bpcli("eval", mnist_model, "--data", tmp_path, "--prepare", "--min-accuracy", "0.5")
    assert "2 of 4 pictures are left out" in result.stderr
    assert "blank.png: found nothing drawn on it" in result.stderr
    assert "three.png: found 3 digits, expected one" in result.stderr
    assert "accuracy 50.00%" in result.stdout


def test_a_class_that_the_model_has_not_is_refused(bpcli, mnist_model, pictures, tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes((pictures / "7" / "0.png").read_bytes())
    result = bpcli("eval", mnist_model, "--data", tmp_path, "--prepare", code=2)
    assert "found the class cat, expected one of 0 to 9" in result.stderr
    result = bpcli("eval", mnist_model, "--data", tmp_path / "cat", "--prepare", code=2)
    assert "expected one for each class" in result.stderr
    assert "--prepare goes with --data" in bpcli("eval", mnist_model, "--prepare", code=2).stderr
