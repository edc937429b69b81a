"""`bpcli info`: what runs here, what a model is, and nothing of the user's own."""

import json
import os
from pathlib import Path

import click
import numpy as np

from bpcli import __version__
from bpcli.training import load


def test_versions_and_blas(bpcli):
    found = json.loads(bpcli("info", "--json").stdout)
    assert found["bpcli"] == __version__
    assert found["numpy"] == np.__version__
    assert found["blas_threads"].isdigit() or found["blas_threads"] == "all"
    assert found["blas"]
    assert "model" not in found
    drawn = bpcli("info").stdout
    assert __version__ in drawn
    assert np.__version__ in drawn
    assert click.__name__ in drawn


def test_who_has_said_how_many_threads(shell):
    for env, args, by in (({}, [], "bpcli"), ({"OMP_NUM_THREADS": "1"}, [], "OMP_NUM_THREADS"),
                          ({}, ["--threads", "1"], "--threads")):  # fmt: skip
        clean = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
        process = shell("info", "--json", *args, env=clean | env)
        assert json.loads(process.communicate(timeout=60)[0])["blas_threads_by"] == by


def test_a_model(bpcli, model):
    saved = load(model)
    found = json.loads(bpcli("info", model, "--json").stdout)["model"]
    assert found["digest"] == saved.digest
    assert found["shapes"]["W1"] == list(saved.arrays["W1"].shape)
    assert found["config"]["network.hidden"] == [8]
    assert found["size"] == [6, 6]
    assert found["written_by"]["bpcli"] == __version__
    assert found["accuracy"] == saved.record.accuracy
    drawn = bpcli("info", model).stdout
    assert "6 x 6 pixels" in drawn
    assert saved.digest[:16] in drawn


def test_a_model_of_before(bpcli, old_model):
    assert json.loads(bpcli("info", old_model, "--json").stdout)["model"]["evaluations"] == 0


def test_the_home_folder_is_not_told(bpcli, tiny, tiny_options, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    bpcli("train", *tiny_options, "-q", "-o", tmp_path / "m.npz")
    for args in ([], ["--json"]):
        told = bpcli("info", tmp_path / "m.npz", *args).stdout
        assert str(tmp_path) not in told
        assert "~/tiny" in told
    assert Path(tmp_path / "m.npz").exists()
