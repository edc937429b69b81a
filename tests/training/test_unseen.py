"""No image that a model has learnt from is ever counted as one that it has not seen."""

import itertools
import json
import re
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tiny import write_idx

from bpcli.cli.main import main
from bpcli.errors import CheckpointError, DatasetError
from bpcli.training import Output, find_images, load, load_config, resume, save, train
from bpcli.training.start import begin

SIZE = 4  # rows and columns; two of the pixels say which image it is
HERE = Path(__file__).parent


def mark(numbers):
    """Images that each say their number, (N, 4, 4)."""
    images = np.full((len(numbers), SIZE, SIZE), 7, np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(numbers, 256)
    images[:, -1, -1] = 255
    return images


def numbers_of(images):
    """The numbers that images (N, 16) say."""
    return set((images[:, 0].astype(int) * 256 + images[:, 1]).tolist())


def write_npz(folder, parts, change=lambda images: images, names="xy"):
    arrays = {}
    for part, (images, labels) in parts.items():
        end = f"_{part}" if len(parts) > 1 else ""
        arrays |= {f"{names[0]}{end}": change(images), f"{names[1]}{end}": labels}
    np.savez(folder / "data.npz", **arrays)
    return "data.npz"


def write_csv(folder, parts, change=lambda images: images, place="first", is_headed=False):
    """A file for each part; one part alone is a file itself, if there is no header."""
    for part, (images, labels) in parts.items():
        pixels = change(images).reshape(len(images), -1)
        rows = [*pixels.tolist()]
        names = [f"pixel{i}" for i in range(pixels.shape[1])]
        at = {"first": 0, "last": len(names)}[place]
        if labels is not None:
            rows = [[*row[:at], label, *row[at:]] for row, label in zip(rows, labels, strict=True)]
            names.insert(at, "label")
        lines = [names] * is_headed + rows
        text = "".join(",".join(map(str, line)) + "\n" for line in lines)
        (folder / f"{part}.csv").write_text(text)
    return "train.csv" if len(parts) == 1 else "."


def write_kaggle(folder, parts):
    """Where there are no test images with labels, others lie there without."""
    write_csv(folder, {"test": (mark(np.arange(240, 250)), None)} | parts, is_headed=True)
    return "."


def write_arrays(folder, parts):
    for part, (images, labels) in parts.items():
        start = f"{part.replace('test', 't10k')}-" if len(parts) > 1 else ""
        write_idx(folder / f"{start}images-idx3-ubyte", images)
        write_idx(folder / f"{start}labels-idx1-ubyte", labels)
    return "."


def write_pictures(folder, parts):
    from PIL import Image

    for part, (images, labels) in parts.items():
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = (folder / part if len(parts) > 1 else folder) / str(label)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{i}.png")
    return "."


CHANGES = {
    "shares": lambda images: images / 255,
    "around zero": lambda images: images / 127.5 - 1,
    "standardised": lambda images: (images / 255 - 0.1307) / 0.3081,
}
CONTAINERS = {
    "npz": write_npz,
    "npz of scikit-learn": partial(
        write_npz, names=("data", "target"), change=lambda images: images.reshape(-1, SIZE**2) / 1
    ),
    "npz of colours": partial(write_npz, change=lambda images: np.stack([images] * 3, axis=1)),
    **{f"npz of {name}": partial(write_npz, change=change) for name, change in CHANGES.items()},
    "csv": write_csv,
    "csv, labels last": partial(write_csv, place="last"),
    "csv of numbers": partial(write_csv, change=CHANGES["standardised"], is_headed=True),
    "kaggle": write_kaggle,
    "idx": write_arrays,
    "pictures": write_pictures,
}


def write_source(folder, container, parts):
    """Write (images, labels) by the name of a part, and return what the source is called."""
    folder.mkdir()
    return str(folder / CONTAINERS[container](folder, parts))


@st.composite
def sources(draw):
    """Of each part the numbers and labels of its images: some come twice."""
    classes = draw(st.integers(2, 4))
    own = st.lists(st.integers(0, 40), min_size=8, max_size=40)
    numbers = [*range(100, 100 + classes), *draw(own)]  # one of each class at least
    labels = [n % classes for n in numbers]
    if draw(st.booleans()):
        numbers, labels = zip(*sorted(zip(numbers, labels, strict=True), key=lambda p: p[1]), strict=True)  # fmt: skip
    parts = {"train": (np.array(numbers), np.array(labels))}
    if draw(st.booleans()):
        test = np.array(draw(st.lists(st.integers(0, 80), min_size=1, max_size=20)))
        parts["test"] = (test, test % classes)
    return parts


def call(*args):
    done = CliRunner().invoke(main, [str(arg) for arg in args])
    assert done.exit_code in (0, 2), (done.output, done.exception)
    return done


@given(
    st.sampled_from(list(CONTAINERS)),
    sources(),
    st.sampled_from([0, 1, 3, 0.1, 0.5]),
    st.sampled_from([0, 0, 4, 0.4]),
    st.sampled_from(list(CONTAINERS)),
    st.randoms(use_true_random=False),
)
def test_what_is_learnt_from_is_never_called_test_or_validation(
    container, parts, validation, few, other, random
):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        written = {name: (mark(n), labels) for name, (n, labels) in parts.items()}
        where = write_source(folder / "own", container, written)
        options = [f"dataset.source={where}", f"dataset.validation={validation}", f"dataset.train={few}",
                   "network.hidden=[2]", "training.batch_size=5", "training.iterations=20"]  # fmt: skip
        flags = [part for option in options for part in ("-s", option)]
        trained = call("train", *flags, "--json", "-q", "-o", folder / "m.npz")
        if trained.exit_code == 2:  # nothing could be held out, as all are equal
            words = "dataset.(validation|train): found|either may be the labels"
            assert re.search(words, trained.stderr)
            return
        learnt = follow(options)
        fields = json.loads(trained.stdout.splitlines()[-1])
        held_out = begin(load_config(None, options)).run.dataset.held_out
        assert {"test_accuracy", "validation_accuracy", "train_accuracy"} & fields.keys() == {
            "train_accuracy", f"{held_out.name}_accuracy"
        }  # fmt: skip
        left_over = set()
        if few:
            left_over = set(parts["train"][0].tolist()) - learnt
        if held_out.name != "train":
            assert not numbers_of(held_out.images) & learnt
        if held_out.name == "validation":
            left_over -= numbers_of(held_out.images)

        order = list(range(len(parts["train"][0])))
        random.shuffle(order)
        grown = {
            name: (np.concatenate([images, mark(np.arange(200, 204))]), np.append(labels, [0, 1, 0, 1]))
            for name, (images, labels) in written.items()
        }  # fmt: skip
        grown["train"] = tuple(array[[*order, -1, -2]] for array in grown["train"])
        elsewhere = write_source(folder / "grown", other, grown)
        for data, split in itertools.product(
            (None, elsewhere), (None, "test", "validation", "train")
        ):
            check(folder / "m.npz", data, split, learnt, left_over)


def follow(options):
    """The numbers of all images that a run learns from, by its mini-batches."""
    run = begin(load_config(None, options)).run
    images = run.dataset.train.images
    drawn = run.mini_batches.choose(0, 20 * 5)
    return numbers_of(images) if len(drawn) >= len(images) else numbers_of(images[drawn])


def check(model, data, split, learnt, left_over):
    """See that the command measures the very images that the model has, or has not, seen.

    Of what was left over none is called validation, nor test if it has a part of its own.
    """
    flags = [*(["--data", data] if data else []), *(["--split", split] if split else [])]
    done = call("eval", model, "--json", *flags)
    try:
        measured = find_images(load(model), split, data).images
    except DatasetError as error:
        assert (done.exit_code, done.stderr) == (2, f"{error}\n")
        asked = "either may be the labels" in str(error)  # of a few rows without a header
        assert not data or split or asked  # what has grown has images that it has not seen
        return
    found = json.loads(done.stdout)
    assert (found["split"], found["images"]) == (measured.name, len(measured))
    assert split in (None, found["split"])
    if found["split"] == "train":
        assert numbers_of(measured.images) <= learnt
    else:
        assert not numbers_of(measured.images) & learnt
    if found["split"] == "validation":
        assert not numbers_of(measured.images) & left_over


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A folder with models of format 2, one of them unfinished, and their data."""
    for name in ("data-2.npz", "model-2.npz"):
        shutil.copy(HERE / name, tmp_path)
    shutil.copy(HERE / "model-2-part.npz", tmp_path / "unfinished.npz.part")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_older_models_are_measured_on_the_last_images(old, bpcli):
    with np.load("data-2.npz") as archive:
        last = archive["x_train"][40:].reshape(20, 36)
    found = find_images(load("model-2.npz"), "validation")
    np.testing.assert_array_equal(found.images.images, last)
    shown = json.loads(bpcli("eval", "model-2.npz", "--split", "validation", "--json").stdout)
    assert (shown["images"], shown["accuracy"]) == (20, load("model-2.npz").record.accuracy)
    assert shown["left_out"] == 40


def test_older_models_leave_out_test_images_that_they_have_learnt_from(old, bpcli):
    stderr = bpcli("eval", "model-2.npz", code=2).stderr  # the eight are the first of training
    assert stderr.startswith("model-2.npz: found no test or validation images, ")


def test_an_older_unfinished_run_goes_on_as_it_began(old, bpcli):
    bpcli("train", "--resume", "-o", "unfinished.npz", "-q")
    resumed, whole = load("unfinished.npz"), load("model-2.npz")
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array)
    assert resumed.record.accuracy == whole.record.accuracy
    assert resumed.held_out_by == "last"
    np.testing.assert_array_equal(
        find_images(resumed, "validation").images.images,
        find_images(whole, "validation").images.images,
    )
    bpcli("train", "--resume", "-o", "unfinished.npz", "-q", "-s", "training.iterations=50")
    assert len(load("unfinished.npz").learnt) == 40


def test_where_it_is_not_known_what_a_model_has_learnt_from_it_is_said(old, bpcli, tiny, rng):
    (old / "data-2.npz").unlink()
    images = rng.integers(0, 256, (20, 6, 6), np.uint8)
    np.savez("data-2.npz", x_train=images, y_train=np.arange(20) % 4)
    doubt = (
        "it is not known what it has learnt from: there may be some of it among these test images"
    )
    result = bpcli("eval", "model-2.npz", "--data", tiny, "--json")
    assert doubt in result.stderr
    assert json.loads(result.stdout)["left_out"] is None
    for command in (["eval", "model-2.npz"], ["eval", "model-2.npz", "--split", "validation"]):
        stderr = bpcli(*command, code=2).stderr
        assert "cannot tell which images of data-2.npz it has learnt from" in stderr
    assert doubt in bpcli("eval", "model-2.npz", "--split", "test").stderr
    bpcli("report", "model-2.npz", "--data", tiny, "-o", "page.html")
    assert "it is not known what it has learnt from" in Path("page.html").read_text()


def test_models_of_mnist_keep_no_digests_and_know_what_they_have_learnt_from(bpcli, tmp_path):
    options = ["-s", "training.iterations=5", "-s", "dataset.validation=0.02", "-q"]
    bpcli("train", *options, "-o", tmp_path / "m.npz")
    saved = load(tmp_path / "m.npz")
    assert saved.learnt is None
    found = {split: find_images(saved, split) for split in ("train", "validation", "test", None)}
    assert {split: len(one.images) for split, one in found.items()} == {
        "train": 58_800, "validation": 1_200, "test": 10_000, None: 10_000,
    }  # fmt: skip
    assert found["validation"].left_out == 58_800
    with np.load(tmp_path / "m.npz") as archive:
        assert "learnt" not in archive.files


def test_what_first_weights_have_learnt_from_is_not_measured_either(bpcli, tiny_options, tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    bpcli("train", *tiny_options, "-s", "dataset.validation=20", "-q", "-o", first)
    options = [*tiny_options, "--init", first, "-q", "-o", second]
    result = bpcli("train", *options, "-s", "dataset.validation=60", "--json")
    assert "validation images are left out: it learns, or has learnt before, from" in result.stderr
    learnt = set(load(first).learnt.tolist())
    assert learnt == set(load(second).learnt.tolist())  # it learns from fewer of the same
    found = find_images(load(second), "validation").images
    assert not learnt & set(found.digests.tolist())
    kept = bpcli("eval", second, "--split", "validation", "--json").stdout
    assert json.loads(kept)["accuracy"] == json.loads(result.stdout)["validation_accuracy"]
    bpcli("train", *tiny_options, "-q", "-o", first)
    stderr = bpcli("train", *options, "-s", "dataset.validation=60", code=2).stderr
    assert "all of the 60 images of" in stderr
    assert "have been learnt from before" in stderr


def test_a_run_that_began_with_weights_goes_on_with_what_they_learnt(make_run, tmp_path):
    first = make_run("dataset.validation=20")
    list(train(first))
    save(tmp_path / "first.npz", first)
    config = load_config(None, ["dataset.validation=60"], first.config)
    run = begin(config, load(tmp_path / "first.npz")).run
    next(record for record in train(run) if record)
    Output(tmp_path / "m.npz").save(run)
    again = resume(config, Output(tmp_path / "m.npz").find()).run
    assert len(again.dataset.held_out) == len(run.dataset.held_out) <= 20
    np.testing.assert_array_equal(again.learnt, run.learnt)


def test_rows_for_columns_hide_no_image(bpcli, tiny_options, tmp_path, tiny):
    bpcli("train", *tiny_options, "-q", "-o", tmp_path / "m.npz")
    data = (tiny / "train-images-idx3-ubyte").read_bytes()
    turned = np.frombuffer(data[16:], np.uint8).reshape(-1, 6, 6).transpose(0, 2, 1)
    labels = np.frombuffer((tiny / "train-labels-idx1-ubyte").read_bytes()[8:], np.uint8)
    np.savez(tmp_path / "turned.npz", x_train=turned, y_train=labels)
    command = ["eval", tmp_path / "m.npz", "--data", tmp_path / "turned.npz"]
    assert "it has learnt from all 120 of" in bpcli(*command, "--transpose", code=2).stderr
    assert json.loads(bpcli(*command, "--json").stdout)["images"] == 120


@pytest.mark.parametrize(
    "moved", ["the working directory", "the model with its data", "the model alone, further in"]
)
def test_data_are_found_again_here_or_beside_the_model(
    moved, bpcli, tiny_options, folder, monkeypatch
):
    relative = [*tiny_options, "-s", "dataset.source=tiny", "-q"]
    bpcli("train", *relative)
    asked = bpcli("eval", "model.npz").stdout
    (folder / "elsewhere").mkdir()
    if moved == "the working directory":
        monkeypatch.chdir(folder / "elsewhere")
        model = "../model.npz"
    else:
        model = "elsewhere/model.npz"
        (folder / "model.npz").rename(model)
        if moved == "the model with its data":
            (folder / "tiny").rename(folder / "elsewhere/tiny")
        else:
            monkeypatch.chdir(folder / "elsewhere")
            model = "model.npz"
    assert bpcli("eval", model).stdout.replace(model, "model.npz") == asked
    bpcli("report", model, "-o", "page.html")
    bpcli("gradcheck", "--model", model, "--elements", 20)
    extended = bpcli("train", "--resume", "-o", model, "-s", "training.iterations=72", "-q")
    assert extended.stderr == ""


def test_data_that_are_gone_are_named_with_what_helps(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "dataset.source=tiny", "-q")
    (folder / "tiny").rename(folder / "away")
    said = bpcli("eval", "model.npz", code=2).stderr
    assert said == (
        f"model.npz: its data tiny: found nothing there (looked for in {folder}), nor in a folder "
        "that the model is in; put them back, or name them by --data, where a command takes it\n"
    )
    assert "accuracy" in bpcli("eval", "model.npz", "--data", "away").stdout


@pytest.mark.parametrize("form", ["whole numbers", *CHANGES])
@pytest.mark.parametrize("more", [3.5, 40.0, -9.0])
def test_images_are_known_again_where_what_has_grown_has_other_black_or_white(
    form, more, bpcli, folder
):
    images, labels = mark(np.arange(60)) // 16 * 1.0, np.arange(60) % 3
    images[:, 1, 0] = np.arange(60) // 8
    images = CHANGES[form](images) if form in CHANGES else images
    np.savez("d.npz", X=images, y=labels)
    bpcli("train", "-s", "dataset.source=d.npz", "-s", "training.iterations=5", "-q")
    others = np.full((3, SIZE, SIZE), more)
    others[:, 1, 1] = [0.25, 0.5, 0.75]
    np.savez("d.npz", X=np.concatenate([others, images]), y=np.append([0, 1, 2], labels))
    found = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert (found["images"], found["left_out"]) == (3, 60)


@pytest.mark.parametrize("form", ["whole numbers", *CHANGES])
def test_test_images_are_known_again_where_others_beside_them_are_brighter(form, bpcli, folder):
    images, labels = mark(np.arange(60)) / 1.0, np.arange(60) % 3
    images = CHANGES[form](images) if form in CHANGES else images
    others = images[:2].copy()
    others[:, 1, 1], others[:, 2, 2] = 2 * images.max() + 0.5, images.max() / 2
    tested = np.concatenate([images[:20], others])
    np.savez("d.npz", x_train=images, y_train=labels, x_test=tested, y_test=np.arange(22) % 3)
    said = bpcli("train", "-s", "dataset.source=d.npz", "-s", "training.iterations=5", "-q").stderr
    assert "d.npz: 20 test images are left out" in said
    found = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert (found["split"], found["images"], found["left_out"]) == ("test", 2, 20)


def test_where_first_weights_had_other_black_and_white_it_is_not_known_what_they_saw(bpcli, folder):
    images, labels = mark(np.arange(60)), np.arange(60) % 3
    for name, change in CHANGES.items():
        np.savez(f"{name}.npz", X=change(images), y=labels)
    options = ["-s", "training.iterations=5", "-s", "dataset.validation=0.5", "-q"]
    bpcli("train", "-s", "dataset.source=shares.npz", *options, "-o", "first.npz")
    for name, is_known in (("around zero", True), ("standardised", False)):
        given = ["--init", "first.npz", "-s", f"dataset.source={name}.npz", "-o", f"{name}-m.npz"]
        said = bpcli("train", *options, *given).stderr
        assert ("it is not known what it has learnt from" in said) is not is_known
        assert (load(f"{name}-m.npz").learnt is not None) is is_known


def test_data_with_other_black_and_white_than_a_models_own_are_doubted(bpcli, folder):
    images, labels = mark(np.arange(60)), np.arange(60) % 3
    np.savez("bytes.npz", X=images, y=labels)
    for name, change in CHANGES.items():
        np.savez(f"{name}.npz", X=change(images), y=labels)
    options = ["-s", "training.iterations=5", "-s", "dataset.validation=0.5", "-q"]
    for own, other, is_doubted in (
        ("standardised", "bytes", True),
        ("bytes", "standardised", True),
        ("standardised", "standardised", False),
        ("shares", "bytes", False),
        ("around zero", "shares", False),
    ):
        bpcli("train", "-s", f"dataset.source={own}.npz", *options)
        said = bpcli("eval", "model.npz", "--data", f"{other}.npz").stderr
        assert ("black and white were other numbers in its own data" in said) is is_doubted


@pytest.fixture
def few(bpcli, tiny_options, tmp_path):
    """A model that has learnt from 12 images of one part, with others held out or left over."""

    def make(*options):
        bpcli(
            "train",
            *tiny_options,
            "-s",
            "dataset.train=12",
            *options,
            "-q",
            "-o",
            tmp_path / "m.npz",
        )
        return tmp_path / "m.npz"

    return make


@pytest.mark.parametrize("held_out", [0, 20])
def test_what_is_left_over_is_neither_learnt_from_nor_measured(held_out, few, bpcli, tiny):
    model = few("-s", f"dataset.validation={held_out}")
    saved = load(model)
    assert len(saved.learnt) == 12
    assert len(saved.unused) == 120 - 12 - held_out
    measured = json.loads(bpcli("eval", model, "--split", "train", "--json").stdout)
    assert (measured["split"], measured["images"]) == ("train", 12)
    if held_out:
        found = find_images(saved, "validation")
        assert (len(found.images), found.left_out) == (20, 12)
        assert not np.isin(found.images.digests, saved.unused).any()
    else:
        said = bpcli("eval", model, "--split", "validation", code=2).stderr
        assert "it has learnt from 12 of" in said
        assert "and dataset.train has left over the others" in said
    assert json.loads(bpcli("eval", model, "--json").stdout)["split"] == "test"


def test_of_mnist_no_digest_is_kept_of_what_is_left_over(bpcli, tmp_path):
    options = ["dataset.train=300", "dataset.validation=500", "training.iterations=5"]
    bpcli(
        "train",
        *(part for option in options for part in ("-s", option)),
        "-q",
        "-o",
        tmp_path / "m.npz",
    )
    saved = load(tmp_path / "m.npz")
    assert (saved.learnt, saved.unused) == (None, None)
    found = {split: find_images(saved, split) for split in ("train", "validation", "test")}
    assert {split: len(one.images) for split, one in found.items()} == {
        "train": 300, "validation": 500, "test": 10_000,
    }  # fmt: skip
    counts = np.bincount(found["train"].images.labels)
    assert (counts.min(), counts.max()) == (27, 34)  # as in all of MNIST: 9.0 to 11.2 %


@pytest.mark.parametrize(
    "array", [None, np.zeros(3, np.uint64), np.zeros(2), np.array([2, 1], np.uint64)]
)
def test_digests_of_what_is_left_over_that_are_none_are_refused(array, few):
    model = few()
    with np.load(model) as archive:
        arrays = dict(archive) | {"unused": array}
    np.savez(model, **{name: one for name, one in arrays.items() if one is not None})
    with pytest.raises(CheckpointError, match="no digests of what dataset.train has left over"):
        load(model)
