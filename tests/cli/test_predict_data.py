"""`bpcli predict --csv`: an answer for each image of data or of a folder, labels or none."""

import csv
import json
import pickle
import shutil

import numpy as np
import pytest
from photographs import Strokes, colour, lay
from PIL import Image
from tiny import make_images

from bpcli.data import load_split
from bpcli.training import evaluate, find_images, load

QUICK = {"network.hidden": "[8]", "network.weight_init": "he", "training.iterations": 200}


def options(source, **changed):
    values = {"dataset.source": source} | QUICK | changed
    return [part for key, value in values.items() for part in ("-s", f"{key}={value}")]


def read(text):
    return list(csv.reader(text.splitlines()))


def write_csv(path, images, labels=None, name="label"):
    pixels = images.reshape(len(images), -1)
    heads = [f"pixel{i}" for i in range(pixels.shape[1])]
    rows = [heads, *pixels.tolist()]
    if labels is not None:
        rows = [[first, *row] for first, row in zip([name, *labels], rows, strict=True)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")


@pytest.fixture
def kaggle(folder, rng):
    """A folder as Kaggle has it: train.csv with labels, test.csv without, and a sample."""
    images, labels = make_images(160, rng)
    words = np.array(["bag", "coat", "dress", "shirt"])[labels]
    write_csv(folder / "kaggle/train.csv", images[:120], words[:120])
    write_csv(folder / "kaggle/test.csv", images[120:])
    (folder / "kaggle/sample_submission.csv").write_text("ImageId,Label\n1,bag\n2,bag\n")
    return words[120:].tolist()


def test_from_what_kaggle_has_to_what_is_handed_in(kaggle, bpcli, folder):
    trained = bpcli("train", *options("kaggle", **{"dataset.validation": 0.1}))
    assert trained.stderr.splitlines()[0] == (
        "kaggle/test.csv: images without labels, which are left alone"
    )
    assert "validation accuracy 100.00%" in trained.stdout
    result = bpcli("predict", "model.npz", "kaggle/test.csv", "--csv", "answers.csv")
    assert (result.stdout, result.stderr) == ("", "")
    head, *rows = read((folder / "answers.csv").read_text())
    assert head == ["image", "class", "probability"]
    assert [row[0] for row in rows] == [str(i) for i in range(40)]
    assert [row[1] for row in rows] == kaggle
    assert all(0.25 < float(row[2]) <= 1 for row in rows)
    of_folder = bpcli("predict", "model.npz", "kaggle", "--split", "test", "--csv", "-")
    assert of_folder.stdout == (folder / "answers.csv").read_text()
    asked = bpcli("predict", "model.npz", "kaggle", "--csv", "-", code=2)
    assert asked.stderr == ("kaggle: found test and train, expected one part; --split says which\n")


def test_probabilities_of_all_classes_add_up(kaggle, bpcli):
    bpcli("train", *options("kaggle"), "-q")
    answers = ["predict", "model.npz", "kaggle/test.csv", "--csv", "-"]
    head, *rows = read(bpcli(*answers, "--probabilities").stdout)
    assert head == ["image", "class", "probability", "bag", "coat", "dress", "shirt"]
    for _, name, highest, *chances in rows:
        assert sum(map(float, chances)) == pytest.approx(1, abs=1e-5)
        assert max(chances, key=float) == highest == chances[head.index(name) - 3]
    assert [row[:3] for row in rows] == read(bpcli(*answers).stdout)[1:]


def test_answers_are_those_that_eval_counts(bpcli, mnist_model, folder):
    bpcli("predict", mnist_model, "mnist", "--split", "test", "--csv", "answers.csv")
    answers = np.array([int(row[1]) for row in read((folder / "answers.csv").read_text())[1:]])
    saved = load(mnist_model)
    images = find_images(saved).images
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (images.labels, answers), 1)
    np.testing.assert_array_equal(confusion, evaluate(saved.network(), images).confusion)


@pytest.mark.parametrize(
    "changed", [{"dataset.transpose": True}, {"dataset.deskew": True}, {"dataset.size": 5}]
)
def test_data_are_taken_as_the_models_own_were(changed, bpcli, folder, rng):
    images, labels = make_images(120, rng)
    images[:, 0, 5] += 90  # so that rows are no columns
    write_csv(folder / "d.csv", images, labels)
    write_csv(folder / "new.csv", images)
    bpcli("train", *options("d.csv", **changed), "-q")
    rows = read(bpcli("predict", "model.npz", "new.csv", "--csv", "-").stdout)[1:]
    found = json.loads(bpcli("eval", "model.npz", "--split", "train", "--json").stdout)
    right = np.mean([row[1] == str(label) for row, label in zip(rows, labels, strict=True)])
    assert right == found["accuracy"]
    assert read(bpcli("predict", "model.npz", "d.csv", "--csv", "-").stdout)[1:] == rows


@pytest.fixture
def scans(folder):
    """Photographs of three digits, with one paper of which nothing is on."""
    test = load_split("mnist", "test")
    (folder / "scans").mkdir()
    for i in (0, 1, 2):
        ink = Strokes(test.images[i]).draw(150, 14)
        page = colour(lay(ink, (300, 280), at=(40, 60)), [250, 248, 240], [30, 40, 90])
        page.save(folder / f"scans/{i}.png")
    Image.new("RGB", (60, 60), "white").save(folder / "scans/1 blank.png")
    return folder / "scans"


@pytest.mark.parametrize("named", ["folder", "pattern", "one by one"])
def test_pictures_of_a_folder_are_prepared_as_any_picture(named, scans, bpcli, mnist_model):
    names = ["0.png", "1 blank.png", "1.png", "2.png"]
    words = {
        "folder": [scans],
        "pattern": [scans / "*.png"],
        "one by one": [scans / n for n in names],
    }
    result = bpcli("predict", mnist_model, *words[named], "--csv", "-", code=2)
    rows = read(result.stdout)[1:]
    before = "" if named == "folder" else f"{scans}/"
    assert [row[0] for row in rows] == [f"{before}{name}" for name in names]
    assert [row[1] for row in rows] == ["7", "", "2", "1"]
    assert rows[1][1:] == ["", ""]
    assert (
        result.stderr == f"{before}1 blank.png: found nothing drawn on it, expected ink on paper\n"
    )
    (one,) = bpcli("predict", mnist_model, scans / "0.png").stdout.splitlines()[:1]
    assert f": 7 ({float(rows[0][2]):.1%})" in one


def test_pictures_in_folders_of_classes_are_named_by_these(scans, bpcli, mnist_model):
    (scans / "1 blank.png").unlink()
    for name, kind in (("0", "seven"), ("1", "two"), ("2", "one")):
        (scans / kind).mkdir()
        shutil.move(scans / f"{name}.png", scans / kind)
    rows = read(bpcli("predict", mnist_model, scans, "--csv", "-").stdout)[1:]
    assert [row[:2] for row in rows] == [
        ["one/2.png", "1"],
        ["seven/0.png", "7"],
        ["two/1.png", "2"],
    ]


def test_nothing_but_answers_is_replaced(kaggle, bpcli, folder):
    bpcli("train", *options("kaggle"), "-q")
    before = (folder / "kaggle/test.csv").read_bytes()
    answer = ["predict", "model.npz", "kaggle/test.csv", "--csv"]
    result = bpcli(*answer, "kaggle/test.csv", code=2)
    assert "found a file that is no .csv, which is left as it is" in result.stderr
    assert (folder / "kaggle/test.csv").read_bytes() == before
    for _ in range(2):
        bpcli(*answer, "answers.csv")
    assert "expected a name that ends in .csv" in bpcli(*answer, "answers.txt", code=2).stderr


def test_json_has_a_line_for_each_image(kaggle, bpcli):
    bpcli("train", *options("kaggle"), "-q")
    lines = bpcli("predict", "model.npz", "kaggle/test.csv", "--json").stdout.splitlines()
    assert [json.loads(line)["label"] for line in lines] == kaggle
    assert json.loads(lines[3]).keys() == {
        "model",
        "seed",
        "digest",
        "image",
        "label",
        "probability",
    }


def test_what_does_not_fit_is_told(kaggle, bpcli, folder, mnist_model, rng):
    bpcli("train", *options("kaggle"), "-q")
    data = "kaggle/test.csv"
    said = bpcli("predict", "model.npz", data, code=2).stderr
    assert "these are data and no picture; --csv answers.csv writes a row for each image" in said
    said = bpcli("predict", mnist_model, data, "--csv", "-", code=2).stderr
    assert said == (
        f"{data}: found images of 6 x 6 pixels, expected 28 x 28, as the model was trained on; "
        "a model that is trained with dataset.size scales what it is given\n"
    )
    assert (
        "--probabilities belongs to --csv"
        in bpcli("predict", "model.npz", data, "--probabilities", code=2).stderr
    )
    assert (
        "expected one of --csv and --json"
        in bpcli("predict", "model.npz", data, "--csv", "-", "--json", code=2).stderr
    )
    said = bpcli("predict", "model.npz", data, "a.png", "--csv", "-", code=2).stderr
    assert "kaggle/test.csv: expected one SOURCE, or pictures alone" in said
    said = bpcli("predict", "model.npz", "kaggle", "--split", "validation", "--csv", "-", code=2)
    assert said.stderr == "kaggle: found test and train, expected validation once\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gone.csv", "gone.csv: found nothing there (looked for in "),
        ("gone.npz", "gone.npz: found nothing there (looked for in "),
        ("gone/*.png", "gone/*.png: found nothing there, expected a picture, or data\n"),
        ("m.pkl", "m.pkl: found a pickle, which may run code: if you trust it, python -c"),
        ("m.parquet", "m.parquet: found a Parquet file: where a row is a label and an image"),
    ],
)
def test_what_is_not_there_or_not_read_has_no_answers(name, expected, bpcli, mnist_model, folder):
    (folder / "m.pkl").write_bytes(pickle.dumps([1]))
    (folder / "m.parquet").write_bytes(b"PAR1\x15\x04")
    result = bpcli("predict", mnist_model, name, "--csv", "answers.csv", code=2)
    assert result.stderr.startswith(expected)
    assert not (folder / "answers.csv").exists()


def test_brighter_images_than_those_learnt_from_are_told(bpcli, folder, rng):
    images, labels = make_images(60, rng)
    write_csv(folder / "dim.csv", images // 16, labels)
    write_csv(folder / "bright.csv", images)
    bpcli("train", *options("dim.csv"), "-q")
    assert "bright.csv: grey levels go up to 255, those that the model was trained on up to 15" in (
        bpcli("predict", "model.npz", "bright.csv", "--csv", "-").stderr
    )


def test_names_of_classes_are_no_formulas(bpcli, folder, rng):
    images, labels = make_images(60, rng)
    names = np.array(["=1+1", "@cmd", "-x", "bag"])[labels]
    write_csv(folder / "d.csv", images, names)
    bpcli("train", *options("d.csv"), "-q")
    rows = read(bpcli("predict", "model.npz", "d.csv", "--csv", "-", "--probabilities").stdout)
    assert {row[1] for row in rows[1:]} <= {"'=1+1", "'@cmd", "'-x", "bag"}
    assert rows[0][3:] == ["'-x", "'=1+1", "'@cmd", "bag"]
