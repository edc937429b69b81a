"""a Run in -> a stream of Records out: the four steps, with an evaluation now and then."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from bpcli.backprop.learning import learn
from bpcli.backprop.optimizer import Optimizer
from bpcli.data.adversary import fast_gradient_sign
from bpcli.errors import DivergedError
from bpcli.training.evaluation import evaluate, quietly
from bpcli.training.failure import explain_steepness
from bpcli.training.history import Point, append
from bpcli.training.inside import STEEP, Watched, look_at_outputs, measure_steepness
from bpcli.training.record import Record
from bpcli.training.run import Run, State

# Images of each split that are looked at before learning, as all would take far longer, and of what
# is held out while they go through the layers.
SAMPLE = 500


def train(run: Run) -> Iterator[Record | None]:
    """Go on with `run` to its end, one iteration for each item that is asked for.

    Before the first it looks at what the network is like, which is part of the history alone.
    Yields a Record after an iteration that ends with an evaluation and None after any other, so
    that a caller can show progress, save, or stop between two iterations. Raises DivergedError
    when the loss is no longer finite.
    """
    watch = _Watch(run)
    if run.complete and (run.record is None or run.record.iteration != run.iteration):
        yield watch.record()  # it was stopped right here, before its last evaluation
    if run.complete:
        return
    if run.iteration == 0:
        watch.begin()
    last, is_due = run.config.training.iterations, _make_is_due(run)
    # A loss that overflows is reported, not warned of.
    losses = _learn(run, watch.optimizer, range(run.iteration, last))
    learn_once = np.errstate(all="ignore")(losses.__next__)
    for iteration in range(run.iteration + 1, last + 1):
        is_evaluated = iteration == last or is_due(iteration)
        watch.optimizer.is_asked = is_evaluated or iteration == 1
        loss = learn_once()
        run.iteration, run.seconds = iteration, watch.seconds()
        if iteration == 1:
            run.inside.begin(watch.optimizer.steps)
        if not math.isfinite(loss):
            raise _diverged(run, f"the loss is {loss}")
        run.losses.add(loss)
        record = watch.record() if is_evaluated else None
        yield record
        if record and run.complete:  # before the last iteration, as patience is at an end
            return


def _learn(run: Run, optimizer: Optimizer, iterations: range) -> Iterator[float]:
    """Yield the losses of some iterations; their mini-batches are made harder where asked for."""
    mini_batches = map(run.mini_batches.draw, iterations)
    step = run.config.training.adversarial
    harder = fast_gradient_sign(run.network, mini_batches, step) if step else mini_batches
    return learn(run.network, optimizer, harder, map(run.learning_rate, iterations))


def _make_is_due(run: Run) -> Callable[[int], bool]:
    """Return what tells whether an evaluation follows an iteration before the last."""
    every, size = run.config.training.evaluate_every, run.config.training.batch_size
    if every:
        return lambda iteration: iteration % every == 0
    images = len(run.dataset.train)
    return lambda iteration: iteration * size % images < size  # an epoch is full


def check_finite(run: Run) -> None:
    """Raise DivergedError if what learning has made of network and optimizer is not finite."""
    if not all(np.isfinite(array).all() for array in run.arrays.values()):
        raise _diverged(run, "the optimizer's numbers overflow")


def _diverged(run: Run, found: str) -> DivergedError:
    ways = f"try an optimizer.learning_rate smaller than {run.config.optimizer.learning_rate:g}"
    if measure_steepness(run.inside, -1) > STEEP:
        ways = explain_steepness(run)
    return DivergedError(f"training diverged: {found} at iteration {run.iteration}; {ways}")


def _is_better(record: Record, best: State | None) -> bool:
    """Tell whether an evaluation is better than the best before it: of equal ones the first is."""
    return best is None or best.record is None or record.accuracy > best.record.accuracy


class _Watch:
    """Evaluates, and tells the time spent on learning from the time spent on evaluating."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.learning_since = time.perf_counter()
        self.began = self.learning_since - run.seconds
        self.iteration = run.iteration
        self.optimizer = Watched(run.optimizer, run.network)
        self.sample = run.dataset.held_out.sample(SAMPLE)

    def seconds(self) -> float:
        """Return how long the run has taken by now."""
        return time.perf_counter() - self.began

    def begin(self) -> None:
        """Add to the history what the network is like before it learns, if that is a number."""
        run = self.run
        train = held_out = evaluate(run.network, run.dataset.train.sample(SAMPLE))
        if run.dataset.held_out is not run.dataset.train:
            held_out = evaluate(run.network, self.sample)
        self.learning_since = time.perf_counter()
        if math.isfinite(train.loss):
            loss = held_out.loss if math.isfinite(held_out.loss) else None
            seconds = self.learning_since - self.began
            point = Point(0, train.loss, train.accuracy, held_out.accuracy, seconds, loss)
            run.history[:] = [point]
            self._look_inside()

    def record(self) -> Record:
        run, batch_size = self.run, self.run.config.training.batch_size
        images = (run.iteration - self.iteration) * batch_size
        images_per_second = images / (time.perf_counter() - self.learning_since)
        train = held_out = evaluate(run.network, run.dataset.train)
        if run.dataset.held_out is not run.dataset.train:
            held_out = evaluate(run.network, run.dataset.held_out)
        if not math.isfinite(train.loss):
            raise _diverged(run, f"the loss is {train.loss}")
        check_finite(run)
        now = time.perf_counter()
        run.seconds = now - self.began
        run.record = Record(
            iteration=run.iteration,
            epoch=run.iteration * batch_size / len(run.dataset.train),
            loss=train.loss,
            train_accuracy=train.accuracy,
            split=run.dataset.held_out.name,
            accuracy=held_out.accuracy,
            images_per_second=images_per_second,
            seconds=run.seconds,
            held_out_loss=held_out.loss if math.isfinite(held_out.loss) else None,
            balanced_accuracy=held_out.balanced_accuracy,
            macro_f1=held_out.macro_f1,
        )
        append(run.history, run.record)
        self._look_inside()
        run.evaluation = held_out
        if run.config.training.keep == "best" and _is_better(run.record, run.best):
            arrays = {name: array.copy() for name, array in run.network.contents.items()}
            run.best = State(arrays, run.record, held_out)
        self.learning_since, self.iteration = now, run.iteration
        return run.record

    @quietly
    def _look_inside(self) -> None:
        """Say what happens in the layers at the last point of the history."""
        run, iterations = self.run, [point.iteration for point in self.run.history]
        outputs, found = look_at_outputs(run.network, self.sample, iterations[-1])
        run.inside.add(outputs, self.optimizer.steps, found, iterations)
