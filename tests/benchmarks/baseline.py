"""Ratios of a benchmark in, and those that the same machine has had before -> what is slower, out.

The first run on a machine is its baseline, in a file of the checkout that no commit has.
"""

import json
import os
import platform
import statistics
from pathlib import Path

import numpy as np

from bpcli import machine

FILE = Path(__file__).parents[2] / ".bench.json"


def this_machine():
    """Return in words what a baseline holds for: another kernel or numpy is another machine."""
    words = machine.describe()
    names = [
        line.partition(":")[2].strip()
        for line in _read("/proc/cpuinfo").splitlines()
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor() or platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {words['numpy']}, BLAS kernel {words['blas_kernel'] or 'unknown'}"
    )


def _read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def compare(before, now):
    """Return a line for each row whose ratios are larger than they were, beyond the noise.

    Both have by row the ratio of each round. A row is slower where even the faster quarter of its
    rounds is above the slower quarter of the baseline's.
    """
    lines = []
    for row in before.keys() & now.keys():
        then, ratios = (statistics.quantiles(side[row], n=4) for side in (before, now))
        if ratios[0] > then[2]:
            lines.append(f"{row}: {ratios[1]:.2f} times the products, before {then[1]:.2f}")
    return sorted(lines)


def keep(name, now, *, renew, file=FILE):
    """Compare with the baseline of this machine, or make one, and return what there is to say."""
    stored = json.loads(file.read_text()) if file.exists() else {}
    before = {} if renew else stored.get(name, {})
    file.write_text(json.dumps(stored | {name: now | before}, indent=1) + "\n")
    if not before:
        return f"baseline of this machine: kept in {file.name}"
    slower = compare(before, now)
    if not slower:
        return "beside the baseline of this machine: nothing is slower than its noise"
    return "\n".join(["slower than the baseline of this machine, beyond its noise:", *slower])


def ratios(times):
    """Return the ratio of bpcli to the products alone in each round."""
    pairs = zip(times["Bpcli"], times["MatrixProducts"], strict=True)
    return [float(np.round(ours / floor, 4)) for ours, floor in pairs]
