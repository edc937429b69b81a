"""One rule for all containers: what is learnt from, what is measured on, and what is left alone."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny import make_images, write_idx

from bpcli.data import load_dataset, load_split
from bpcli.data.split import BUNDLED
from bpcli.errors import DatasetError
from bpcli.files.source import parts

QUICK = ["-s", "network.hidden=[8]", "-s", "training.iterations=20", "-q"]


def write_csv(folder, name, images, labels):
    folder.mkdir(exist_ok=True)
    pixels = images.reshape(len(images), -1)
    names = [f"pixel{i}" for i in range(pixels.shape[1])]
    rows = [names, *pixels.tolist()]
    if labels is not None:
        rows = [[word, *row] for word, row in zip(["label", *labels], rows, strict=True)]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (folder / f"{name or 'digits'}.csv").write_text(text + "\n")


def write_arrays(folder, name, images, labels):
    folder.mkdir(exist_ok=True)
    end = f"{name}-" if name else ""
    write_idx(folder / f"{end}images-idx3-ubyte", images)
    if labels is not None:
        write_idx(folder / f"{end}labels-idx1-ubyte", labels)


def write_pictures(folder, name, images, labels):
    place = folder / name
    for i, image in enumerate(images.astype(np.uint8)):
        kind = place if labels is None else place / str(labels[i])
        kind.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(kind / f"{i}.png")


def write_npz(path, name, images, labels):
    saved = dict(np.load(path)) if path.exists() else {}
    end = f"_{name}" if name else ""
    saved |= {f"X{end}": images} | ({} if labels is None else {f"y{end}": labels})
    with path.open("wb") as file:
        np.savez(file, **saved)


CONTAINERS = {
    "csv": write_csv,
    "idx": write_arrays,
    "pictures": write_pictures,
    "archive.npz": write_npz,
}


@pytest.fixture(params=CONTAINERS)
def container(request, folder, rng):
    """A source to put parts into, in each container: of a name, a count, and with labels or not."""
    write, path = CONTAINERS[request.param], folder / request.param

    def put(name, count=24, *, with_labels=True, only=None):
        images, labels = make_images(count, rng)
        labels = labels if only is None else np.full(count, only)
        write(path, name, images, labels if with_labels else None)
        return str(path)

    return put


@pytest.mark.parametrize("name", ["", "train", "test", "val"])
def test_one_part_is_what_is_learnt_from_whatever_it_is_called(name, container, bpcli):
    source = container(name)
    assert parts(source, BUNDLED) == ("train",)
    config = ["-s", f"dataset.source={source}", *QUICK]
    alone = bpcli("train", *config)
    assert "there are no others to measure on" in alone.stderr
    assert " train accuracy " in alone.stdout
    assert " validation accuracy " in bpcli("train", *config, "-s", "dataset.validation=8").stdout
    assert "train       24" in bpcli("data", source).stdout


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("training", "testing"),
        ("tr", "te"),
        ("train", "t10k"),
        ("train", "val"),
        ("training", "validation"),
        ("TRAIN", "valid"),
    ],
)
def test_two_parts_are_known_by_what_people_call_them(train, test, container):
    container(train, 24)
    source = container(test, 8)
    dataset = load_dataset(source)
    assert (len(dataset.train), dataset.held_out.name) == (24, "test")
    assert parts(source, BUNDLED) == ("train", "test")


def test_of_three_parts_the_third_is_left_alone_and_that_is_said(container, bpcli):
    for name, count in (("train", 24), ("val", 8), ("test", 16)):
        source = container(name, count)
    dataset = load_dataset(source)
    assert (len(dataset.train), len(dataset.held_out) + dataset.left_out) == (24, 16)
    assert "left alone; dataset.validation holds images out\n" in bpcli("data", source).stderr


def test_images_without_labels_are_left_alone_and_that_is_said(container, bpcli):
    container("train", 24)
    source = container("test", 8, with_labels=False)
    assert parts(source, BUNDLED) == ("train",)
    result = bpcli("train", "-s", f"dataset.source={source}", *QUICK)
    assert result.stderr.count("images without labels, which are left alone\n") == 1
    assert len(load_dataset(source).train) == 24


def test_images_without_labels_alone_are_no_source_to_learn_from(container, bpcli):
    source = container("test", 8, with_labels=False)
    result = bpcli("train", "-s", f"dataset.source={source}", *QUICK, code=2)
    assert "found images without labels, expected a label for each" in result.stderr
    assert "--csv FILE says what they show" in result.stderr


def test_test_images_beside_others_without_a_name_are_asked_for(container):
    container("", 24)
    source = container("test", 8)
    with pytest.raises(DatasetError, match="expected train and test, as x_train"):
        load_dataset(source)


def test_what_data_writes_is_what_train_reads(container, bpcli, folder):
    for name in ("train", "test"):
        source = container(name)
        bpcli("data", source, "-o", f"{name}.npz")
        assert load_dataset(f"{name}.npz").fingerprint == load_dataset(source).fingerprint
        bpcli("train", "-s", f"dataset.source={name}.npz", *QUICK)


def test_names_of_classes_stay_readable(bpcli, folder, rng):
    words = np.array(["01", "Ärmel", "boot, left", "日本"])
    images, labels = make_images(24, rng)
    write_pictures(folder / "p", "", images, words[labels])
    bpcli("data", "p", "-o", "p.npz")
    assert load_dataset("p.npz").names == load_dataset("p").names == tuple(sorted(words))
    with np.load("p.npz") as archive:
        assert set(archive["y_train"].tolist()) == set(words)


def test_a_class_may_be_called_as_a_part_is(folder, rng):
    images, labels = make_images(24, rng)
    names = np.array(["boat", "plane", "test", "train"])[labels]
    write_pictures(folder / "p", "", images, names)
    assert load_dataset("p").names == ("boat", "plane", "test", "train")


@pytest.mark.parametrize("name", ["train", "test"])
def test_labels_without_images_are_told(name, folder, rng):
    np.savez("d.npz", X_train=np.ones((9, 2, 2)), y_train=np.arange(9) % 2, y_test=[1])
    with pytest.raises(DatasetError, match="d.npz: y_test: found labels without images"):
        load_dataset("d.npz")


def test_one_class_alone_is_nothing_to_learn(container, bpcli):
    source = container("", only=7)
    hint = "; dataset.label says which column the labels are" * source.endswith("csv")
    for command in (["train"], ["tune", "-o", "study", "-s", "network.hidden=choice([2], [3])"]):
        options = ["-s", f"dataset.source={source}", "-s", "dataset.validation=0.5"]
        assert bpcli(*command, *options, code=2).stderr == (
            f"{source}: found one class alone, 7, expected several: there is nothing to tell "
            f"apart{hint}\n"
        )
    assert len(load_split(source, "train")) == 24  # which may be measured on


def test_a_label_that_is_not_looked_for_is_told(container, bpcli):
    container("train")
    source = container("test")
    if not source.endswith("csv"):
        result = bpcli(
            "train", "-s", f"dataset.source={source}", "-s", "dataset.label=kind", *QUICK
        )
        assert result.stderr.count(": the label 'kind' is not looked for: that is for tables") == 1


# ---- arrays as scikit-learn, and others, have them


def test_what_scikit_learn_loads(folder):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 17, (30, 8, 8)).astype(float), np.arange(30) % 3
    flat = images.reshape(30, 64)
    extra = {"target_names": np.arange(10), "feature_names": np.array(["pixel_0_0"] * 64)}
    np.savez("bunch.npz", data=flat, target=labels, images=images, DESCR="8 x 8", **extra)
    np.savez("Xy.npz", X=flat, y=labels)
    for source in ("bunch.npz", "Xy.npz"):
        dataset = load_dataset(source)
        np.testing.assert_array_equal(dataset.train.images, flat)
        assert (dataset.size, dataset.white, dataset.classes) == ((8, 8), 16, 3)


def test_words_in_bytes_are_words(folder):
    images = np.random.default_rng(0).integers(0, 255, (30, 4, 4))
    words = np.array(["Ärmel".encode(), b"boot", b"7"])[np.arange(30) % 3]
    np.savez("d.npz", X=images, y=words)
    dataset = load_dataset("d.npz")
    assert dataset.names == ("7", "boot", "Ärmel")
    np.testing.assert_array_equal(dataset.train.labels, (2 - np.arange(30)) % 3)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array(["", "a", "b"]), "y: found nothing, expected a label for each image"),
        (
            np.array(["a", "b", "c"], object),
            "found y.npy of Python's objects, which may run code, expected numbers or words; "
            "array.astype(str) makes words of them",
        ),
    ],
)
def test_labels_that_are_none_are_told(labels, expected, folder, bpcli):
    images = np.random.default_rng(0).integers(0, 255, (30, 4, 4))
    np.savez("d.npz", X=images, y=labels[np.arange(30) % 3])
    assert expected in bpcli("train", "-s", "dataset.source=d.npz", *QUICK, code=2).stderr
    np.savez("d.npz", X=images, y=labels[np.arange(30) % 3 // 2 + 1].astype(str))
    bpcli("train", "-s", "dataset.source=d.npz", *QUICK)


@pytest.mark.parametrize("label", ["fine", "y_train_fine"])
def test_of_several_labels_the_test_images_have_the_same(label, folder):
    arrays = {}
    for part, count in (("train", 30), ("test", 10)):
        arrays[f"x_{part}"] = np.random.default_rng(count).integers(0, 255, (count, 4, 4))
        arrays |= {f"y_{part}_fine": np.arange(count) % 5, f"y_{part}_coarse": np.arange(count) % 2}
    np.savez("c.npz", **arrays)
    dataset = load_dataset("c.npz", label=label)
    np.testing.assert_array_equal(dataset.held_out.labels, np.arange(10) % 5)


def test_two_arrays_that_may_be_meant_are_named(folder, bpcli):
    images = np.random.default_rng(0).integers(0, 255, (30, 4, 4))
    labels = {"fine_labels": np.arange(30) % 5, "coarse_labels": np.arange(30) % 2}
    np.savez("c.npz", images=images, **labels, batch_label="training batch 1 of 1")
    result = bpcli("data", "c.npz", code=2)
    assert result.stderr == (
        "c.npz: found fine_labels and coarse_labels, expected labels once; dataset.label names it, "
        "as -s dataset.label=fine_labels\n"
    )
    assert (
        len(
            json.loads(bpcli("data", "c.npz", "--label", "coarse", "--json").stdout)["splits"][
                "train"
            ]["counts"]
        )
        == 2
    )
    assert load_dataset("c.npz", label="fine_labels").classes == 5
    np.savez("d.npz", x=images, data=images + 1, y=labels["fine_labels"])
    with pytest.raises(DatasetError, match="found x and data, expected images once"):
        load_dataset("d.npz")


# ---- what is black and white


REACHES = {
    "shares": (lambda x: x / 255, (0, 1)),
    "around zero": (lambda x: x / 127.5 - 1, (-1, 1)),
    "standardised": (lambda x: (x / 255 - 0.1307) / 0.3081, (-0.424213, 2.82149)),
    "large": (lambda x: x * 3.7, (0, 943.5)),
}


@pytest.mark.parametrize("kind", ["npz", "csv"])
@pytest.mark.parametrize("form", REACHES)
def test_numbers_of_any_reach_are_bytes_again_and_what_was_black_is_said(
    form, kind, folder, bpcli, rng
):
    change, (black, white) = REACHES[form]
    images, labels = make_images(60, rng)
    images[0, 0, 1] = 0
    for name, part in (("train", slice(40)), ("test", slice(40, 60))):
        if kind == "npz":
            write_npz(folder / "d.npz", name, change(images[part]), labels[part])
        else:
            write_csv(folder / "d", name, change(images[part]), labels[part])
    source = "d.npz" if kind == "npz" else "d"
    dataset = load_dataset(source)
    np.testing.assert_array_equal(dataset.train.images, images[:40].reshape(40, 36))
    # The test images have neither black nor white in them, and are taken as the others were.
    np.testing.assert_array_equal(dataset.held_out.images, images[40:].reshape(20, 36))
    said = bpcli("data", source).stderr
    assert said.count(f"{black:g} is taken for black and {white:g} for white\n") == 1


def test_a_model_takes_other_data_as_its_own_were(folder, bpcli, rng):
    change, _ = REACHES["standardised"]
    images, labels = make_images(60, rng)
    images[0, 0, 1] = 0
    write_npz(folder / "d.npz", "", change(images), labels)
    write_npz(folder / "dim.npz", "", change(images[20:]), None)
    write_npz(folder / "bytes.npz", "", images[20:].astype(np.uint8), None)
    bpcli("train", "-s", "dataset.source=d.npz", *QUICK)
    answers = [
        bpcli("predict", "model.npz", f"{name}.npz", "--csv", "-") for name in ("dim", "bytes")
    ]
    assert answers[0].stdout == answers[1].stdout
    assert answers[0].stderr == ""


@settings(max_examples=30)
@given(
    st.floats(-1e3, 1e3),
    st.floats(1e-2, 1e3),
    st.lists(st.integers(0, 255), min_size=8, max_size=8),
)
def test_any_line_from_black_to_white_keeps_the_order_of_grey_levels(low, reach, levels):
    from bpcli.files.pixels import to_images

    array = (np.array([0, 255, *levels[2:]]) / 255 * reach + low).reshape(2, 2, 2)
    try:
        found = to_images(array, "here").images.ravel().astype(int)
    except DatasetError as error:
        assert "expected 0 to 255" in str(error)
        return
    order = np.argsort(array.ravel(), kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_shares_are_no_numbers_around_zero(folder, bpcli, rng):
    images, labels = make_images(60, rng)
    images[:, 0, 0], images[:, 0, 1] = 0, 255
    write_npz(folder / "around.npz", "", images / 127.5 - 1, labels)
    for name, array in (("shares", images / 255), ("bytes", images.astype(np.uint8))):
        write_npz(folder / f"{name}.npz", "", array, None)
    bpcli("train", "-s", "dataset.source=around.npz", *QUICK)
    shares, whole = (
        bpcli("predict", "model.npz", f"{name}.npz", "--csv", "-") for name in ("shares", "bytes")
    )
    assert shares.stdout == whole.stdout
    assert shares.stderr == "shares.npz: X: 0 is taken for black and 1 for white\n"


def in_colour(images, axis):
    return np.stack([images, images // 2, images // 3], axis=axis).astype(np.uint8)


@pytest.mark.parametrize("axis", [1, 3])
def test_colours_first_or_last_become_grey_and_that_is_said(axis, folder, bpcli, rng):
    images, labels = make_images(24, rng)
    expected = np.round(images * 0.299 + images // 2 * 0.587 + images // 3 * 0.114)
    np.savez("c.npz", X=in_colour(images, axis), y=labels)
    np.testing.assert_array_equal(load_dataset("c.npz").train.images, expected.reshape(24, 36))
    assert bpcli("data", "c.npz").stderr == (
        "c.npz: X: 6 x 6 in colour, made grey by ITU-R BT.601: 0.299 red + 0.587 green + 0.114 "
        "blue\n"
    )
    for i, image in enumerate(in_colour(images, 3)):
        (folder / "p" / str(labels[i])).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"p/{labels[i]}/{i}.png")
    found = load_dataset("p").train
    assert sorted(found.images.tolist()) == sorted(expected.reshape(24, 36).tolist())
    assert "p: 24 of 24 pictures in colour, made grey by ITU-R BT.601" in bpcli("data", "p").stderr


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((9, 3, 5, 3), "in which colours may be first or last"),
        ((9, 48), r"reshape them to \(N, 3, 4, 4\) or \(N, 4, 4, 3\), as nothing tells which"),
        ((9, 4, 4, 4), "with colours first or last"),
    ],
)
def test_colours_of_which_nothing_tells_the_order_are_asked_for(shape, expected, folder):
    np.savez("c.npz", X=np.ones(shape, np.uint8), y=np.arange(9))
    with pytest.raises(DatasetError, match=expected):
        load_dataset("c.npz")


# ---- pictures of mixed sizes


def test_pictures_of_mixed_sizes_are_scaled_as_predict_would(folder, bpcli, rng):
    from bpcli.data.preparation import fit
    from bpcli.files.image import read_image

    images, labels = make_images(40, rng)
    for i, (image, label) in enumerate(zip(images.astype(np.uint8), labels, strict=True)):
        (folder / "p" / f"class {label}").mkdir(parents=True, exist_ok=True)
        grown = np.kron(image, np.ones((1 + i % 3, 1 + i % 2), np.uint8))
        Image.fromarray(grown).save(folder / f"p/class {label}/{i}.png")
    config = ["-s", "dataset.source=p", *QUICK]
    refused = bpcli("train", *config, code=2).stderr
    assert "make all pictures of one size, or set dataset.size, as -s dataset.size=28" in refused
    bpcli("train", *config, "-s", "dataset.size=8")
    dataset = load_dataset("p", size=8)
    assert dataset.size == (8, 8)
    for path in sorted(folder.glob("p/*/*.png"))[:6]:
        seen, _ = fit(read_image(path), (8, 8), dark=False)
        assert seen.ravel().tolist() in dataset.train.images.tolist()
    assert " images of 8 x 8 pixels" in bpcli("data", "p", "--size", 8).stdout
    rows = bpcli("predict", "model.npz", "p", "--csv", "-").stdout.splitlines()
    assert rows[1].startswith("class 0/0.png,class ")
    assert len(rows) == 41


@pytest.mark.parametrize("name", ["csv", "idx", "archive.npz"])
def test_images_of_any_container_are_scaled(name, folder, rng):
    images, labels = make_images(24, rng)
    CONTAINERS[name](folder / name, "", images, labels)
    dataset = load_dataset(name, size=3)
    assert dataset.size == (3, 3)
    middle = images.reshape(24, 36).mean(axis=1)
    np.testing.assert_allclose(dataset.train.images.mean(axis=1), middle, atol=25)


@settings(max_examples=60)
@given(
    st.tuples(st.integers(2, 40), st.integers(2, 40)),
    st.integers(2, 30),
    st.integers(0, 10**6),
    st.sampled_from([2, 256]),
)
def test_an_image_is_the_same_bytes_whatever_is_scaled_with_it(shape, size, seed, levels):
    from bpcli.arrays import to_bytes
    from bpcli.files.scaling import resize, resize_all

    rng = np.random.default_rng(seed)
    images = (rng.integers(0, levels, (5, *shape)) * (255 // (levels - 1))).astype(np.uint8)
    together = resize_all(images, (size, size))
    with_more = resize_all(np.concatenate([images] * 5), (size, size))[5:10]
    alone = [to_bytes(resize(image, (size, size))) for image in images]
    np.testing.assert_array_equal(together, with_more)
    np.testing.assert_array_equal(together, alone)
