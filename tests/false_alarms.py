"""Run `bpcli gradcheck` on random networks, half of them trained: none of them may fail.

`python tests/false_alarms.py 500` draws 500 networks on MNIST and exits with 1 if one fails.
"""

import json
import sys
import tempfile
from pathlib import Path

import conftest  # noqa: F401 - one BLAS thread, before numpy is imported
import numpy as np
from click.testing import CliRunner

from bpcli.cli.main import main


def settings(rng, **fixed):
    """Draw a configuration: any activation, one to three hidden layers, any initial weights."""
    drawn = {
        "seed": rng.integers(10**9),
        "network.hidden": [int(rng.integers(1, 13)) for _ in range(rng.integers(1, 4))],
        "network.activation": rng.choice(["relu", "sigmoid", "tanh"]),
        "network.weight_init": rng.choice(["0.01", "0.1", "1", "3", "xavier", "he"]),
        "network.batch_norm": rng.choice(["false", "false", "true"]),
        "network.dropout": rng.choice([0, 0, 0.3]),
        "network.weight_decay": rng.choice([0, 0, 0.001, 0.1]),
        "optimizer.method": rng.choice(["sgd", "nesterov", "adam"]),
        "optimizer.learning_rate": rng.choice([0.001, 0.003, 0.01]),
        "training.iterations": rng.integers(1, 1500),
        "training.evaluate_every": 10**9,
    }
    pairs = (drawn | fixed).items()
    return [part for key, value in pairs for part in ("-s", f"{key}={value}")]


def run(*args):
    done = CliRunner().invoke(main, args)
    has_diverged = done.stderr.startswith("training diverged")
    if done.exit_code not in (0, 1) or not (done.stdout or has_diverged):
        raise RuntimeError((args, done.output)) from done.exception
    return done.stdout


def false_alarms(count, seed=0, **fixed):
    """Check `count` networks; return what was found about each, and a list of those that failed."""
    rng = np.random.default_rng(seed)
    found, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "model.npz")
        for i in range(count):
            options = settings(rng, **fixed)
            subject = options
            if i % 2 and run("train", "-q", "-o", model, *options):  # it may have diverged
                subject = ["--model", model]
            method = str(rng.choice(["central", "complex"]))
            samples = str(rng.integers(1, 6) + ("network.batch_norm=true" in options))
            shown = run("gradcheck", "--json", "--method", method, "--samples", samples, *subject)
            found.append(json.loads(shown))
            if not found[-1]["passed"]:
                failed.append([i, method, samples, *options])
    return found, failed


if __name__ == "__main__":
    found, failed = false_alarms(int(sys.argv[1]))
    for options in failed:
        print(*options)
    gradients = sum(check["checked"] for check in found)
    kinks = sum(check["kinks"] for check in found)
    print(
        f"{len(failed)} false alarms in {len(found)} networks, {gradients:,} gradients, "
        f"{kinks} of them at kinks"
    )
    sys.exit(bool(failed))
