"""In a notebook or a script a model is trained, asked and kept in a line each, as by commands."""

import json
import re
from xml.etree import ElementTree as XML

import numpy as np
import pytest

from bpcli import notebook
from bpcli.data import load_split
from bpcli.errors import (
    BpcliError,
    CheckpointError,
    ConfigError,
    DivergedError,
    PictureError,
    PlaceError,
)
from bpcli.files.image import encode_png
from bpcli.notebook import Model
from bpcli.show.colours import LIGHT
from bpcli.training import load_config


@pytest.fixture
def values(tiny):
    return {
        "source": str(tiny), "hidden": [8], "weight_init": "he", "batch_size": 10,
        "iterations": 60, "evaluate_every": 12,
    }  # fmt: skip


@pytest.fixture
def trained(values):
    return notebook.train(**values)


@pytest.fixture
def image(tiny):
    return load_split(str(tiny), "test").images[0]


def test_a_model_is_that_of_the_command(trained, bpcli, tiny_options, tmp_path):
    bpcli("train", *tiny_options, "-o", tmp_path / "m.npz")
    assert notebook.load(tmp_path / "m.npz").saved.digest == trained.saved.digest
    assert trained.saved.iteration == 60


@pytest.mark.parametrize("config", ["fast", "file.yaml", "object", None])
def test_a_configuration_is_a_name_a_file_or_itself(config, values, folder):
    (folder / "file.yaml").write_text("network: {hidden: [3]}\n")
    given = load_config("file.yaml") if config == "object" else config
    model = notebook.train(given, **(values | {"warmup": 0}))
    assert model.saved.config.network.hidden == (8,)
    assert (model.saved.config.optimizer.method == "sgd") == (config != "fast")


def test_the_house_has_these_doors():
    import bpcli as house

    assert (house.train, house.load, house.compare) == (
        notebook.train, notebook.load, notebook.compare,
    )  # fmt: skip


def test_keys_have_their_last_names_or_whole_ones(values):
    model = notebook.train(**values, **{"optimizer.method": "adam"}, learning_rate=0.01, seed=3)
    config = model.saved.config
    assert (config.optimizer.method, config.optimizer.learning_rate, config.seed) == (
        "adam", 0.01, 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hiden": [3]}, "did you mean network.hidden"),
        ({"hidden": "many"}, "network.hidden"),
        ({"learning_rate": -1}, "optimizer.learning_rate"),
        ({"lr": 1}, "optimizer.learning_rate"),
        ({"source": "nowhere"}, "nowhere"),
    ],
)
def test_a_mistake_is_a_sentence_that_names_the_key(wrong, words, values):
    with pytest.raises(BpcliError, match=re.escape(words)) as raised:
        notebook.train(**(values | wrong))
    assert isinstance(raised.value, ConfigError) or "source" in wrong


def test_what_diverges_says_so(values):
    with pytest.raises(DivergedError, match="learning_rate"):
        notebook.train(**(values | {"learning_rate": 1e9}))


def test_a_model_begins_with_another(trained, values):
    again = notebook.train(init=trained, **(values | {"iterations": 1, "learning_rate": 1e-9}))
    for name, array in trained.saved.network().arrays.items():
        np.testing.assert_allclose(again.saved.arrays[name], array, atol=1e-6)


def test_it_is_measured_as_by_the_command(trained, bpcli, tmp_path):
    trained.save(tmp_path / "m.npz")
    found = trained.evaluate()
    printed = json.loads(bpcli("eval", tmp_path / "m.npz", "--json").stdout)
    assert (found.accuracy, found.macro_f1) == (printed["accuracy"], printed["macro_f1"])
    assert found.confusion.tolist() == printed["confusion"]
    assert repr(found) == bpcli("eval", tmp_path / "m.npz").stdout.rstrip("\n")
    assert trained.evaluate(split="train").images == 120


def test_a_picture_is_read_as_by_the_command(mnist_model, bpcli, tmp_path):
    paper = np.full((90, 70), 230, np.uint8)
    paper[15:75, 30:38] = 20
    (tmp_path / "one.png").write_bytes(encode_png(paper))
    printed = json.loads(bpcli("predict", mnist_model, tmp_path / "one.png", "--json").stdout)
    model = notebook.load(mnist_model)
    for picture in (str(tmp_path / "one.png"), tmp_path / "one.png", paper, paper / 255):
        answer = model.predict(picture)
        assert answer.label == printed["answer"] == "1"
        assert answer.digits[0].seen.way == "prepared"
        assert 'alt="the picture" src="data:image/png;base64,' in answer._repr_html_()


@pytest.mark.parametrize(
    "form",
    [
        lambda image: image,
        lambda image: image.reshape(6, 6),
        lambda image: image.reshape(6, 6) / 255,
        lambda image: image.astype(np.int64),
        lambda image: np.repeat(image.reshape(6, 6, 1), 3, axis=2),
        lambda image: (image / 255).astype(np.float32),
    ],
    ids=["row", "image", "real", "int64", "colours", "float32"],
)
def test_an_image_of_the_data_is_taken_as_it_is(form, trained, image):
    answer = trained.predict(form(image))
    assert [one.seen.way for one in answer.digits] == ["as is"]
    np.testing.assert_array_equal(answer.digits[0].seen.image.ravel(), image)


def test_a_drawing_of_the_nets_own_size_on_light_paper_is_no_image_of_the_data(mnist_model):
    test = load_split("mnist", "test")
    model = notebook.load(mnist_model)
    right = {True: 0, False: 0}
    for image, label in zip(test.images[:40], test.labels[:40], strict=True):
        for is_inverted in right:
            drawn = image.reshape(28, 28)
            answer = model.predict(255 - drawn if is_inverted else drawn)
            assert answer.digits[0].seen.way == ("prepared" if is_inverted else "as is")
            right[is_inverted] += answer.label == str(label)
    assert min(right.values()) >= 38


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5), np.zeros((2, 6, 6)), np.zeros((0, 6)), np.full((6, 6), 256), np.full((6, 6), -1),
        np.full((6, 6), 1.5), np.full((6, 6), np.nan), np.array([["a"]]), np.zeros((6, 6), complex),
    ],
    ids=str,
)  # fmt: skip
def test_an_array_that_is_no_picture_is_refused(array, trained):
    with pytest.raises(PictureError, match="found .*, expected"):
        trained.predict(array)


def test_it_is_saved_loaded_and_used_by_commands(trained, bpcli, tmp_path):
    path = tmp_path / "mine.npz"
    trained.save(path)
    again = notebook.load(path)
    assert again.saved.digest == trained.saved.digest
    again.save(tmp_path / "copy.npz")
    assert (tmp_path / "copy.npz").read_bytes() == path.read_bytes()
    bpcli("train", "--resume", "-o", path, "-s", "training.iterations=70")
    assert "test accuracy" in repr(again)


def test_nothing_of_the_user_gives_way(trained, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"notes\.txt"):
        trained.save(tmp_path / "notes.txt")
    with pytest.raises(PlaceError, match=r"notes\.txt"):
        trained.report(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_page_is_that_of_the_command(trained, bpcli, tmp_path):
    trained.save(tmp_path / "m.npz")
    trained.report(tmp_path / "one.html")
    bpcli("report", tmp_path / "m.npz", "-o", tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_models_are_compared_as_by_the_command(trained, values, bpcli, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    other = notebook.train(**values | {"hidden": [5]})
    trained.save(tmp_path / "a.npz")
    other.save(tmp_path / "b.npz")
    found = notebook.compare(trained, other)
    assert "network.hidden" in repr(found)
    assert repr(found) == bpcli("compare", tmp_path / "a.npz", tmp_path / "b.npz").stdout.rstrip()


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "x.npz").write_text("no")
    for path in (tmp_path / "x.npz", tmp_path / "nothing.npz"):
        with pytest.raises(CheckpointError, match="x.npz|nothing.npz"):
            notebook.load(path)
    with pytest.raises(CheckpointError):
        Model(b"no", "x")


def shown(trained, image):
    """Each thing that a cell shows, as HTML."""
    results = [
        trained, trained.curve, trained.evaluate(), trained.predict(image),
        notebook.compare(trained, trained),
    ]  # fmt: skip
    return [result._repr_html_() for result in results]


def test_what_is_shown_is_whole_and_runs_nothing(trained, image):
    for html in shown(trained, image):
        XML.fromstring(f"<div>{html}</div>")  # which is well-formed
        assert "<script" not in html
        assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_text_has_the_colour_of_the_notebook(trained, image):
    """So it is legible in a light one and in a dark one; a curve brings its own paper."""
    for html in shown(trained, image):
        if 'class="bpcli-chart"' in html:
            assert f'fill="{LIGHT.paper}"' in html
            continue
        for element in XML.fromstring(f"<div>{html}</div>").iter():
            if element.tag in ("td", "th", "div"):  # what is drawn has a paper of its own
                assert not re.search(r"(?<![-\w])color: (?!inherit)", element.get("style", ""))


@pytest.mark.filterwarnings("ignore:.*classes are:UserWarning")
def test_names_of_classes_are_text(tiny, rng, tmp_path, values):
    source = tmp_path / "words.npz"
    images = rng.integers(0, 255, (40, 6, 6)).astype(np.uint8)
    images[0, 0] = 255
    labels = np.array(["<b>", "&"])[np.arange(40) % 2]
    np.savez(source, x_train=images, y_train=labels, x_test=images[::-1, ::-1], y_test=labels)
    model = notebook.train(**(values | {"source": str(source)}))
    html = model.evaluate()._repr_html_() + model.predict(images[0])._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
