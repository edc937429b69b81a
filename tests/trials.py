"""What tests of studies ask about their trials."""

import json

import numpy as np

from bpcli.training import load


def trials_of(bpcli, where):
    return json.loads(bpcli("tune", "--show", where, "--json").stdout)["trials"]


def check_arrays(bpcli, trial, options, folder):
    """The model of a trial is that of `bpcli train` with the same values."""
    rate = trial["values"]["optimizer.learning_rate"]
    saved = [load(path) for path in folder.glob("*.npz")]
    (found,) = {
        one.digest
        for one in saved
        if np.isclose(one.config.optimizer.learning_rate, rate)
        and one.iteration == one.config.training.iterations
    }
    fixed = [o for o in options if o != "-s" and "choice" not in o and "log(" not in o]
    values = [*fixed, *(f"{key}={value}" for key, value in trial["values"].items())]
    whole = folder.parent / "whole.npz"
    bpcli("train", "-q", *(part for v in values for part in ("-s", v)), "-o", whole)
    assert load(whole).digest == found
