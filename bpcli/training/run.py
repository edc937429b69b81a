"""a configuration and its data in -> a Run out: a network, an optimizer and mini-batches."""

import itertools
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
from bpcli.data.minibatch import MiniBatches
from bpcli.data.preparation import are_prepared, lies_on_light
from bpcli.gradcheck.check import clearest
from bpcli.training.config import Config

if TYPE_CHECKING:
    from bpcli.training.evaluation import Evaluation
    from bpcli.training.history import Point
    from bpcli.training.record import Record

OPTIMIZER = "optimizer."  # what the names of the optimizer's vectors begin with
CANDIDATES = 10  # mini-batches among which a gradient check finds one far from ReLU's kinks


class Run:
    """A training run: all that `train` changes, and so all that a checkpoint has to hold."""

    def __init__(self, config: Config, dataset: Dataset) -> None:
        self.config = config
        self.dataset = dataset
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
        self.seconds = 0.0  # that it has run, before and after it was stopped
        self.record: Record | None = None  # of the last evaluation
        self.history: list[Point] = []  # of all of them
        self.evaluation: Evaluation | None = None  # on held-out images, of the same

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
        return self.network.arrays | state

    @property
    def complete(self) -> bool:
        """Whether every iteration that was asked for has been done."""
        return self.iteration >= self.config.training.iterations


def load_data(config: Config) -> Dataset:
    """Return the data that `config` names. Raises DatasetError."""
    return load_dataset(**vars(config.dataset))


def outline_network(config: Config) -> list[LayerSpec]:
    """Return the layers that a run of `config` would have. Raises DatasetError."""
    source, network = config.dataset, config.network
    dataset = load_dataset(source.source, source.validation)  # deskewing changes no shape
    return outline(
        dataset.pixels,
        dataset.classes,
        hidden=network.hidden,
        activation=network.activation,
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
