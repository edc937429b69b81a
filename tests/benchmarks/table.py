"""Trains every configuration of configs/table with several seeds; prints the table of CONTRIBUTING.md.

`make table` takes hours. What it has found is kept in table.json beside this file, and is not
measured again while the configuration stays the same: a run that was stopped goes on. Names of rows
as arguments measure these alone, `--quick` one seed of the first, `--print` none.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bpcli import __version__
from bpcli.training.config import Config, flatten, load_config

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).with_name("table.json")
LECUN, SIMARD = "LeCun et al. 1998", "Simard et al. 2003"
VOWPAL = "Vowpal Wabbit, demo/mnist"


@dataclass(frozen=True)
class Row:
    """A published result, in per cent of the test images, and the configuration that beats it."""

    what: str
    who: str
    error: float | None
    config: str
    seeds: int = 5

    @property
    def path(self) -> Path:
        return ROOT / "configs" / self.config


ROWS = [
    Row("300 units, mean square error", LECUN, 4.7, "table/300-mse.yaml"),
    Row("1000 units", LECUN, 4.5, "table/1000.yaml"),
    Row("1000 units, distortions", LECUN, 3.8, "table/1000-distortions.yaml"),
    Row("300 units, distortions", LECUN, 3.6, "table/300-distortions.yaml"),
    Row("300 units, deskewing", LECUN, 1.6, "table/300-deskewing.yaml"),
    Row("800 units, cross-entropy (here adversarial)", SIMARD, 1.6, "table/800.yaml"),
    Row("800 units, affine distortions", SIMARD, 1.1, "table/800-affine.yaml"),
    Row("800 units, MSE, elastic distortions", SIMARD, 0.9, "table/800-mse-elastic.yaml"),
    Row("800 units, elastic distortions", SIMARD, 0.7, "table/800-elastic.yaml"),
    Row("40 units (here deskewed)", VOWPAL, 2.16, "table/40.yaml"),
    Row(
        "40 units, 8 million distorted images (here deskewed)",
        VOWPAL,
        1.26,
        "table/40-distortions.yaml",
    ),
    Row("2048 units, elastic distortions", "", None, "best.yaml", seeds=3),
]


def fingerprint(row):
    """Return what changes when the configuration does, but not with its comments or new keys."""
    default = flatten(Config())
    values = {k: v for k, v in flatten(load_config(row.path)).items() if v != default[k]}
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def machine():
    """Return the name of the processor, and how many cores there are."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def found():
    """Return what has been measured: the configuration's name, then the seed, then the figures."""
    return json.loads(FOUND.read_text()) if FOUND.exists() else {}


def results(row):
    """Return the figures of a row by seed, of its present configuration alone."""
    known = found().get(row.config, {}).items()
    return {int(seed): f for seed, f in known if f["fingerprint"] == fingerprint(row)}


def measure(row, seed):
    """Train with a seed, look at the test images once, and keep what was found."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "bpcli", "train", row.path, "-s", f"seed={seed}",
             "-o", f"{folder}/model.npz", "--quiet", "--json"],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
    accuracy = json.loads(done.stdout)["test_accuracy"]
    everything = found()  # again, as another process may have measured another row meanwhile
    everything.setdefault(row.config, {})[str(seed)] = {
        "fingerprint": fingerprint(row),
        "error": round(100 * (1 - accuracy), 4),
        "seconds": round(seconds, 1),
        "bpcli": __version__,
        "machine": machine(),
    }
    temporary = FOUND.with_suffix(".tmp")
    temporary.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")
    temporary.replace(FOUND)


def markdown():
    """Return the lines of the table, a line for each row whose seeds have all been measured."""
    lines = [
        "| net | published error | configuration | bpcli's error | time | measured with |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in ROWS:
        figures = results(row).values()
        if len(figures) < row.seeds:
            continue  # not yet
        errors = [f["error"] for f in figures]
        seconds = statistics.median(f["seconds"] for f in figures)
        published = "" if row.error is None else f"{row.error:g} %, {row.who}"
        error = f"{statistics.mean(errors):.2f} ± {statistics.stdev(errors):.2f} %"
        measured = "; ".join(sorted({f"{f['bpcli']}, {f['machine']}" for f in figures}))
        lines.append(
            f"| {row.what} | {published} | `configs/{row.config}` | {error} | {seconds:.0f} s "
            f"| {measured} |"
        )
    return lines


def arguments():
    """Return which rows to measure, and whether to be quick about it."""
    parser = argparse.ArgumentParser()
    names = [row.config for row in ROWS]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one seed of the first row, anew")
    parser.add_argument("--print", action="store_true", help="measure nothing")
    chosen = parser.parse_args()
    for name in chosen.rows:
        if name not in names:
            parser.error(f"{name}: expected one of {', '.join(names)}")
    return chosen


def main():
    """Measure what is not known yet, and print the table."""
    chosen = arguments()
    rows = [row for row in ROWS if row.config in (chosen.rows or [row.config])]
    runs = [(row, seed) for seed in range(max(r.seeds for r in rows)) for row in rows]
    missing = [(row, seed) for row, seed in runs if seed < row.seeds and seed not in results(row)]
    if chosen.quick:
        missing = runs[:1]
    for row, seed in [] if chosen.print else missing:
        measure(row, seed)
        print(row.config, seed, results(row)[seed], file=sys.stderr, flush=True)
    print("\n".join(markdown()))


if __name__ == "__main__":
    main()
