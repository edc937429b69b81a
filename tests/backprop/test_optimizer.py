"""The optimizers against their published formulas, written out anew in float64, and PyTorch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.backprop.optimizer import METHODS, build_optimizer, build_schedule
from bpcli.errors import ArgumentError

RATE, STEPS = 0.05, 7


def sgd(p, gradients):
    for g in gradients:
        p = p - RATE * g
    return p


def momentum(p, gradients):
    v = 0
    for g in gradients:
        v = 0.8 * v - RATE * g
        p = p + v
    return p


def nesterov(p, gradients):
    v = 0
    for g in gradients:  # the book's form
        p = p + 0.8 * 0.8 * v - (1 + 0.8) * RATE * g
        v = 0.8 * v - RATE * g
    return p


def adagrad(p, gradients):
    h = 0
    for g in gradients:
        h = h + g * g
        p = p - RATE * g / (np.sqrt(h) + 1e-7)
    return p


def rmsprop(p, gradients):
    h = 0
    for g in gradients:
        h = 0.99 * h + 0.01 * g * g
        p = p - RATE * g / (np.sqrt(h) + 1e-7)
    return p


def adam(p, gradients):
    m = v = 0
    for i, g in enumerate(gradients, 1):  # the book's form
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        rate = RATE * np.sqrt(1 - 0.999**i) / (1 - 0.9**i)
        p = p - rate * m / (np.sqrt(v) + 1e-7)
    return p


FORMULAS = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
}


def run(method, start, gradients, dtype=np.float64):
    p, g = start.astype(dtype), np.empty(start.shape, dtype)
    optimizer = build_optimizer(method, p, g, momentum=0.8)
    for gradient in gradients:
        g[...] = gradient
        optimizer.update(RATE)
    return p


def test_every_method_has_a_formula():
    assert FORMULAS.keys() == METHODS.keys()


@pytest.mark.parametrize("method", FORMULAS)
@given(seed=st.integers(0, 10**6))
def test_updates_follow_the_formula(method, seed):
    rng = np.random.default_rng(seed)
    start, gradients = rng.normal(size=20), rng.normal(size=(STEPS, 20))
    expected = FORMULAS[method](start, gradients)
    np.testing.assert_allclose(run(method, start, gradients), expected, rtol=1e-9, atol=1e-12)
    single = run(method, start, gradients, np.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", FORMULAS)
def test_updates_agree_with_torch(method, rng):
    torch = pytest.importorskip("torch")
    start, gradients = rng.normal(size=20), rng.uniform(1, 2, size=(STEPS, 20))
    p = torch.tensor(start, requires_grad=True)
    optimizer = {
        "sgd": lambda: torch.optim.SGD([p], RATE),
        "momentum": lambda: torch.optim.SGD([p], RATE, momentum=0.8),
        "nesterov": lambda: torch.optim.SGD([p], RATE, momentum=0.8, nesterov=True),
        "adagrad": lambda: torch.optim.Adagrad([p], RATE, eps=1e-7),
        "rmsprop": lambda: torch.optim.RMSprop([p], RATE, alpha=0.99, eps=1e-7),
        "adam": lambda: torch.optim.Adam([p], RATE, eps=1e-7),
    }[method]()
    for gradient in gradients:
        p.grad = torch.tensor(gradient)
        optimizer.step()
    np.testing.assert_allclose(
        run(method, start, gradients), p.detach().numpy(), rtol=1e-4, atol=1e-5
    )


def rates(iterations=10, **values):
    schedule = build_schedule(2.0, iterations, **values)
    return [schedule(iteration) for iteration in range(iterations)]


def test_schedules():
    assert rates() == [2.0] * 10
    np.testing.assert_allclose(rates(schedule="linear"), 2 - np.arange(10) / 5)
    np.testing.assert_allclose(rates(schedule="cosine"), 1 + np.cos(np.pi * np.arange(10) / 10))
    np.testing.assert_allclose(
        rates(schedule="linear", warmup=4), [0.5, 1, 1.5, 2, *(2 - np.arange(6) / 3)]
    )
    np.testing.assert_allclose(rates(warmup=10), np.arange(1, 11) / 5)


def test_words_that_name_no_method_or_schedule_are_refused():
    with pytest.raises(ArgumentError, match="method: found 'adamw', expected one of sgd, momentum"):
        build_optimizer("adamw", np.ones(3), np.ones(3))
    with pytest.raises(ArgumentError, match="schedule: found 'step', expected one of constant"):
        build_schedule(0.1, 10, schedule="step")


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_after_its_end_a_schedule_stays_at_its_end(schedule):
    assert build_schedule(0.1, 100, schedule=schedule)(150) == pytest.approx(0, abs=1e-12)
