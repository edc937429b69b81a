"""`bpcli gradcheck`: every gradient of a configuration or of a model, and an exit code."""

import json
import re


def test_gradcheck_checks_every_gradient(bpcli, tiny_options):
    result = bpcli("gradcheck", *tiny_options)
    alone = "each layer alone: Affine1 ok, ReLU1 ok, Affine2 ok, SoftmaxWithLoss ok"
    assert result.stdout.splitlines()[0] == alone
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[:2] for line in lines[2:-1]] == [
        ["Affine1", "W1"], ["Affine1", "b1"], ["Affine2", "W2"], ["Affine2", "b2"],
    ]  # fmt: skip
    assert result.stdout.splitlines()[-1].startswith("332 gradients on 3 images")
    assert "all agree" in result.stdout


def test_gradcheck_of_the_books_network(bpcli):
    found = json.loads(bpcli("gradcheck", "--json").stdout)
    assert (found["passed"], found["checked"], found["samples"]) == (True, 39_760, 3)
    assert [(row["layer"], row["name"], row["shape"], row["checked"]) for row in found["parameters"]] == [
        ("Affine1", "W1", [784, 50], 39_200), ("Affine1", "b1", [50], 50),
        ("Affine2", "W2", [50, 10], 500), ("Affine2", "b2", [10], 10),
    ]  # fmt: skip
    assert set(found) == {
        "passed", "method", "samples", "tolerance", "checked", "kinks", "seconds", "layers",
        "parameters",
    }  # fmt: skip
    assert set(found["parameters"][0]) == {
        "layer", "name", "shape", "checked", "kinks", "max_relative_error", "worst_index",
        "backprop", "numerical", "zero", "ratio", "passed", "problem", "unknown", "note",
    }  # fmt: skip
    assert [(row["layer"], row["name"]) for row in found["layers"]] == [
        ("Affine1", "x"), ("Affine1", "W1"), ("Affine1", "b1"), ("ReLU1", "x"),
        ("Affine2", "x"), ("Affine2", "W2"), ("Affine2", "b2"), ("SoftmaxWithLoss", "x"),
    ]  # fmt: skip
    assert found["kinks"] == 0
    assert all(row["max_relative_error"] < 1e-6 for row in found["parameters"])


def test_gradcheck_of_a_trained_model(bpcli, model):
    found = json.loads(bpcli("gradcheck", "--model", model, "--samples", 7, "--json").stdout)
    assert (found["passed"], found["samples"], found["checked"]) == (True, 7, 332)
    result = bpcli("gradcheck", "--model", model, "-s", "seed=1", code=2)
    assert "--model brings its own configuration" in result.stderr


def test_gradcheck_fails_when_a_gradient_is_wrong(bpcli, tiny_options, monkeypatch):
    from bpcli.backprop import ReLU

    right = ReLU.backward
    monkeypatch.setattr(ReLU, "backward", lambda self, dout: right(self, dout) * 1.001)
    result = bpcli("gradcheck", *tiny_options, code=1)
    assert re.search(r"^Affine1 +W1 .* FAILED$", result.stdout, re.MULTILINE)
    assert re.search(r"^ReLU1: the gradient by x is wrong", result.stdout, re.MULTILINE)
    assert result.stdout.endswith(" s: ReLU1 FAILED\n")
    bpcli("gradcheck", *tiny_options, "--tolerance", "0.01")
