"""a gradient in -> changed parameters out: the methods of section 6.1, and learning rates.

g is the gradient, p the parameters, r the learning rate; operations are element by element. All
work in place on two flat vectors, and use up the gradient as scratch memory.
"""

import math
from collections.abc import Callable

import numpy as np

from bpcli.arrays import Array
from bpcli.errors import choose

EPSILON = 1e-7  # keeps a division from being one by zero, as in the book


class Optimizer:
    """A method of turning `gradient` (P,) into a change of `parameters` (P,).

    `state` has, by name, the vectors (P,) that the method remembers from update to update, zero at
    first; `updates` is how many there have been.
    """

    remembers: tuple[str, ...] = ()

    def __init__(self, parameters: Array, gradient: Array) -> None:
        self.parameters = parameters
        self.gradient = gradient
        self.state = {name: np.zeros_like(parameters) for name in self.remembers}
        self.scratch = np.empty_like(parameters)
        self.updates = 0

    def update(self, learning_rate: float) -> None:
        """Change the parameters by one step down the gradient."""
        self.updates += 1
        self.step(learning_rate)

    def step(self, learning_rate: float) -> None:
        """Do what an update by this method is; `updates` counts it already."""
        raise NotImplementedError

    def _descend(self, learning_rate: float, squares: Array) -> None:
        """p <- p - r g / (sqrt(squares) + epsilon)."""
        p, g = self.parameters, self.gradient
        root = np.sqrt(squares, out=self.scratch)
        root += EPSILON
        g *= learning_rate
        g /= root
        p -= g


class SGD(Optimizer):
    """p <- p - r g.  Section 6.1.2."""

    def step(self, learning_rate: float) -> None:
        p, g = self.parameters, self.gradient
        g *= learning_rate
        p -= g


class Momentum(Optimizer):
    """v <- m v - r g;  p <- p + v.  Polyak 1964; section 6.1.4."""

    remembers = ("velocity",)

    def __init__(self, parameters: Array, gradient: Array, momentum: float = 0.9) -> None:
        super().__init__(parameters, gradient)
        self.momentum = momentum

    def step(self, learning_rate: float) -> None:
        p, g, v = self.parameters, self.gradient, self.state["velocity"]
        g *= learning_rate
        v *= self.momentum
        v -= g
        p += v


class Nesterov(Momentum):
    """v <- m v - r g;  p <- p + m v - r g.  Nesterov 1983, as in Bengio et al. 2013, eq. 7."""

    def step(self, learning_rate: float) -> None:
        p, g, v = self.parameters, self.gradient, self.state["velocity"]
        g *= learning_rate
        v *= self.momentum
        v -= g
        p -= g
        p += np.multiply(v, self.momentum, out=g)


class AdaGrad(Optimizer):
    """h <- h + g^2;  p <- p - r g / sqrt(h).  Duchi et al. 2011; section 6.1.5."""

    remembers = ("squares",)

    def step(self, learning_rate: float) -> None:
        g, h = self.gradient, self.state["squares"]
        h += np.square(g, out=self.scratch)
        self._descend(learning_rate, h)


class RMSProp(Optimizer):
    """h <- d h + (1 - d) g^2;  p <- p - r g / sqrt(h), d = 0.99.  Hinton's lecture 6e, 2012."""

    remembers = ("squares",)
    decay = 0.99

    def step(self, learning_rate: float) -> None:
        g, h = self.gradient, self.state["squares"]
        h *= self.decay
        squares = np.square(g, out=self.scratch)
        squares *= 1 - self.decay
        h += squares
        self._descend(learning_rate, h)


class Adam(Optimizer):
    """m <- a m + (1 - a) g;  v <- b v + (1 - b) g^2;  p <- p - r c m / sqrt(v).

    a = 0.9, b = 0.999, and c = sqrt(1 - b^t) / (1 - a^t) at update t makes up for m and v having
    started at 0.  Kingma & Ba 2015; section 6.1.6.
    """

    remembers = ("mean", "squares")
    decay_mean, decay_squares = 0.9, 0.999

    def step(self, learning_rate: float) -> None:
        g, m, v = self.gradient, self.state["mean"], self.state["squares"]
        v *= self.decay_squares
        squares = np.square(g, out=self.scratch)
        squares *= 1 - self.decay_squares
        v += squares
        m *= self.decay_mean
        g *= 1 - self.decay_mean
        m += g
        g[...] = m
        correction = math.sqrt(1 - self.decay_squares**self.updates)
        correction /= 1 - self.decay_mean**self.updates
        self._descend(learning_rate * correction, v)


METHODS: dict[str, type[Optimizer]] = {  # the configuration offers what stands here
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
}


SCHEDULES: dict[str, Callable[[float], float]] = {  # by the share of the run that is over
    "constant": lambda _: 1.0,
    "linear": lambda progress: 1 - progress,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
}


def build_optimizer(
    method: str, parameters: Array, gradient: Array, *, momentum: float = 0.9
) -> Optimizer:
    """Return an optimizer, at rest, for these two vectors (P,)."""
    kind = choose("method", method, METHODS)
    if issubclass(kind, Momentum):
        return kind(parameters, gradient, momentum)
    return kind(parameters, gradient)


def build_schedule(
    learning_rate: float, iterations: int, *, schedule: str = "constant", warmup: int = 0
) -> Callable[[int], float]:
    """Return the learning rate as a function of the iteration, 0 to `iterations` - 1.

    It rises linearly over `warmup` iterations to `learning_rate`, then stays (`constant`), falls
    along a line (`linear`) or along half a cosine wave (`cosine`, Loshchilov & Hutter 2017); both
    reach 0 where the run ends. Raises ArgumentError for another schedule.
    """
    shape = choose("schedule", schedule, SCHEDULES)

    def rate(iteration: int) -> float:
        if iteration < warmup:
            return learning_rate * (iteration + 1) / warmup
        progress = (iteration - warmup) / (iterations - warmup)
        return learning_rate * shape(min(progress, 1))

    return rate
