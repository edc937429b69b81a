"""the sizes of a run in -> the bytes that it takes, and whether the machine has them, out."""

import contextlib
import itertools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from bpcli.config import Config
from bpcli.errors import ConfigError
from bpcli.evaluation import CHUNK

FLOAT, DRAWN, BYTE = 4, 8, 1  # bytes of a number, of one that is being drawn, of a pixel
VECTORS = 5  # parameters, gradient, the optimizer's scratch memory and up to two of its own
ARRAYS = 4  # that layers keep for each unit: output, mask, gradient, dropout
BUFFERS = 3  # of mini-batches: one in use, one coming, one being distorted
CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_memory(config: Config, pixels: int, classes: int) -> None:
    """Raise ConfigError if a run needs more memory than there is: the system would kill it."""
    weights, images = needed(config, pixels, classes)
    if weights + images > available():
        key = "network.hidden" if weights > images else "training.batch_size"
        raise ConfigError(
            f"{key}: this run needs {_gigabytes(weights + images)} of memory, and there are "
            f"{_gigabytes(available())}; make it smaller"
        )


def needed(config: Config, pixels: int, classes: int) -> tuple[int, int]:
    """Return about how many bytes the weights take, and the images that are worked on."""
    sizes = [pixels, *config.network.hidden, classes]
    weights = [n * m for n, m in itertools.pairwise(sizes)]
    images = max(config.training.batch_size, CHUNK)
    return (
        sum(weights) * VECTORS * FLOAT + max(weights) * DRAWN,
        images * (sum(sizes) * ARRAYS * FLOAT + pixels * BUFFERS * BYTE),
    )


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
