"""What happens inside a net, as section 6.2 shows it: each of its figures is a command."""

import csv
import io
import json

import numpy as np
import pytest

from bpcli.training import load
from bpcli.training.inside import FIGURES

FIVE = ["-s", "network.hidden=[100, 100, 100, 100, 100]", "-s", "dataset.train=600"]
SHORT = [*FIVE, "-s", "training.iterations=2", "-q"]


@pytest.fixture(scope="module")
def outputs(bpcli, tmp_path_factory):
    """The histograms of five layers before learning: shares (5, 30), and their middles (5, 30)."""

    def call(activation, weight_init, iterations=2):
        model = tmp_path_factory.mktemp("five") / "m.npz"
        options = [
            "-s",
            f"network.activation={activation}",
            "-s",
            f"network.weight_init={weight_init}",
        ]
        bpcli("train", *SHORT, *options, "-s", f"training.iterations={iterations}", "-o", model)
        found = load(model).inside.histograms[0]
        assert found.iteration == 0
        counts, ends = found.counts[:5].astype(float), found.ends[:5, np.newaxis]
        middles = ends[..., 0] + (ends[..., 1] - ends[..., 0]) * (np.arange(30) + 0.5) / 30
        return counts / counts.sum(axis=1, keepdims=True), middles

    return call


def deviations(shares, middles):
    mean = (shares * middles).sum(axis=1, keepdims=True)
    return np.sqrt((shares * (middles - mean) ** 2).sum(axis=1))


def test_figure_6_10_sigmoid_with_weights_of_deviation_1_is_at_its_ends(outputs):
    shares, _ = outputs("sigmoid", 1, 200)
    assert (shares[:, [0, -1]].sum(axis=1) > 0.35).all()
    assert (shares[:, [0, -1]] > 5 * shares[:, 10:20].max(axis=1, keepdims=True)).all()


def test_figure_6_11_sigmoid_with_weights_of_deviation_a_hundredth_is_in_the_middle(outputs):
    shares, middles = outputs("sigmoid", 0.01)
    assert (deviations(shares, middles) < 0.04).all()
    assert (shares[:, 12:18].sum(axis=1) > 0.9).all()


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_figures_6_12_and_6_13_xavier_spreads_more_than_a_hundredth(activation, outputs):
    xavier, small = (deviations(*outputs(activation, init)) for init in ("xavier", 0.01))
    assert (xavier > 3 * small).all()
    assert xavier[-1] > (0.4 if activation == "tanh" else 0.8) * xavier[0]


def test_figure_6_14_relu_keeps_its_spread_with_he_alone(outputs):
    small, xavier, he = (deviations(*outputs("relu", init)) for init in (0.01, "xavier", "he"))
    assert small[-1] < 1e-3 * small[0]
    assert xavier[-1] < 0.5 * xavier[0]
    assert 0.5 < he[-1] / he[0] < 2


@pytest.fixture(scope="module")
def models(bpcli, tmp_path_factory):
    """Two models of one net: the gradients of one vanish."""
    folder = tmp_path_factory.mktemp("models")
    for name, init in (("small", 0.01), ("meant", "xavier")):
        options = ["-s", "network.activation=tanh", "-s", f"network.weight_init={init}"]
        bpcli(
            "train",
            *SHORT,
            *options,
            "-s",
            "training.evaluate_every=1",
            "-o",
            folder / f"{name}.npz",
        )
    return [folder / "small.npz", folder / "meant.npz"]


def test_compare_prints_the_layers_of_each_model(bpcli, models):
    small, meant = bpcli("compare", *models, "--layers").stdout.split("\n\n")[-2:]
    for text, model in ((small, models[0]), (meant, models[1])):
        lines = text.splitlines()
        assert lines[0] == f"{model}:"
        assert lines[1].split()[:5] == ["iteration", "layer", "mean", "deviation", "saturated"]
        rows = [line.split() for line in lines[2:14]]
        assert [row[:2] for row in rows] == [[i, f"Affine{n}"] for i in "02" for n in range(1, 7)]
    assert "\nAt iteration 0 gradients vanish: the one that reaches Affine1 is " in small
    assert "\nAt iteration 2 gradients vanish: " in small
    assert "gradients" not in meant.replace("gradient W", "").splitlines()[-1]
    assert "layer" not in bpcli("compare", *models).stdout


def test_json_and_csv_have_every_evaluation(bpcli, models):
    found = json.loads(bpcli("compare", *models, "--layers", "--json").stdout)["models"]
    for one, path in zip(found, models, strict=True):
        inside = load(path).inside
        assert [(row["iteration"], row["layer"]) for row in one["layers"]] == [
            (i, f"Affine{n}") for i in (0, 1, 2) for n in range(1, 7)
        ]
        assert [row["gradient"] for row in one["layers"]] == pytest.approx(
            inside.figure("gradient").ravel().tolist()
        )
    assert found[0]["layers"][5]["stuck"] is None
    rows = list(csv.DictReader(io.StringIO(bpcli("compare", *models, "--layers", "--csv").stdout)))
    assert list(rows[0]) == ["model", "iteration", "layer", *FIGURES]
    assert len(rows) == 2 * 3 * 6
    both = bpcli("compare", *models, "--layers", "--history", "--csv", code=2).stderr
    assert "expected one of --history and --layers with --csv, not two" in both


def test_the_page_shows_the_layers(bpcli, models, tmp_path):
    bpcli("report", models[0], "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Layer by layer" in page
    assert "At iteration 0 gradients vanish: the one that reaches Affine1 is" in page
    assert page.count("histogram of what Affine") == 2 * 2 * 6  # as its title, and in words
    bpcli("report", models[1], "-o", tmp_path / "page.html")
    assert "vanish" not in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("hidden", ["[]", str([2] * 30)])
def test_a_net_of_any_depth_has_a_page(hidden, bpcli, tiny_options, tmp_path):
    options = ["-s", f"network.hidden={hidden}", "-q", "-o", tmp_path / "m.npz"]
    bpcli("train", *tiny_options, *options)
    bpcli("report", tmp_path / "m.npz", "-o", tmp_path / "page.html")
    assert "Layer by layer" in (tmp_path / "page.html").read_text(encoding="utf-8")
    bpcli("compare", tmp_path / "m.npz", "--layers")


def test_of_older_models_and_new_runs_nothing_is_known(bpcli, old_model, make_run, tiny, tmp_path):
    from bpcli.training import save

    save(tmp_path / "new.npz", make_run())
    for model in (old_model, tmp_path / "new.npz"):
        said = bpcli("compare", model, "--layers").stdout.splitlines()[-1]
        assert said.startswith(f"{model}: nothing is known of its layers")
        assert (
            json.loads(bpcli("compare", model, "--layers", "--json").stdout)["models"][0]["layers"]
            == []
        )
    bpcli("report", old_model, "--data", tiny, "-o", tmp_path / "page.html")
    assert "Layer by layer" not in (tmp_path / "page.html").read_text(encoding="utf-8")
