"""Grey levels: the largest of the training images is white, for the model and for all it meets."""

import json

import numpy as np
import pytest
from tiny import make_images, write_idx

from bpcli.data import load_dataset, load_split
from bpcli.training import load


def write(folder, levels, rng):
    """The small data set with grey levels from 0 to `levels` instead of 255."""
    folder.mkdir()
    for prefix, count in (("train", 120), ("t10k", 40)):
        images, labels = make_images(count, rng)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", (images * levels + 127) // 255)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)
    return folder


@pytest.mark.parametrize("levels", [3, 16, 100, 254])
def test_grey_levels_of_any_range_are_learnt_from(levels, bpcli, tiny_options, folder, rng):
    source = write(folder / "grey", levels, rng)
    options = [*tiny_options, "-s", f"dataset.source={source}"]
    result = bpcli("train", *options, "--json")
    assert result.stderr == f"{source}: grey levels go up to {levels}, not 255; {levels} is white\n"
    trained = json.loads(result.stdout.splitlines()[-1])
    assert trained["test_accuracy"] > 0.9
    assert load("model.npz").white == levels
    found = json.loads(bpcli("eval", "model.npz", "--json", "--split", "train").stdout)
    assert found["loss"] == trained["loss"]
    assert found["accuracy"] == trained["train_accuracy"]


def test_eval_uses_the_white_of_the_model(bpcli, tiny_options, folder, rng):
    dim, bright = write(folder / "dim", 50, rng), write(folder / "bright", 200, rng)
    bpcli("train", *tiny_options, "-s", f"dataset.source={bright}", "-q")
    own = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    same = json.loads(bpcli("eval", "model.npz", "--json", "--data", bright).stdout)
    other = json.loads(bpcli("eval", "model.npz", "--json", "--data", dim).stdout)
    assert same == own
    assert other["loss"] > 1.5 * own["loss"]  # the images are darker than any that it has seen


def test_brighter_images_than_the_model_has_seen_are_told(bpcli, tiny_options, folder, rng):
    dim, bright = write(folder / "dim", 16, rng), write(folder / "bright", 200, rng)
    bpcli("train", *tiny_options, "-s", f"dataset.source={dim}", "-q")
    stderr = bpcli("eval", "model.npz", "--data", bright).stderr
    assert stderr == (
        f"{bright}: grey levels go up to 200, those that the model was trained on up to 16\n"
    )
    assert bpcli("eval", "model.npz", "--data", dim).stderr == ""


def test_black_images_have_a_white_too(tmp_path, rng):
    for prefix in ("train", "t10k"):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte", np.zeros((4, 2, 2)))
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte", np.arange(4))
    assert load_dataset(str(tmp_path)).white == 1


def test_the_bundled_data_are_not_read_to_find_it():
    assert load_dataset().white == load_split("mnist", "train").images.max() == 255
