"""Times bpcli beside the bare matrix products and, where they are installed, other libraries.

All sides run in one process and in turns, several rounds; medians and ratios are printed, because
machines differ and are noisy. The whole is done on one thread, then on all cores, and then bpcli
alone beside a process that keeps a core busy. `--json` prints an object instead of tables,
`--quick` measures the book's net alone. What has become slower than on the first run on the same
machine is told; `--renew` makes this run the one to compare with.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import baseline

ROOT = Path(__file__).parents[2]
BPCLI = Path(sys.executable).with_name("bpcli")
KERNEL_VARIABLES = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"  # which hobble numpy
THREADS = "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NPROC"  # NPROC: JAX
SHAPES = (50, 100), (256, 100), (800, 128), (2048, 100)
GRID = [(hidden, batch_size) for hidden in (50, 256, 800, 2048) for batch_size in (32, 100, 500)]
ROUNDS = 9
ROUND_SECONDS = 0.15  # of each side
PAUSE = 0.1  # seconds between two sides: threads that have nothing to do spin for a while
TORCH_GRADCHECK = """
import time, torch
torch.set_num_threads(1)
shapes = (784, 50), (50,), (50, 10), (10,)
parameters = [(0.01 * torch.randn(s, dtype=torch.double)).requires_grad_() for s in shapes]
x, t = torch.rand(3, 784, dtype=torch.double), torch.tensor([1, 2, 3])
def loss(W1, b1, W2, b2):
    return torch.nn.functional.cross_entropy(torch.relu(x @ W1 + b1) @ W2 + b2, t)
start = time.perf_counter()
assert torch.autograd.gradcheck(loss, parameters)
print(time.perf_counter() - start)
"""


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def rounds_in_turns(functions, rounds):
    """Return the seconds of each function in every round, in which they take turns."""
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            time.sleep(PAUSE)
            times[name].append(seconds(function))
    return times


def in_turns(functions, rounds):
    """Return the median seconds of each function, called one after the other in every round."""
    times = rounds_in_turns(functions, rounds)
    return {name: statistics.median(values) for name, values in times.items()}


def iteration_times(sides, dataset, hidden, batch_size):
    """Return microseconds an iteration of each round, by side."""
    subjects, counts = {}, {}
    for side in sides:
        subject = subjects[side.__name__] = side(dataset, hidden, batch_size)
        subject.iterations(20)
        took = seconds(subject.iterations, 20) / 20
        counts[side.__name__] = max(2, min(2000, round(ROUND_SECONDS / took)))
        subject.iterations(counts[side.__name__])  # compiles what has to be compiled
    times = rounds_in_turns(
        {name: lambda n=name: subjects[n].iterations(counts[n]) for name in subjects}, ROUNDS
    )
    return {name: [t / counts[name] * 1e6 for t in times[name]] for name in subjects}


def medians(times):
    """Return the median of each side's rounds."""
    return {name: statistics.median(values) for name, values in times.items()}


def accuracies(sides, dataset):
    """Return each side's test accuracy after an epoch, so that nobody wins by not learning."""
    found = {}
    for side in sides:
        subject = side(dataset, 50, 100)
        subject.iterations(600)
        found[side.__name__] = subject.accuracy()
    return found


def evaluation_times(dataset):
    """Return the seconds that evaluating 70,000 images takes, and the products alone."""
    import numpy as np
    from peers import Bpcli

    from bpcli.training.evaluation import CHUNK, evaluate

    network = Bpcli(dataset, 50, 100).run.network
    W1, W2 = network.arrays["W1"], network.arrays["W2"]
    x, h, y = (np.ones((CHUNK, n), np.float32) for n in (784, 50, 10))

    def products():
        for _ in range(70_000 // CHUNK):
            np.matmul(x, W1, out=h)
            np.matmul(h, W2, out=y)

    def evaluation():
        evaluate(network, dataset.train)
        evaluate(network, dataset.held_out)

    return in_turns({"products": products, "bpcli": evaluation}, 7)


def epoch_times(dataset):
    """Return the seconds that 60,000 images take: to distort them, and to learn from them."""
    import numpy as np
    from peers import Bpcli

    from bpcli.data import Distortion

    batch_size = 128
    subject = Bpcli(dataset, 800, batch_size)
    size = dataset.train.size
    distort = Distortion(size, alpha=34, rotation=10, scale=0.1, shear=0.1, shift=1)
    rng = np.random.default_rng(0)
    mini_batches = len(dataset.train) // batch_size

    def distortion():
        for i in range(mini_batches):
            distort(dataset.train.images[i * batch_size : (i + 1) * batch_size], rng)

    return in_turns(
        {"distortion": distortion, "784-800-10": lambda: subject.iterations(mini_batches)}, 3
    )


def command(*args):
    """Return a function that runs a command to its end."""
    words = [str(arg) for arg in args]

    def run():
        subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    return run


def process_times(folder):
    """Return the median seconds of whole processes, and what is to be compared with them."""
    python, model = sys.executable, folder / "model.npz"
    functions = {
        "import click": command(python, "-c", "import click"),
        "bpcli --help": command(BPCLI, "--help"),
        "train configs/fast.yaml": command(BPCLI, "train", "configs/fast.yaml", "-o", model),
        "train configs/98.yaml": command(BPCLI, "train", "configs/98.yaml", "-o", model),
    }
    if "torch" in sys.modules:
        functions["import torch"] = command(python, "-c", "import torch")
    return in_turns(functions, 7)


def overhead(folder):
    """Return seconds of `bpcli train` and of the same loop called as a library."""
    library = (
        "from bpcli.data import load_dataset\nfrom bpcli.training import Config, Run, train\n"
        "for _ in train(Run(Config(), load_dataset())): pass"
    )
    functions = {
        "library": command(sys.executable, "-c", library),
        "bpcli train": command(BPCLI, "train", "-o", folder / "model.npz"),
    }
    return in_turns(functions, 3)


def peak_memory():
    """Return the megabytes that `bpcli train` takes at most."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)"
    )
    with tempfile.TemporaryDirectory() as folder:
        train = [sys.executable, "-c", code, BPCLI, "train", "-o", f"{folder}/model.npz"]
        return float(subprocess.run(train, capture_output=True, check=True).stdout)


def first_products():
    """Do the first product, of three images, as often as a central difference of all has to."""
    import numpy as np

    x, W = np.ones((3, 784)), np.ones((784, 50))
    y = np.empty((3, 50))
    for _ in range(2 * 39_760):
        np.matmul(x, W, out=y)


def gradcheck_times():
    """Return the seconds of a full gradient check, of its first products, and of PyTorch's."""
    found = subprocess.run(
        [BPCLI, "gradcheck", "--json"], capture_output=True, text=True, check=True
    )
    times = {"first products": seconds(first_products)}
    times["bpcli"] = json.loads(found.stdout)["seconds"]
    if "torch" in sys.modules:
        code = [sys.executable, "-c", TORCH_GRADCHECK]
        done = subprocess.run(code, capture_output=True, text=True, check=True)
        times["torch.autograd.gradcheck"] = float(done.stdout)
    return times


def measure(quick, busy):
    """Return everything that this process, with its number of threads, can measure."""
    from peers import installed, one_thread

    from bpcli.data import load_dataset

    loading = seconds(load_dataset)
    dataset, sides = load_dataset(), installed()
    if busy:
        sides = sides[:2]
    rounds = {
        f"784-{hidden}-10, batch {n}": iteration_times(sides, dataset, hidden, n)
        for hidden, n in SHAPES[: 1 if quick else None]
    }
    found = {
        "iteration": {row: medians(times) for row, times in rounds.items()},
        "ratios": {row: baseline.ratios(times) for row, times in rounds.items()},
        "machine": baseline.this_machine(),
    }
    if quick or busy or not one_thread():
        return found
    found["accuracy after an epoch"] = accuracies(sides, dataset)
    found["grid"] = {
        f"784-{hidden}-10, batch {n}": medians(iteration_times(sides[:2], dataset, hidden, n))
        for hidden, n in GRID
    }
    found["evaluation of 70,000 images"] = evaluation_times(dataset)
    found["an epoch"] = epoch_times(dataset)
    found["gradient check"] = gradcheck_times()
    with tempfile.TemporaryDirectory() as name:
        found["process"] = process_times(Path(name))
        found["overhead"] = overhead(Path(name))
    found["loading"] = {"bpcli": loading}
    found["peak memory of train, MB"] = {"bpcli": peak_memory()}
    return found


def with_threads(count, *options):
    """Return what a process of its own measures with so many threads for every side."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", *options],
        env=os.environ | dict.fromkeys(THREADS, str(count)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def beside_a_busy_process(count, *options):
    """Return what `with_threads` does while another process keeps a core busy."""
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        return with_threads(count, "--busy", *options)
    finally:
        neighbour.kill()
        neighbour.wait()


def table(title, rows):
    """Print microseconds an iteration, a row for each net and a column for each side."""
    sides = list(next(iter(rows.values())))
    print(f"\n{title}: µs an iteration (and times the matrix products)")
    print(f"{'':24}" + "".join(f"{side:>16}" for side in sides))
    for row, times in rows.items():
        floor = times["MatrixProducts"]
        cells = "".join(f"{t:>9,.0f} ({t / floor:4.2f})" for t in times.values())
        print(f"{row:24}{cells}")


def main():
    """Measure in processes of their own, and print tables or, with --json, an object."""
    options = sys.argv[1:]
    if "--measure" in options:
        print(json.dumps(measure("--quick" in options, "--busy" in options)))
        return
    quick = [option for option in options if option == "--quick"]
    forced = [f"{name}={os.environ[name]}" for name in KERNEL_VARIABLES if os.environ.get(name)]
    if forced:
        print(f"BLAS does not choose its kernel: {', '.join(forced)}", file=sys.stderr)
    cores = os.cpu_count()
    results = {
        "one thread": with_threads(1, *quick),
        f"{cores} threads": with_threads(cores, *quick),
        "one thread, busy neighbour": beside_a_busy_process(1, *quick),
        f"{cores} threads, busy neighbour": beside_a_busy_process(cores, *quick),
    }
    if "--json" in options:
        print(json.dumps(results))
        return
    print(results["one thread"]["machine"])
    for threads, found in results.items():
        table(threads, found["iteration"])
        if "grid" in found:
            table(threads, found["grid"])
        for title, values in found.items():
            if title not in ("iteration", "grid", "ratios", "machine"):
                print(f"\n{title}")
                for name, value in values.items():
                    print(f"  {name:28}{'-' if value is None else f'{value:.4g}'}")
    now = {
        f"{threads}, {row}": ratios
        for threads, found in results.items()
        if "neighbour" not in threads
        for row, ratios in found["ratios"].items()
    }
    print()
    print(baseline.keep(results["one thread"]["machine"], now, renew="--renew" in options))


if __name__ == "__main__":
    main()
