"""a network and a dataset in -> a stream of Records out: the learning loop in four steps."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bpcli.adversary import worsen
from bpcli.config import Config
from bpcli.dataset import Dataset, load_dataset
from bpcli.distortion import Distortion
from bpcli.errors import DivergedError
from bpcli.evaluation import evaluate
from bpcli.memory import check_memory
from bpcli.minibatch import MiniBatches
from bpcli.network import build_network
from bpcli.optimizer import build_optimizer, build_schedule


@dataclass(frozen=True)
class Record:
    """What one evaluation found. Accuracies are fractions; `loss` is the loss layer's mean over the
    training images, in nats with softmax.

    `epoch` is how often each training image has been used on average, `images_per_second` the
    speed of learning since the last evaluation, `seconds` the time since the run began.
    """

    iteration: int
    epoch: float
    loss: float
    train_accuracy: float
    test_accuracy: float | None
    validation_accuracy: float | None
    images_per_second: float
    seconds: float

    @property
    def held_out(self) -> str:
        """What `accuracy` was measured on: `test`, or `validation` where images are held out."""
        return "test" if self.validation_accuracy is None else "validation"

    @property
    def accuracy(self) -> float:
        """Accuracy on images that are not learnt from."""
        accuracy: float = getattr(self, f"{self.held_out}_accuracy")
        return accuracy


class Run:
    """A training run: all that `train` changes, and so all that a checkpoint has to hold.

    `dtype` is the precision of the network and of the mini-batches: float32 to train.
    """

    def __init__(self, config: Config, dataset: Dataset, dtype: npt.DTypeLike = np.float32) -> None:
        self.config = config
        self.dataset = dataset
        weights, dropout, sampling = np.random.SeedSequence(config.seed).spawn(3)
        self.dropout = np.random.default_rng(dropout)
        self.network = build_network(
            config.network,
            dataset.pixels,
            dataset.classes,
            np.random.default_rng(weights),
            self.dropout,
            dtype,
        )
        self.optimizer = build_optimizer(
            config.optimizer, self.network.parameters, self.network.gradient
        )
        self.mini_batches = MiniBatches(
            dataset.train,
            config.training.batch_size,
            config.training.sampling,
            sampling,
            dtype,
            None if config.distortion.identity else Distortion(config.distortion, dataset.size),
        )
        self.iteration = 0
        self.seconds = 0.0  # that it took before it was resumed
        self.record: Record | None = None  # of the last evaluation

    @property
    def complete(self) -> bool:
        """Whether every iteration that was asked for has been done."""
        return self.iteration >= self.config.training.iterations


def set_up(config: Config, dtype: npt.DTypeLike = np.float32) -> Run:
    """Load the data that `config` names and return a new run.

    Raises DatasetError, and ConfigError if there is not memory enough for it.
    """
    source = config.dataset
    dataset = load_dataset(source.source, source.validation, deskew=source.deskew)
    check_memory(config, dataset)
    return Run(config, dataset, dtype)


def train(run: Run) -> Iterator[Record | None]:
    """Go on with `run` to its end, one iteration for each item that is asked for.

    Yields a Record after an iteration that ends with an evaluation and None after any other, so
    that a caller can show progress, save, or stop between two iterations. Raises DivergedError
    when the loss is no longer finite.
    """
    network, optimizer, mini_batches = run.network, run.optimizer, run.mini_batches
    learning_rate = build_schedule(run.config.optimizer, run.config.training.iterations)
    adversarial = run.config.training.adversarial
    watch = _Watch(run)
    if run.complete and (run.record is None or run.record.iteration != run.iteration):
        yield watch.record()  # it was stopped right here, before its last evaluation
    while not run.complete:
        # Step 1, mini-batch: choose some of the training images, made harder if that is asked for.
        x, t = mini_batches.draw(run.iteration)
        if adversarial:
            worsen(network, x, t, adversarial)

        # Step 2, gradient: of the loss by every parameter, by backpropagation.
        loss = network.forward(x, t)
        network.backward()

        # Step 3, update: move the parameters a little way down the gradient.
        optimizer.update(learning_rate(run.iteration))

        # Step 4, repeat, and now and then look at the accuracy.
        run.iteration += 1
        if not math.isfinite(loss):
            raise _diverged(run, f"the loss is {loss}")
        yield watch.record() if _is_due(run) else None


def _is_due(run: Run) -> bool:
    """Tell whether an evaluation follows an iteration: at intervals, and at the end of the run."""
    every, size = run.config.training.evaluate_every, run.config.training.batch_size
    if run.complete:
        return True
    if every:
        return run.iteration % every == 0
    return run.iteration * size % len(run.dataset.train) < size  # an epoch is full


def check_finite(run: Run) -> None:
    """Raise DivergedError if a parameter, or what the optimizer remembers, is no finite number."""
    state = (run.network.parameters, *run.optimizer.state.values())
    if not all(np.isfinite(vector).all() for vector in state):
        raise _diverged(run, "the optimizer's numbers overflow")


def _diverged(run: Run, found: str) -> DivergedError:
    return DivergedError(
        f"training diverged: {found} at iteration {run.iteration}; try an "
        f"optimizer.learning_rate smaller than {run.config.optimizer.learning_rate:g}"
    )


class _Watch:
    """Evaluates, and tells the time spent on learning from the time spent on evaluating."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.began = time.perf_counter() - run.seconds
        self.learning_since = time.perf_counter()
        self.iteration = run.iteration

    def record(self) -> Record:
        run, batch_size = self.run, self.run.config.training.batch_size
        images = (run.iteration - self.iteration) * batch_size
        images_per_second = images / (time.perf_counter() - self.learning_since)
        train, held_out = (
            evaluate(run.network, s) for s in (run.dataset.train, run.dataset.held_out)
        )
        if not math.isfinite(train.loss):
            raise _diverged(run, f"the loss is {train.loss}")
        check_finite(run)
        is_test = run.dataset.held_out.name == "test"
        now = time.perf_counter()
        record = Record(
            iteration=run.iteration,
            epoch=run.iteration * batch_size / len(run.dataset.train),
            loss=train.loss,
            train_accuracy=train.accuracy,
            test_accuracy=held_out.accuracy if is_test else None,
            validation_accuracy=None if is_test else held_out.accuracy,
            images_per_second=images_per_second,
            seconds=now - self.began,
        )
        run.record = record
        self.learning_since, self.iteration = now, run.iteration
        return record
