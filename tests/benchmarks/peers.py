"""The same net and the same mini-batches in other hands: each side trains so many iterations a call.

Every side learns 784-hidden-10 with ReLU by SGD at 0.1, from float32 images in memory in an order
drawn anew each epoch, and is written the way its own users write it. A side whose library is not
installed is left out.
"""

import importlib.util
import itertools
import os
import warnings

import numpy as np

from bpcli.training import Run, evaluate, load_config, train

LEARNING_RATE = 0.1


def one_thread():
    """Tell whether this process is to use one thread."""
    return os.environ.get("OMP_NUM_THREADS") == "1"


def indices(n, batch_size, rng):
    """Yield the images of each mini-batch, in a new order each epoch."""
    while True:
        order = rng.permutation(n)
        yield from order[: n - n % batch_size].reshape(-1, batch_size)


class Side:
    """A way of training; `iterations` does some, `accuracy` is that on the test images."""

    needs = None

    def __init__(self, dataset, hidden, batch_size):
        self.dataset, self.hidden, self.batch_size = dataset, hidden, batch_size
        rng = np.random.default_rng(0)
        shapes = (dataset.pixels, hidden), (hidden, dataset.classes)
        self.weights = [(0.01 * rng.standard_normal(s)).astype(np.float32) for s in shapes]
        self.biases = [np.zeros(n, np.float32) for n in (hidden, dataset.classes)]
        self.batches = indices(len(dataset.train), batch_size, rng)
        self.set_up()

    def set_up(self):
        """Prepare what is not to be timed."""

    def inputs(self, split):
        return split.images.astype(np.float32) / 255, split.labels.astype(np.int64)

    def accuracy(self):
        x, t = self.inputs(self.dataset.held_out)
        W1, W2, b1, b2 = self.parameters()
        return float(((np.maximum(x @ W1 + b1, 0) @ W2 + b2).argmax(axis=1) == t).mean())


class MatrixProducts(Side):
    """The floor: the five products of an iteration, and nothing else."""

    def set_up(self):
        rng = np.random.default_rng(0)

        def array(*shape):
            return rng.random(shape, np.float32)

        n, d, m, c = self.batch_size, self.dataset.pixels, self.hidden, self.dataset.classes
        self.x, self.h, self.y, self.dh = array(n, d), array(n, m), array(n, c), array(n, m)
        self.dW = array(d, m), array(m, c)

    def iterations(self, count):
        x, h, y, dh = self.x, self.h, self.y, self.dh
        (W1, W2), (dW1, dW2) = self.weights, self.dW
        for _ in range(count):
            np.matmul(x, W1, out=h)
            np.matmul(h, W2, out=y)
            np.matmul(h.T, y, out=dW2)
            np.matmul(y, W2.T, out=dh)
            np.matmul(x.T, dh, out=dW1)

    def accuracy(self):
        return None


class Bpcli(Side):
    """This project."""

    def set_up(self):
        overrides = [
            f"network.hidden=[{self.hidden}]",
            f"training.batch_size={self.batch_size}",
            "training.iterations=1e9",
            "training.evaluate_every=1e9",
        ]
        self.run = Run(load_config(overrides=overrides), self.dataset)
        self.steps = train(self.run)

    def iterations(self, count):
        for _ in itertools.islice(self.steps, count):
            pass

    def accuracy(self):
        return evaluate(self.run.network, self.dataset.held_out).accuracy


class NumpyLoop(Side):
    """What numpy allows: the calls of an iteration one after the other, and no classes."""

    folds_rate = False

    def set_up(self):
        images, labels = self.dataset.train.images, self.dataset.train.labels.astype(np.intp)
        (W1, W2), (b1, b2) = self.weights, self.biases
        shapes = [a.shape for a in (W1, b1, W2, b2)]
        p = np.concatenate([a.ravel() for a in (W1, b1, W2, b2)])
        g = np.zeros_like(p)
        W1, b1, W2, b2 = self.views(p, shapes)
        dW1, db1, dW2, db2 = self.views(g, shapes)
        n, d, m, c = self.batch_size, self.dataset.pixels, self.hidden, self.dataset.classes
        self.arrays = W1, W2, b1, b2

        def loop():
            pixels, t, rows = np.empty((n, d), np.uint8), np.empty(n, np.intp), np.arange(n)
            x, h, y, exp = (np.empty(s, np.float32) for s in ((n, d), (n, m), (n, c), (c, n)))
            dh, zeros, ones = np.empty_like(h), np.zeros_like(h), np.ones(n, np.float32)
            scale, rate = np.float32(1 / 255), np.float32(LEARNING_RATE)
            factor = (LEARNING_RATE if self.folds_rate else 1) / n
            for batch in self.batches:
                images.take(batch, 0, pixels, "clip")
                labels.take(batch, 0, t, "clip")
                np.copyto(x, pixels)
                np.multiply(x, scale, out=x)
                np.matmul(x, W1, out=h)
                np.add(h, b1, out=h)
                np.maximum(h, zeros, out=h)
                np.matmul(h, W2, out=y)
                np.add(y, b2, out=y)
                np.copyto(exp, y.T)
                np.subtract(exp, np.maximum.reduce(exp), out=exp)
                t *= n
                t += rows
                logits = exp.take(t)
                np.exp(exp, out=exp)
                total = np.add.reduce(exp)
                np.divide(exp, total, out=exp)
                loss = np.log(total, out=total)
                loss -= logits
                exp.reshape(-1)[t] -= 1
                np.multiply(exp, factor, out=exp)
                np.matmul(h.T, exp.T, out=dW2)
                np.matmul(ones, exp.T, out=db2)
                np.matmul(exp.T, W2.T, out=dh)
                np.greater(h, 0, out=h)
                np.multiply(dh, h, out=dh)
                np.matmul(x.T, dh, out=dW1)
                np.matmul(ones, dh, out=db1)
                if not self.folds_rate:
                    np.multiply(g, rate, out=g)
                np.subtract(p, g, out=p)
                yield np.add.reduce(loss) / n

        self.steps = loop()

    def views(self, vector, shapes):
        stops = np.cumsum([np.prod(s) for s in shapes])[:-1]
        return [v.reshape(s) for v, s in zip(np.split(vector, stops), shapes, strict=True)]

    def iterations(self, count):
        for _ in itertools.islice(self.steps, count):
            pass

    def parameters(self):
        return self.arrays


class FoldedLoop(NumpyLoop):
    """The same with the learning rate in the loss's derivative: the gradient comes multiplied."""

    folds_rate = True


class JaxScan(Side):
    """JAX: one compiled `lax.scan` over the mini-batches of a call."""

    needs = "jax"

    def set_up(self):
        import jax
        from jax import numpy as jnp

        x, t = map(jnp.asarray, self.inputs(self.dataset.train))
        self.state = [jnp.asarray(a) for a in (*self.weights, *self.biases)]

        def loss(parameters, x, t):
            W1, W2, b1, b2 = parameters
            logits = jax.nn.relu(x @ W1 + b1) @ W2 + b2
            return -jnp.take_along_axis(jax.nn.log_softmax(logits), t[:, None], axis=1).mean()

        def step(parameters, batch):
            value, gradients = jax.value_and_grad(loss)(parameters, x[batch], t[batch])
            moved = [p - LEARNING_RATE * g for p, g in zip(parameters, gradients, strict=True)]
            return moved, value

        self.scan = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches))

    def iterations(self, count):
        import jax

        batches = np.stack(list(itertools.islice(self.batches, count)))
        self.state, losses = self.scan(self.state, batches)
        jax.block_until_ready(losses)

    def parameters(self):
        return map(np.asarray, self.state)


class TorchEager(Side):
    """PyTorch as in its tutorials."""

    needs = "torch"

    def set_up(self):
        import torch

        torch.set_num_threads(1 if one_thread() else os.cpu_count())
        self.x, self.t = map(torch.from_numpy, self.inputs(self.dataset.train))
        pixels, classes = self.dataset.pixels, self.dataset.classes
        self.model = torch.nn.Sequential(
            torch.nn.Linear(pixels, self.hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(self.hidden, classes),
        )
        with torch.no_grad():
            for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
                self.model[2 * i].weight.copy_(torch.from_numpy(W.T.copy()))
                self.model[2 * i].bias.copy_(torch.from_numpy(b))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE)

    def iterations(self, count):
        import torch

        for batch in itertools.islice(self.batches, count):
            chosen = torch.from_numpy(batch)
            loss = torch.nn.functional.cross_entropy(self.model(self.x[chosen]), self.t[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def parameters(self):
        W1, b1, W2, b2 = (p.detach().numpy() for p in self.model.parameters())
        return W1.T, W2.T, b1, b2


class ScikitLearn(Side):
    """scikit-learn's MLPClassifier, one pass over as many images as the iterations need."""

    needs = "sklearn"

    def set_up(self):
        from sklearn.neural_network import MLPClassifier

        self.x, self.t = self.inputs(self.dataset.train)
        self.model = MLPClassifier(
            [self.hidden], solver="sgd", alpha=0, batch_size=self.batch_size, max_iter=1,
            learning_rate_init=LEARNING_RATE, momentum=0, warm_start=True, random_state=0,
        )  # fmt: skip

    def iterations(self, count):
        chosen = np.concatenate(list(itertools.islice(self.batches, count)))
        with warnings.catch_warnings(action="ignore"):  # that one pass does not converge
            self.model.fit(self.x[chosen], self.t[chosen])

    def accuracy(self):
        return self.model.score(*self.inputs(self.dataset.held_out))


class Chapter5(Side):
    """The chapter's formulas as a learner writes them: new arrays everywhere, weights as randn."""

    def set_up(self):
        self.x, self.t = self.inputs(self.dataset.train)
        self.weights = [W.astype(np.float64) for W in self.weights]
        self.biases = [b.astype(np.float64) for b in self.biases]

    def iterations(self, count):
        for batch in itertools.islice(self.batches, count):
            x, t = self.x[batch], self.t[batch]
            (W1, W2), (b1, b2) = self.weights, self.biases
            a = x @ W1 + b1
            z = np.maximum(a, 0)
            logits = z @ W2 + b2
            exp = np.exp(logits - logits.max(axis=1, keepdims=True))
            y = exp / exp.sum(axis=1, keepdims=True)
            self.loss = -np.log(y[np.arange(len(t)), t]).mean()
            dlogits = y.copy()
            dlogits[np.arange(len(t)), t] -= 1
            dlogits /= len(t)
            da = (dlogits @ W2.T) * (a > 0)
            gradients = [x.T @ da, z.T @ dlogits], [da.sum(axis=0), dlogits.sum(axis=0)]
            self.weights = [
                W - LEARNING_RATE * dW for W, dW in zip(self.weights, gradients[0], strict=True)
            ]
            self.biases = [
                b - LEARNING_RATE * db for b, db in zip(self.biases, gradients[1], strict=True)
            ]

    def parameters(self):
        return *self.weights, *self.biases


def installed():
    """Return the sides that can be measured here, the floor and this project first."""
    sides = MatrixProducts, Bpcli, NumpyLoop, FoldedLoop, JaxScan, TorchEager, ScikitLearn, Chapter5
    return [s for s in sides if s.needs is None or importlib.util.find_spec(s.needs)]
