"""the sizes of a run in -> the bytes that it takes, and whether the machine has them, out."""

import contextlib
import itertools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from bpcli.config import Config
from bpcli.dataset import Dataset
from bpcli.distortion import count_fields
from bpcli.errors import ConfigError
from bpcli.evaluation import CHUNK

FLOAT, DRAWN = 4, 8  # bytes of a number, and of one that is being drawn
VECTORS = 5  # parameters, gradient, the optimizer's scratch memory and up to two of its own
ARRAYS = 4  # that layers keep for each unit and image: output, mask, gradient, dropout
BUFFERS, DISTORTING = 2, 42  # bytes for each pixel of a mini-batch: in use and coming; at work
FIELD, COEFFICIENT = 20, 16  # bytes for each pixel of an elastic field, for each image it moves
CORRELATION = 40  # bytes for each two rows, and columns, of an elastic field
ORDER = 40  # bytes of an image's label and of its places in the orders of two epochs
CURES = {
    "network.hidden": "make it smaller",
    "training.batch_size": "make it smaller",
    "distortion.sigma": "make it larger, or the images smaller",
    "dataset.source": "give it fewer images, or smaller ones",
}
CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_memory(config: Config, dataset: Dataset) -> None:
    """Raise ConfigError if a run needs more memory than there is: the system would kill it."""
    parts = needed(config, dataset)
    if sum(parts.values()) > available():
        key = max(parts, key=lambda key: parts[key])
        raise ConfigError(
            f"{key}: this run needs {_gigabytes(sum(parts.values()))} of memory, and there are "
            f"{_gigabytes(available())}; {CURES[key]}"
        )


def needed(config: Config, dataset: Dataset) -> dict[str, int]:
    """Return about how many bytes a run takes, by the key that is to blame for them."""
    pixels, batch_size = dataset.pixels, config.training.batch_size
    sizes = [pixels, *config.network.hidden, dataset.classes]
    weights = [n * m for n, m in itertools.pairwise(sizes)]
    chunk = min(CHUNK, max(len(dataset.train), len(dataset.held_out)))
    fields = count_fields(config.distortion, dataset.size)
    correlated = sum(n * n for n in dataset.size) if config.distortion.alpha else 0
    pixel = BUFFERS + DISTORTING if fields else BUFFERS
    learning = sum(sizes) * ARRAYS * FLOAT + pixels * pixel + fields * COEFFICIENT
    return {
        "network.hidden": sum(weights) * VECTORS * FLOAT
        + max(weights) * DRAWN
        + chunk * sum(sizes[1:]) * FLOAT,
        "training.batch_size": batch_size * learning,
        "distortion.sigma": fields * pixels * FIELD,
        "dataset.source": len(dataset.train) * ORDER
        + chunk * pixels * FLOAT
        + correlated * CORRELATION,
    }


def available() -> int:
    """Return the bytes that this process may take: of the machine, its container and its limit."""
    return min(_limits())


def _limits() -> Iterator[int]:
    yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        yield int(CGROUP.read_text())


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
