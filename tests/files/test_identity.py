"""Names of classes are kept whole wherever they tell classes apart, and cut only for people."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_images

from bpcli.data import load_dataset
from bpcli.errors import readable
from bpcli.files.labels import find_places, sort_names
from bpcli.training import load

LONG = "00123_Animalia_Chordata_Aves_Passeriformes_Parulidae_Setophaga_with_a_long_name_of_"
NAMES = {
    "long ones": [f"{LONG}{end}" for end in ("coronata", "petechia", "ruticilla", "virens")],
    "control characters": ["a\x1b[2Jb", "a\x1b[3Jb", "a\nb", "a\u202eb"],
    "no UTF-8": ["caf\udce9", "caf\udcea", "caf\udceb", "caf\udcec"],
    "many digits": [f"{10**30 + i}" for i in range(4)],
    "what a cut one looks like": ["'a...", "'b...", "\\x1b", "'" + "x" * 56 + "..."],
}
OF_BEFORE = ["x" * 70, "y" * 70, "B", "\x1b[2J"]  # which are told apart when they are cut, too


def write_words(path, names):
    arrays = {}
    for split, count in (("train", 120), ("test", 40)):
        images, labels = make_images(count, np.random.default_rng(count))
        arrays |= {f"x_{split}": images, f"y_{split}": np.array(names)[labels]}
    np.savez(path, **arrays)
    return path


@pytest.fixture
def train(bpcli, tiny_options, folder):
    def call(names, *args):
        write_words("words.npz", names)
        options = [*tiny_options, "-s", "dataset.source=words.npz"]
        return bpcli("train", *options, *args)

    return call


@pytest.mark.parametrize("kind", NAMES)
def test_classes_are_told_apart_by_the_whole_of_their_names(kind, train, bpcli):
    names = NAMES[kind]
    train(names, "-q")
    assert load("model.npz").names == tuple(sort_names(names))
    found = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert (found["classes"], found["accuracy"]) == (sort_names(names), 1)
    counts = json.loads(bpcli("data", "words.npz", "--json").stdout)["splits"]["train"]["counts"]
    assert counts == dict.fromkeys(names, 30)


@pytest.mark.parametrize("kind", NAMES)
def test_a_run_goes_on_whatever_its_classes_are_called(kind, train, bpcli):
    train(NAMES[kind], "-q")
    bpcli("train", "--resume", "-s", "training.iterations=70", "-q")
    assert load("model.npz").names == tuple(sort_names(NAMES[kind]))


@pytest.mark.parametrize("kind", NAMES)
def test_people_are_told_names_that_they_can_read(kind, train, bpcli, folder):
    pytest.importorskip("PIL.Image").new("L", (6, 6)).save("black.png")
    names = NAMES[kind]
    said = [train(names), bpcli("data", "words.npz"), bpcli("eval", "model.npz", "--mistakes", 3)]
    said += [bpcli("info", "model.npz"), bpcli("predict", "model.npz", "black.png")]
    for result in said:
        shown = result.stdout + result.stderr
        assert all(character.isprintable() or character == "\n" for character in shown)
        assert LONG not in shown
    pytest.importorskip("jinja2")
    bpcli("report", "model.npz", "-o", "page.html")
    page = (folder / "page.html").read_text()
    assert "\x1b" not in page
    assert LONG not in page.replace(json.dumps(LONG), "")


def test_data_keep_the_whole_names_when_they_are_converted(train, bpcli):
    train(NAMES["long ones"], "-q")
    bpcli("data", "words.npz", "-o", "same.npz")
    assert load_dataset("same.npz").names == tuple(NAMES["long ones"])


@pytest.mark.parametrize("kind", ["long ones", "control characters", "no UTF-8"])
def test_folders_of_pictures(kind, bpcli, tiny_options, folder):
    Image = pytest.importorskip("PIL.Image")
    names = [name.replace("/", "_") for name in NAMES[kind]]
    for split, count in (("train", 120), ("test", 40)):
        for number, (image, label) in enumerate(
            zip(*make_images(count, np.random.default_rng(count)), strict=True)
        ):
            place = folder / "p" / split / names[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.astype(np.uint8)).save(place / f"{number}.png")
    bpcli("train", *tiny_options, "-s", "dataset.source=p", "-q")
    found = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert (found["classes"], found["accuracy"]) == (sorted(names), 1)


def make_older(path, names):
    """Let a model know its classes as one of bpcli 0.1 did, which called them `names`."""
    told = sorted(map(readable, names))
    order = [sort_names(names).index(name) for name in sorted(names, key=readable)]
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["W2"], arrays["b2"] = arrays["W2"][:, order], arrays["b2"][order]
    dataset = load_dataset("words.npz")
    whole = tuple(sorted(names, key=readable))
    metadata = json.loads(str(arrays["metadata"])) | {"names": told, "bpcli": "0.1.0"}
    metadata["dataset"] = dataset.ordered_as(whole).fingerprint
    np.savez(path, **arrays | {"metadata": np.array(json.dumps(metadata))})


def test_models_of_before_know_names_that_were_cut(train, bpcli):
    train(OF_BEFORE, "-q")
    assert sorted(map(readable, OF_BEFORE)) != [readable(name) for name in sort_names(OF_BEFORE)]
    make_older("model.npz", OF_BEFORE)
    assert json.loads(bpcli("eval", "model.npz", "--json").stdout)["accuracy"] == 1
    bpcli("train", "--resume", "-s", "training.iterations=70", "-q")
    assert sorted(load("model.npz").names) == sorted(OF_BEFORE)
    bpcli("train", "--resume", "-s", "training.iterations=80", "-q")
    assert json.loads(bpcli("eval", "model.npz", "--json").stdout)["accuracy"] == 1


def test_a_cut_name_that_may_be_either_of_two_is_none(train, bpcli):
    train([*NAMES["long ones"][:2], "a", "b"], "-q")
    make_older("model.npz", sort_names([NAMES["long ones"][0], "a", "b", "c"]))
    assert "words.npz: test labels: found " in bpcli("eval", "model.npz", code=2).stderr


@given(st.lists(st.text(min_size=1, max_size=130), min_size=1, max_size=8, unique=True))
def test_no_two_names_get_one_place(names):
    places = find_places(names, [*map(readable, names)])
    found = [place for place in places if place is not None]
    assert len(set(found)) == len(found)
    assert find_places(names, names) == [*range(len(names))]
