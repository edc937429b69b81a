"""a gradient in -> changed parameters out: the methods of section 6.1, and learning rates.

g is the gradient, p the parameters, r the learning rate; operations are element by element. All
work in place on two flat vectors, and use up the gradient as scratch memory.
"""

import math
from collections.abc import Callable

import numpy as np

from bpcli.config import OptimizerConfig
from bpcli.layers import Array

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

    def update(self, learning_rate: float) -> None:
        p, g = self.parameters, self.gradient
        g *= learning_rate
        p -= g


class Momentum(Optimizer):
    """v <- m v - r g;  p <- p + v.  Polyak 1964; section 6.1.4."""

    remembers = ("velocity",)

    def __init__(self, parameters: Array, gradient: Array, momentum: float = 0.9) -> None:
        super().__init__(parameters, gradient)
        self.momentum = momentum

    def update(self, learning_rate: float) -> None:
        p, g, v = self.parameters, self.gradient, self.state["velocity"]
        g *= learning_rate
        v *= self.momentum
        v -= g
        p += v


class Nesterov(Momentum):
    """v <- m v - r g;  p <- p + m v - r g.  Nesterov 1983, as in Bengio et al. 2013, eq. 7."""

    def update(self, learning_rate: float) -> None:
        p, g, v = self.parameters, self.gradient, self.state["velocity"]
        g *= learning_rate
        v *= self.momentum
        v -= g
        p -= g
        p += np.multiply(v, self.momentum, out=g)


class AdaGrad(Optimizer):
    """h <- h + g^2;  p <- p - r g / sqrt(h).  Duchi et al. 2011; section 6.1.5."""

    remembers = ("squares",)

    def update(self, learning_rate: float) -> None:
        g, h = self.gradient, self.state["squares"]
        h += np.square(g, out=self.scratch)
        self._descend(learning_rate, h)


class RMSProp(Optimizer):
    """h <- d h + (1 - d) g^2;  p <- p - r g / sqrt(h), d = 0.99.  Hinton's lecture 6e, 2012."""

    remembers = ("squares",)
    decay = 0.99

    def update(self, learning_rate: float) -> None:
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

    def update(self, learning_rate: float) -> None:
        g, m, v = self.gradient, self.state["mean"], self.state["squares"]
        v *= self.decay_squares
        squares = np.square(g, out=self.scratch)
        squares *= 1 - self.decay_squares
        v += squares
        m *= self.decay_mean
        g *= 1 - self.decay_mean
        m += g
        g[...] = m
        self.updates += 1
        correction = math.sqrt(1 - self.decay_squares**self.updates)
        correction /= 1 - self.decay_mean**self.updates
        self._descend(learning_rate * correction, v)


METHODS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
}


def build_optimizer(config: OptimizerConfig, parameters: Array, gradient: Array) -> Optimizer:
    """Return the optimizer that `config` describes, at rest, for these two vectors (P,)."""
    method = METHODS[config.method]
    if issubclass(method, Momentum):
        return method(parameters, gradient, config.momentum)
    return method(parameters, gradient)


def build_schedule(config: OptimizerConfig, iterations: int) -> Callable[[int], float]:
    """Return the learning rate as a function of the iteration, 0 to `iterations` - 1.

    It rises linearly over `warmup` iterations, then stays (`constant`), falls along a line
    (`linear`) or along half a cosine wave (`cosine`, Loshchilov & Hutter 2017); both reach 0 where
    the run ends.
    """
    shapes: dict[str, Callable[[float], float]] = {
        "constant": lambda _: 1.0,
        "linear": lambda progress: 1 - progress,
        "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    }
    shape = shapes[config.schedule]

    def learning_rate(iteration: int) -> float:
        if iteration < config.warmup:
            return config.learning_rate * (iteration + 1) / config.warmup
        progress = (iteration - config.warmup) / (iterations - config.warmup)
        return config.learning_rate * shape(progress)

    return learning_rate
