"""`bpcli eval`: what it measures and shows, and how it guards a build."""

import json
import re

import numpy as np
import pytest
from tiny import write_folder

from bpcli.training import load, save
from bpcli.training.loop import train


def test_eval_prints_accuracy_and_the_confusion_matrix(bpcli, model):
    lines = bpcli("eval", model).stdout.splitlines()
    assert lines[0] == f"{model}: 40 test images"
    assert re.fullmatch(r"accuracy 100.00%, loss 0\.\d{4}", lines[1])
    assert lines[2] == "balanced accuracy 100.00%, macro F1 100.00%"
    assert [line.split() for line in lines[5:]] == [
        ["0", "1", "2", "3"],
        ["0", "100.00%", "100.00%", "100.00%", "10", "0", "0", "0"],
        ["1", "100.00%", "100.00%", "100.00%", "0", "10", "0", "0"],
        ["2", "100.00%", "100.00%", "100.00%", "0", "0", "10", "0"],
        ["3", "100.00%", "100.00%", "100.00%", "0", "0", "0", "10"],
    ]


def test_eval_json(bpcli, model):
    found = json.loads(bpcli("eval", model, "--json", "--split", "train").stdout)
    assert list(found) == [
        "model",
        "seed",
        "digest",
        "iteration",
        "split",
        "images",
        "left_out",
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "loss",
        "classes",
        "confusion",
        "per_class",
    ]
    assert (found["model"], found["split"], found["images"]) == (str(model), "train", 120)
    assert np.trace(found["confusion"]) == found["accuracy"] * 120
    assert found["classes"] == ["0", "1", "2", "3"]
    assert found["per_class"][0] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


def test_eval_shows_the_most_confident_mistakes(bpcli, tiny_options, folder, monkeypatch):
    bpcli("train", *tiny_options, "-s", "training.iterations=2")
    found = json.loads(bpcli("eval", "model.npz", "--json", "--mistakes", 3).stdout)
    wrong = 40 - np.trace(found["confusion"])
    assert len(found["mistakes"]) == min(3, wrong) == 3
    assert all(m["label"] == str(m["index"] % 4) != m["predicted"] for m in found["mistakes"])
    margins = [mistake["margin"] for mistake in found["mistakes"]]
    assert margins == sorted(margins, reverse=True)
    assert margins[-1] > 0
    every = bpcli("eval", "model.npz", "--json", "--mistakes", 99).stdout
    assert len(json.loads(every)["mistakes"]) == wrong

    monkeypatch.setenv("COLUMNS", "60")
    lines = bpcli("eval", "model.npz", "--mistakes", 3).stdout.splitlines()
    places = [i for i, line in enumerate(lines) if "taken for" in line]
    captions = [
        f"#{m['index']}: {m['label']}, taken for {m['predicted']}" for m in found["mistakes"]
    ]
    assert [re.split(r" {2,}", lines[i]) for i in places] == [captions[:2], captions[2:]]
    assert places[1] - places[0] == 1 + 6 // 2 + 1  # two rows of pixels in one of text


def test_eval_without_mistakes_shows_none(bpcli, model):
    assert "taken for" not in bpcli("eval", model, "--mistakes", 5).stdout
    assert json.loads(bpcli("eval", model, "--json", "--mistakes", 5).stdout)["mistakes"] == []


def test_a_model_of_upright_images_makes_those_upright_that_it_is_measured_on(
    bpcli, tiny_options, folder
):
    upright = ["-s", "dataset.deskew=true"]
    train = json.loads(bpcli("train", *tiny_options, *upright, "--json", "-q").stdout)
    found = json.loads(bpcli("eval", "model.npz", "--json", "--split", "train").stdout)
    assert found["loss"] == train["loss"]
    source = tiny_options[1].partition("=")[2]
    data = json.loads(
        bpcli("eval", "model.npz", "--json", "--split", "train", "--data", source).stdout
    )
    assert data == found


def test_eval_of_a_class_that_is_never_predicted(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "network.weight_init=0", "-s", "training.iterations=1")
    assert re.search(r"^ +\d +- +0\.00% ", bpcli("eval", "model.npz").stdout, re.MULTILINE)
    classes = json.loads(bpcli("eval", "model.npz", "--json").stdout)["per_class"]
    assert {"precision": None, "recall": 0.0, "f1": 0.0} in classes


def test_eval_guards_accuracy(bpcli, model, folder, rng):
    bpcli("eval", model, "--min-accuracy", "1")
    noise = write_folder(folder / "noise", rng, test=39)
    images = noise / "t10k-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:16] + bytes(36 * 39))
    result = bpcli("eval", model, "--data", noise, "--min-accuracy", "0.97", code=1)
    assert re.search(r"model.npz: accuracy 0.2\d+ is below the 0.97 asked for", result.stderr)
    assert "accuracy 2" in result.stdout
    bpcli("eval", model, "--data", noise)


def test_mistakes_of_a_model_that_overflows_are_json(make_run, tmp_path, bpcli):
    run = make_run("training.iterations=1")
    list(train(run))
    run.network.parameters[...] = np.where(run.network.parameters > 0, 3e38, -3e38)
    save(tmp_path / "m.npz", run)
    found = json.loads(bpcli("eval", tmp_path / "m.npz", "--json", "--mistakes", 3).stdout)
    assert len(found["mistakes"]) == 3


def test_any_path_of_data_survives_in_the_model(bpcli, tiny_options, folder, tiny):
    path = folder / "d\U0001f600é"
    tiny.rename(path)
    bpcli("train", *tiny_options, "-s", f"dataset.source={path}", "-q")
    assert load("model.npz").config.dataset.source == str(path)
    bpcli("eval", "model.npz")


@pytest.mark.parametrize(
    ("value", "better"), [("96", "0.96"), ("96%", "0.96"), ("97.5", "0.975"), ("0.5%", "0.005")]
)
def test_per_cent_are_told_to_be_fractions(value, better, bpcli, model):
    result = bpcli("eval", model, "--min-accuracy", value, code=2)
    assert f"{value!r} is in per cent; write {better}" in result.stderr


def test_the_images_that_were_held_out_can_be_measured(bpcli, tiny_options, folder):
    options = [*tiny_options, "-s", "dataset.validation=20", "-s", "training.iterations=12"]
    trained = json.loads(bpcli("train", *options, "--json", "-q").stdout)
    found = json.loads(bpcli("eval", "model.npz", "--split", "validation", "--json").stdout)
    assert (found["split"], found["images"]) == ("validation", 20)
    assert found["accuracy"] == trained["validation_accuracy"]


def test_a_model_that_held_nothing_out_has_no_such_images(bpcli, model):
    result = bpcli("eval", model, "--split", "validation", code=2)
    assert "found no validation images, expected a model that was trained with" in result.stderr


def transpose(tiny):
    for name in ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"):
        data = (tiny / name).read_bytes()
        images = np.frombuffer(data[16:], np.uint8).reshape(-1, 6, 6).transpose(0, 2, 1)
        (tiny / name).write_bytes(data[:16] + images.tobytes())


def test_images_with_rows_for_columns_are_told_by_measuring(bpcli, model, tiny):
    transpose(tiny)
    result = bpcli("eval", model, "--data", tiny, "--json")
    assert json.loads(result.stdout)["accuracy"] == 0.5  # classes 0 and 3 lie on the diagonal
    assert result.stderr == ""
    swapped = tiny / "t10k-labels-idx1-ubyte"
    swapped.write_bytes(swapped.read_bytes()[:8] + bytes([1, 2, 2, 1] * 10))
    images = tiny / "t10k-images-idx3-ubyte"
    data = np.frombuffer(images.read_bytes()[16:], np.uint8).reshape(40, 36)
    kept = data[[1, 2, 2, 1] * 10]
    images.write_bytes(images.read_bytes()[:16] + kept.tobytes())
    stderr = bpcli("eval", model, "--data", tiny).stderr
    assert stderr == (
        f"{tiny}: with rows taken for columns, as EMNIST's images want, the accuracy would be "
        "100.00%: try --transpose, or dataset.transpose: true to train\n"
    )
    result = bpcli("eval", model, "--data", tiny, "--transpose", "--json")
    assert (json.loads(result.stdout)["accuracy"], result.stderr) == (1, "")


def test_a_model_remembers_that_rows_are_columns(bpcli, tiny_options, folder, tiny):
    bpcli("train", *tiny_options, "-q", "-o", "plain.npz")
    transpose(tiny)
    bpcli("train", *tiny_options, "-s", "dataset.transpose=true", "-q")
    assert load("model.npz").digest == load("plain.npz").digest
    found = json.loads(bpcli("eval", "model.npz", "--json", "--data", tiny).stdout)
    assert found["accuracy"] == 1
