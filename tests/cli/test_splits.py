"""Data of one's own, as a person has them: what is held out, what is measured, and what is said."""

import csv
import io
import json
import re

import numpy as np
import pytest
from tiny import make_images
from trials import trials_of

from bpcli.training import load, load_config

QUICK = {"network.hidden": "[8]", "network.weight_init": "he", "training.batch_size": 10,
         "training.iterations": 60, "training.evaluate_every": 20}  # fmt: skip
HARD = {"network.hidden": "[2]", "training.iterations": 3, "training.evaluate_every": 3}


def options(source, **changed):
    values = {"dataset.source": source} | QUICK | changed
    return [part for key, value in values.items() for part in ("-s", f"{key}={value}")]


def write_csv(path, images, labels):
    table = np.column_stack([labels, images.reshape(len(images), -1)])
    np.savetxt(path, table, fmt="%d", delimiter=",")
    return path


def write_npz(path, images, labels):
    np.savez(path, x_train=images.astype(np.uint8), y_train=labels)
    return path


def write_pictures(folder, images, labels):
    from PIL import Image

    for i, (image, label) in enumerate(zip(images.astype(np.uint8), labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{i}.png")
    return folder


CONTAINERS = {"one.csv": write_csv, "one.npz": write_npz, "one": write_pictures}


@pytest.fixture(params=CONTAINERS)
def one(request, folder, rng):
    """A source of one part, in each container: 240 images of four classes, sorted by these."""
    images, labels = make_images(240, rng)
    order = np.argsort(labels, kind="stable")
    return str(CONTAINERS[request.param](folder / request.param, images[order], labels[order]))


def measure(bpcli, *args):
    return json.loads(bpcli("eval", "model.npz", "--json", *args).stdout)


@pytest.mark.parametrize("validation", [60, 0.25])
def test_one_part_is_measured_on_what_is_held_out(validation, one, bpcli, folder):
    config = options(one, **HARD, **{"dataset.validation": validation})
    trained = json.loads(bpcli("train", *config, "--json", "-q").stdout)
    assert "test_accuracy" not in trained
    found = measure(bpcli)
    assert (found["split"], found["images"], found["left_out"]) == ("validation", 60, 180)
    assert [sum(row) for row in found["confusion"]] == [15] * 4  # sorted as they are
    assert found["accuracy"] == trained["validation_accuracy"]
    shown = bpcli("eval", "model.npz").stdout.splitlines()
    assert shown[0] == (
        "model.npz: 60 validation images; 180 others that it has learnt from are left out"
    )
    guard = [found["accuracy"] + 0.01, found["balanced_accuracy"] + 0.01]
    for name, least in zip(("accuracy", "balanced-accuracy"), guard, strict=True):
        stderr = bpcli("eval", "model.npz", f"--min-{name}", least, code=1).stderr
        assert f" {name.replace('-', ' ')} 0." in stderr
        assert " is below the " in stderr
    bpcli("report", "model.npz", "-o", "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert f"{found['accuracy']:.2%} of 60 validation images" in page
    assert "test images" not in page
    bpcli("export", "model.npz", "-o", "m.safetensors")
    assert b"validation_accuracy" in (folder / "m.safetensors").read_bytes()
    assert measure(bpcli, "--split", "train")["images"] == 180
    message = bpcli("eval", "model.npz", "--split", "test", code=2).stderr
    assert "--split validation measures on what it has not learnt from" in message


def test_all_containers_hold_out_the_same_images(folder, rng, bpcli):
    images, labels = make_images(240, rng)
    digests = set()
    for i, (name, write) in enumerate(CONTAINERS.items()):
        order = np.random.default_rng(i).permutation(240)
        source = write(folder / name, images[order], labels[order])
        for seed in (1, 2):
            config = options(source, **HARD, seed=seed, **{"dataset.validation": 60})
            bpcli("train", *config, "-q", "-o", f"{i}.npz")
            digests.add(load(f"{i}.npz").learnt.tobytes())
    assert len(digests) == 1


def test_without_held_out_images_nothing_is_called_so(one, bpcli, folder):
    result = bpcli("train", *options(one), "--json")
    assert result.stderr.splitlines()[0] == (
        f"{one}: there are no others to measure on: what it is measured on here is what it learns "
        "from, and says nothing of other images; -s dataset.validation=0.1 holds some out"
    )
    for line in map(json.loads, result.stdout.splitlines()):
        assert not [key for key in line if key.startswith(("test", "validation"))]
    drawn = bpcli("train", *options(one)).stdout
    assert not re.search("test|validation", drawn)
    assert "model.npz: train accuracy" in drawn
    for command in (["eval"], ["eval", "--min-accuracy", 0], ["report", "-o", "page.html"]):
        name, *flags = command
        message = bpcli(name, "model.npz", *flags, code=2)
        assert message.stdout == ""
        assert "it has learnt from all 240 of" in message.stderr
        assert "dataset.validation=0.1" in message.stderr
        assert "--data" in message.stderr
    assert not (folder / "page.html").exists()
    assert measure(bpcli, "--split", "train")["split"] == "train"
    assert bpcli("compare", "model.npz").stdout.splitlines()[1].split()[4] == "train"
    search = [*options(one), "-s", "optimizer.learning_rate=log(0.1, 1)"]
    assert "dataset.validation: found 0" in bpcli("tune", "-o", "s", *search, code=2).stderr
    bpcli("report", "model.npz", "-o", "curve.svg")
    assert b"train" in (folder / "curve.svg").read_bytes()


def test_a_file_that_was_moved_sorted_anew_or_has_grown(bpcli, folder, rng):
    images, labels = make_images(240, rng)
    write_csv(folder / "one.csv", images, labels)
    bpcli("train", *options("one.csv", **{"dataset.validation": 60}), "-q")
    before = measure(bpcli)
    more, others = make_images(40, rng)
    order = rng.permutation(280)
    (folder / "one.csv").rename(folder / "moved.csv")
    moved = measure(bpcli, "--data", "moved.csv")
    assert moved == before
    whole = np.concatenate([images, more])[order], np.concatenate([labels, others])[order]
    for source in (write_csv(folder / "one.csv", *whole), write_npz(folder / "a.npz", *whole)):
        found = measure(bpcli, "--data", source)
        assert (found["split"], found["images"], found["left_out"]) == ("validation", 100, 180)
    assert measure(bpcli)["images"] == 100
    write_csv(folder / "other.csv", more, others)
    assert measure(bpcli, "--data", "other.csv")["split"] == "test"
    assert measure(bpcli, "--data", "other.csv")["images"] == 40
    for split, words in (("train", "found no image of"), ("validation", "it has seen none of")):
        message = bpcli("eval", "model.npz", "--data", "other.csv", "--split", split, code=2).stderr
        assert words in message


def test_test_images_that_are_learnt_from_are_left_out(bpcli, folder, rng):
    images, labels = make_images(160, rng)
    x, y = images.astype(np.uint8), labels
    np.savez("d.npz", x_train=x[:120], y_train=y[:120], x_test=x[100:], y_test=y[100:])
    result = bpcli("train", *options("d.npz"), "--json", "-q")
    assert result.stderr == (
        "d.npz: 20 test images are left out: it learns, or has learnt before, from images that "
        "equal them\n"
    )
    found = measure(bpcli)
    assert (found["split"], found["images"], found["left_out"]) == ("test", 40, 20)
    assert found["accuracy"] == json.loads(result.stdout)["test_accuracy"]
    assert "40 test images; 20 others that it has learnt from are left out" in (
        bpcli("eval", "model.npz").stdout
    )
    bpcli("report", "model.npz", "-o", "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "20 others are left out, as it has learnt from them" in page
    np.savez("d.npz", x_train=x, y_train=y, x_test=x[100:], y_test=y[100:])
    result = bpcli("train", *options("d.npz"), "--json", "-q")
    assert "all 60 test images are among the training images" in result.stderr
    assert "test_accuracy" not in json.loads(result.stdout)


def test_mistakes_have_the_numbers_of_the_file(bpcli, folder, rng):
    images, labels = make_images(240, rng)
    write_csv(folder / "one.csv", images, labels)
    bpcli("train", *options("one.csv", **HARD, **{"dataset.validation": 60}), "-q")
    found = measure(bpcli, "--mistakes", 60)["mistakes"]
    assert found
    assert all(int(m["label"]) == m["index"] % 4 for m in found)
    assert max(m["index"] for m in found) >= 60
    shown = bpcli("eval", "model.npz", "--mistakes", 60).stdout
    assert {int(n) for n in re.findall(r"#(\d+): ", shown)} == {m["index"] for m in found}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0] * 30 + [1] * 30 + [2], "no image of the class 2 is reported on (2: there is one image alone)"),
        ([0] * 30 + [1] * 30 + [2] * 2, "no image of the class 2 is reported on"),
    ],
)  # fmt: skip
def test_a_class_that_is_missing_on_a_side_is_named(labels, words, bpcli, folder, rng):
    images = rng.integers(0, 256, (len(labels), 3, 3))
    write_csv(folder / "few.csv", images, np.array(labels))
    stderr = bpcli("train", *options("few.csv", **{"dataset.validation": 0.1}), "-q").stderr
    assert f"few.csv: {words}\n" in stderr
    search = [*options("few.csv", **{"dataset.validation": 0.1}), "--trials", 1]
    said = bpcli(
        "tune", "-o", "s", *search, "-s", "optimizer.momentum=choice(0.8)", code=None
    ).stderr
    assert {f"few.csv: {words}"} | set(said.splitlines()) == set(said.splitlines())
    assert "few.csv: no image of the class" not in (
        bpcli("train", *options("few.csv", **{"dataset.validation": 0.5}), "-q").stderr
        if labels.count(2) > 1
        else ""
    )
    stderr = bpcli(
        "train", *options("few.csv", **{"dataset.validation": len(labels) - 1}), "-q"
    ).stderr
    assert re.search(r"few.csv: no image of the class .* is learnt from", stderr)


def test_equal_images_that_cannot_be_parted_are_told(bpcli, folder):
    np.savez("equal.npz", X=np.zeros((60, 4, 4), np.uint8), y=np.arange(60) % 3)
    message = bpcli("train", *options("equal.npz", **{"dataset.validation": 0.5}), code=2).stderr
    assert message == (
        "dataset.validation: found 0.5, expected fewer than the 60 training images of equal.npz, "
        "and one or more; 1 of them are different, and equal ones stay together\n"
    )


def test_the_command_that_tune_prints_works_on_one_part(one, bpcli, folder):
    search = [*options(one, **{"dataset.validation": 0.25}), "-s", "optimizer.learning_rate=choice(0.01, 0.3)"]  # fmt: skip
    stdout = bpcli("tune", "-o", "s", *search, "--method", "grid").stdout
    command = stdout.rstrip("\n").rpartition("; bpcli ")[2].split()
    best = load_config("s/best.yaml")
    assert best.dataset.validation == 0.25
    assert "they stay held out, to measure on" in (folder / "s/best.yaml").read_text()
    trained = json.loads(bpcli(*command, "--json", "-q").stdout)
    (reached,) = {t["mean"] for t in trials_of(bpcli, "s")
                  if t["values"]["optimizer.learning_rate"] == best.optimizer.learning_rate}  # fmt: skip
    assert trained["validation_accuracy"] == reached == measure(bpcli)["accuracy"]


@pytest.fixture
def uneven(folder, rng):
    """One part of which nine images in ten are of the first of four classes, hard to tell apart."""
    images = rng.integers(0, 120, (900, 6, 6))
    labels = np.where(rng.random(900) < 0.9, 0, rng.integers(1, 4, 900))
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[3 * row : 3 * row + 2, 3 * column : 3 * column + 2] += 40
    return str(write_csv(folder / "uneven.csv", images, labels))


def test_of_uneven_classes_each_counts_the_same_where_asked_for(uneven, bpcli, folder):
    config = {"dataset.validation": 0.3, "training.iterations": 150, "training.evaluate_every": 150}
    search = [*options(uneven, **config), "-s", "training.sampling=choice(shuffle, balanced)"]
    best = {}
    for metric in ("accuracy", "balanced_accuracy", "loss"):
        command = ["tune", "-o", metric, *search, "--method", "grid", "--metric", metric]
        stdout = bpcli(*command).stdout
        trials = trials_of(bpcli, metric)
        assert {trial["metric"] for trial in trials} == {metric}
        choose = min if metric == "loss" else max
        best[metric] = choose(trials, key=lambda trial: trial["mean"])
        shown = f"{best[metric]['mean']:.4f}" if metric == "loss" else f"{best[metric]['mean']:.2%}"
        words = "" if metric == "accuracy" else metric.replace("_", " ") + " "
        assert f"{metric}/best.yaml: {words}{shown} of held-out images" in stdout
        text = (folder / metric / "best.yaml").read_text()
        assert f"{words}{shown} of 0.3 of the training images as held-out images" in text
        table = bpcli("tune", "--show", metric).stdout.splitlines()
        assert table[0].split()[2:4][0] == metric.partition("_")[0]
        assert int(table[1].split()[0]) == best[metric]["slot"]
        bpcli("tune", "--show", metric, "-o", "page.html")
        bpcli("train", metric + "/best.yaml", "-q")
        found = measure(bpcli)
        assert found[metric] == pytest.approx(best[metric]["mean"])
    assert best["balanced_accuracy"]["values"]["training.sampling"] == "balanced"
    message = bpcli(
        "tune", "-o", "accuracy", *search, "--method", "grid", "--metric", "loss", code=2
    )
    assert "--metric: found loss, but the study has begun with accuracy" in message.stderr


def test_eval_and_compare_say_more_than_accuracy(uneven, bpcli, folder):
    config = {"dataset.validation": 0.3, "training.iterations": 5, "training.evaluate_every": 5}
    trained = json.loads(bpcli("train", *options(uneven, **config), "--json", "-q").stdout)
    found = measure(bpcli)
    confusion = np.array(found["confusion"])
    recall = [row[i] / row.sum() for i, row in enumerate(confusion)]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recall))
    assert found["balanced_accuracy"] < found["accuracy"] - 0.2
    f1 = [one["f1"] for one in found["per_class"] if one["f1"] is not None]
    assert found["macro_f1"] == pytest.approx(np.mean(f1))
    bpcli("eval", "model.npz", "--min-accuracy", 0.8)
    bpcli("eval", "model.npz", "--min-accuracy", 0.8, "--min-balanced-accuracy", 0.8, code=1)
    for name in ("balanced_accuracy", "macro_f1"):
        assert trained[f"validation_{name}"] == pytest.approx(found[name])
        (one,) = json.loads(bpcli("compare", "model.npz", "--json").stdout)["models"]
        assert one[name] == found[name]
        assert f"{found[name]:.2%}" in bpcli("compare", "model.npz").stdout
    bpcli("eval", "model.npz", "--csv", "--json", code=2)


def test_of_many_classes_the_pairs_that_are_confused_most_are_shown(bpcli, folder, rng):
    labels = np.arange(340) % 17
    images = rng.integers(0, 256, (340, 5, 5))
    write_csv(folder / "many.csv", images, labels)
    bpcli("train", *options("many.csv", **HARD, **{"dataset.validation": 0.5}), "-q")
    confusion = np.array(measure(bpcli)["confusion"])
    lines = bpcli("eval", "model.npz").stdout.splitlines()
    assert max(map(len, lines[1:])) <= 80
    pairs = [re.fullmatch(r"  (\d+) taken for (\d+): (\d+)", line) for line in lines]
    found = [tuple(map(int, pair.groups())) for pair in pairs if pair]
    assert len(found) == 20
    assert all(confusion[c, p] == count for c, p, count in found)
    np.fill_diagonal(confusion, 0)
    assert [n for _, _, n in found] == sorted(confusion.ravel().tolist(), reverse=True)[:20]
    rows = list(csv.reader(io.StringIO(bpcli("eval", "model.npz", "--csv").stdout)))
    assert rows[0][:6] == ["class", "images", "precision", "recall", "f1", "predicted 0"]
    table = np.array([row[5:] for row in rows[1:]], int)
    np.fill_diagonal(table, 0)
    np.testing.assert_array_equal(table, confusion)
