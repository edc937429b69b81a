"""Times a training iteration of the book's net against the matrix products that it cannot avoid.

Both run in one process on one BLAS thread, in turns, and the ratio of the medians is printed:
machines differ and are noisy, ratios less so.
"""

import json
import statistics
import sys
import time

from bpcli import blas

blas.limit_threads(None)

import numpy as np

from bpcli.config import load_config
from bpcli.dataset import load_dataset
from bpcli.training import Run, train

ROUNDS, ITERATIONS = 15, 200


def floor(pixels, hidden, classes, batch_size):
    """Return a function of the two products of forward and the three of backward."""
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.random(shape, np.float32)

    x, h, y = array(batch_size, pixels), array(batch_size, hidden), array(batch_size, classes)
    W1, W2, dW1, dW2 = (array(*shape) for shape in [(pixels, hidden), (hidden, classes)] * 2)
    dh = array(batch_size, hidden)

    def iteration():
        np.matmul(x, W1, out=h)
        np.matmul(h, W2, out=y)
        np.matmul(h.T, y, out=dW2)
        np.matmul(y, W2.T, out=dh)
        np.matmul(x.T, dh, out=dW1)

    return iteration


def microseconds(iteration):
    start = time.perf_counter()
    for _ in range(ITERATIONS):
        iteration()
    return (time.perf_counter() - start) / ITERATIONS * 1e6


def main():
    """Print the medians and their ratio, as a table or with --json as an object."""
    config = load_config(
        overrides=[f"training.iterations={ROUNDS * ITERATIONS + 1}", "training.evaluate_every=1e6"]
    )
    run = Run(config, load_dataset())
    steps = train(run)
    (hidden,) = config.network.hidden
    sides = {
        "matrix products": floor(784, hidden, 10, config.training.batch_size),
        "bpcli": lambda: next(steps),
    }
    times = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, iteration in sides.items():
            times[name].append(microseconds(iteration))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["bpcli"] / medians["matrix products"]
    if "--json" in sys.argv:
        print(json.dumps({"microseconds": medians, "ratio": ratio}))
        return
    print(f"one iteration, 784-{hidden}-10, mini-batch of {config.training.batch_size}, one thread")
    for name, median in medians.items():
        print(f"{name:<16}{median:8.0f} µs")
    print(f"ratio           {ratio:8.2f}")


if __name__ == "__main__":
    main()
