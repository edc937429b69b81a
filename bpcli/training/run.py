"""a configuration and its data in -> a Run out: a network, an optimizer and mini-batches."""

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Labels
from bpcli.backprop.architecture import build_network, outline
from bpcli.backprop.network import LayerSpec, Network
from bpcli.backprop.optimizer import build_optimizer, build_schedule
from bpcli.data.dataset import Dataset, load_dataset
from bpcli.data.distortion import Distortion
from bpcli.data.holdout import Digests
from bpcli.data.minibatch import MiniBatches
from bpcli.data.preparation import are_prepared, lies_on_light
from bpcli.data.split import MNIST
from bpcli.gradcheck.check import clearest
from bpcli.training.config import Config
from bpcli.training.inside import Inside
from bpcli.training.losses import Losses

if TYPE_CHECKING:
    from bpcli.training.evaluation import Evaluation
    from bpcli.training.history import Point
    from bpcli.training.learnt_with import LearntWith
    from bpcli.training.record import Record

NOTHING: Digests = np.zeros(0, np.uint64)
OPTIMIZER = "optimizer."  # what the names of the optimizer's vectors begin with
CANDIDATES = 10  # mini-batches among which a gradient check finds one far from ReLU's kinks


@dataclass(frozen=True)
class State:
    """What a run has come to at an evaluation: the arrays of its network, by name, and how it did.

    Both are None where it has not been evaluated.
    """

    arrays: dict[str, Array]
    record: "Record | None"
    evaluation: "Evaluation | None"


class Run:
    """A training run: all that `train` changes, and so all that a checkpoint has to hold.

    `learnt_before` are digests of images that its first weights have learnt from; None where it is
    not known which these are.
    """

    def __init__(
        self, config: Config, dataset: Dataset, learnt_before: Digests | None = NOTHING
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.learnt_before = learnt_before
        self.network, self.dropout_rng = _first_network(config, dataset, np.float32)
        self.optimizer = build_optimizer(
            config.optimizer.method,
            self.network.parameters,
            self.network.gradient,
            momentum=config.optimizer.momentum,
        )
        self.learning_rate = build_schedule(
            config.optimizer.learning_rate,
            config.training.iterations,
            schedule=config.optimizer.schedule,
            warmup=config.optimizer.warmup,
        )
        size = config.training.batch_size
        self.mini_batches = _mini_batches(config, dataset, size, np.float32)
        self.iteration = 0
        self.learnt_with: LearntWith | None = None  # where it is not with our layers alone
        self.seconds = 0.0  # that it has run, before and after it was stopped
        self.record: Record | None = None  # of the last evaluation
        self.history: list[Point] = []  # of all of them, and before the first iteration
        self.losses = Losses()  # of all mini-batches
        self.inside = Inside(len(config.network.hidden) + 1)  # its layers, at evaluations
        self.evaluation: Evaluation | None = None  # on held-out images, of the same
        self.best: State | None = None  # of all evaluations, where it is to be kept

    def __repr__(self) -> str:
        found = f", {self.record.split} {self.record.accuracy:.2%}" if self.record else ""
        iterations = self.config.training.iterations
        return f"<Run at iteration {self.iteration:,} of {iterations:,}{found}: {self.network!r}>"

    @cached_property
    def is_prepared(self) -> bool:
        """Whether the training images are as MNIST's: in a box, around their centre of mass."""
        return are_prepared(self.dataset.sample)

    @cached_property
    def is_dark(self) -> bool:
        """Whether they are dark on light."""
        return lies_on_light(self.dataset.sample, self.dataset.white)

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays that learning changes, by their names in a model file."""
        state = {OPTIMIZER + name: vector for name, vector in self.optimizer.state.items()}
        return self.network.contents | state

    @property
    def complete(self) -> bool:
        """Whether every iteration that was asked for has been done, or patience is at an end."""
        return self.iteration >= self.config.training.iterations or self.is_out_of_patience

    @property
    def evaluations(self) -> int:
        """How many times it has been evaluated since it began to learn."""
        return sum(point.has_learnt for point in self.history)

    @property
    def is_out_of_patience(self) -> bool:
        """Whether `training.patience` evaluations have not been better than one before them."""
        patience = self.config.training.patience
        accuracies = [point.accuracy for point in self.history if point.has_learnt]
        if not patience or not accuracies:
            return False
        return len(accuracies) - 1 - accuracies.index(max(accuracies)) >= patience

    @property
    def kept(self) -> State:
        """What its model is made of: the last state or, with `training.keep`, the best one."""
        return self.best or State(self.network.contents, self.record, self.evaluation)

    @cached_property
    def learnt(self) -> Digests | None:
        """Digests of all images that its network has learnt from, in order, without repetition.

        None where they are not known, or can be found again, as MNIST comes with bpcli.
        """
        digests, before = self.dataset.train.digests, self.learnt_before
        if digests is None or before is None or self.can_find_learnt:
            return None
        return np.union1d(digests, before)

    @property
    def unused(self) -> Digests | None:
        """Digests of training images that are neither learnt from nor held out, in order.

        None where there cannot be any, or they can be found again, as MNIST comes with bpcli.
        """
        return None if self.dataset.train.source == MNIST else self.dataset.unused

    @property
    def can_find_learnt(self) -> bool:
        """Whether what it has learnt from can be found again in the data that come with bpcli."""
        before = self.learnt_before
        return self.dataset.train.source == MNIST and before is not None and not before.size


def load_data(config: Config) -> Dataset:
    """Return the data that `config` names. Raises DatasetError."""
    return load_dataset(**vars(config.dataset))


def outline_network(config: Config) -> list[LayerSpec]:
    """Return the layers that a run of `config` would have. Raises DatasetError."""
    source, network = config.dataset, config.network
    dataset = load_dataset(**vars(replace(source, deskew=False)))  # which changes no shape
    return outline(
        dataset.pixels,
        dataset.classes,
        hidden=network.hidden,
        activation=network.activation,
        batch_norm=network.batch_norm,
        loss=network.loss,
        input_dropout=network.input_dropout,
        dropout=network.dropout,
    )


def set_up_check(
    config: Config, samples: int, network: Network | None = None
) -> tuple[Network, Array, Labels]:
    """Return a network, and the mini-batch, x and t in float64, of `samples` images to check it on.

    Without a network it is the one that a run of `config` begins with. Raises DatasetError, too if
    the images are not those of a given network.
    """
    dataset = load_data(config)
    if network:
        specs = network.specs
        dataset.train.check_fits(*specs[0].input, *specs[-1].input)
    else:
        network, _ = _first_network(config, dataset, np.float64)
    drawn = itertools.islice(_mini_batches(config, dataset, samples, np.float64), CANDIDATES)
    x, t = clearest(network, ((x.copy(), t.copy()) for x, t in drawn))
    return network, x, t


def _first_network(
    config: Config, dataset: Dataset, dtype: npt.DTypeLike
) -> tuple[Network, np.random.Generator]:
    """Return a run's network before its first iteration, and what its dropout draws from."""
    weights, dropout, _ = _seeds(config)
    dropout_rng = np.random.default_rng(dropout)
    network = build_network(
        dataset.pixels,
        dataset.classes,
        np.random.default_rng(weights),
        **vars(config.network),
        dropout_rng=dropout_rng,
        dtype=dtype,
    )
    return network, dropout_rng


def _mini_batches(
    config: Config, dataset: Dataset, batch_size: int, dtype: npt.DTypeLike
) -> MiniBatches:
    *_, sampling = _seeds(config)
    distort = None
    if not config.distortion.identity:
        distort = Distortion(dataset.size, **vars(config.distortion))
    return MiniBatches(
        dataset.train,
        batch_size,
        sampling,
        sampling=config.training.sampling,
        dtype=dtype,
        distort=distort,
    )


def _seeds(config: Config) -> list[np.random.SeedSequence]:
    """Return what weights, dropout and mini-batches begin with: each is random by itself."""
    return np.random.SeedSequence(config.seed).spawn(3)
