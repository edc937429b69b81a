"""Anybody's layers: every interface that people write is understood, and right ones pass."""

import re

import pytest

NUMPY = "import numpy as np\n"
SOFTMAX = """
def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
BOOK = (
    SOFTMAX
    + """
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out
    def backward(self, dout):
        dout[self.mask] = 0
        return dout

class Affine:
    def __init__(self, W, b):
        self.W, self.b, self.dW, self.db = W, b, None, None
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return dout @ self.W.T

class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t, self.y = t, softmax(x)
        return -np.sum(np.log(self.y[np.arange(len(x)), t] + 1e-7)) / len(x)
    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx / len(dx)
"""
)

# What a file holds, and what is checked in it: unit -> arrays.
RIGHT = {
    "the book's classes": (BOOK, {"Relu": "x", "Affine": "x W b", "SoftmaxWithLoss": "x"}),
    "dictionaries of params and grads": ("""
class Linear:
    def __init__(self, input_size, output_size):
        self.params = {"w": np.random.randn(input_size, output_size), "b": np.zeros(output_size)}
        self.grads = {}
    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]
    def backward(self, grad):
        self.grads["w"] = self.inputs.T @ grad
        self.grads["b"] = grad.sum(axis=0)
        return grad @ self.params["w"].T
""", {"Linear": "inputs params['w'] params['b']"}),
    "lists of params and grads": ("""
class MatMul:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
    def forward(self, x):
        self.x = x
        return x @ self.params[0]
    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        return dout @ self.params[0].T
""", {"MatMul": "x params[0]"}),
    "objects with data and grad": ("""
class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, np.zeros_like(data)
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = Parameter(np.random.randn(n_in, n_out)), Parameter(np.zeros((1, n_out)))
    def __call__(self, x):
        self.x = x
        return x @ self.W.data + self.b.data
    def backprop(self, delta):
        self.W.grad = self.x.T @ delta
        self.b.grad = delta.sum(axis=0, keepdims=True)
        return delta @ self.W.data.T
""", {"Dense": "x W.data b.data"}),
    "columns": ("""
class Layer:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in) * 0.01, np.zeros((n_out, 1))
    def feedforward(self, a):
        self.a = a
        return np.dot(self.W, a) + self.b
    def backpropagate(self, delta):
        self.grad_W, self.grad_b = delta @ self.a.T, delta.sum(axis=1, keepdims=True)
        return self.W.T @ delta
""", {"Layer": "a W b"}),
    "parameters that are made by another method": ("""
class Dense:
    def __init__(self, n_units, input_shape=None):
        self.n_units, self.input_shape, self.W = n_units, input_shape, None
    def initialize(self, optimizer):
        self.W = np.random.randn(self.input_shape[0], self.n_units)
        self.opt = optimizer
    def forward_pass(self, X, training=True):
        self.X = X
        return X @ self.W
    def backward_pass(self, accum_grad):
        before = self.W
        self.W = self.opt.update(self.W, self.X.T @ accum_grad)
        return accum_grad @ before.T
""", {"Dense": "X W"}),
    "parameters that forward makes": ("""
class Dense:
    def __init__(self, units):
        self.units, self.w = units, None
    def forward(self, x):
        if self.w is None:
            self.w = np.random.randn(x.shape[1], self.units)
        self.x = x
        return x @ self.w
    def backward(self, dy):
        self.dw = self.x.T @ dy
        return dy @ self.w.T
""", {"Dense": "x w"}),
    "a learning rate that backward takes": ("""
class Dense:
    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias
    def backward(self, output_gradient, learning_rate):
        dx = output_gradient @ self.weights.T
        self.weights -= learning_rate * self.x.T @ output_gradient
        self.bias -= learning_rate * output_gradient.sum(axis=0)
        return dx
""", {"Dense": "x weights bias"}),
    "pairs of functions": ("""
def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)
def relu_forward(x):
    return np.maximum(0, x), x
def relu_backward(dout, cache):
    return dout * (cache > 0)
def batchnorm_forward(x, gamma, beta, bn_param):
    mu, var = x.mean(axis=0), x.var(axis=0)
    std = np.sqrt(var + bn_param["eps"])
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, gamma, std)
def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
    dxhat = dout * gamma
    dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return dx, dgamma, dbeta
""", {"affine_forward": "x w b", "relu_forward": "x", "batchnorm_forward": "x gamma beta"}),
    "deeplearning.ai's": ("""
def linear_forward(A, W, b):
    return W @ A + b, (A, W, b)
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, dZ.sum(axis=1, keepdims=True) / m
def relu(Z):
    return np.maximum(0, Z), Z
def relu_backward(dA, cache):
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ
""", {"linear_forward": "A W b", "relu": "Z"}),
    "derivatives of x and of y": ("""
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def sigmoid_derivative(x):
    return sigmoid(x) * (1 - sigmoid(x))
def tanh(x):
    return np.tanh(x)
def tanh_prime(y):
    return 1 - y ** 2
class Elu:
    def __call__(self, z):
        return np.where(z > 0, z, np.exp(z) - 1)
    def derivative(self, z):
        return np.where(z > 0, 1, np.exp(z))
""", {"sigmoid": "x", "tanh": "x", "Elu": "z"}),
    "functions of a loss and its gradient": (SOFTMAX + """
def softmax_loss(x, y):
    p = softmax(x)
    dx = p.copy()
    dx[np.arange(len(x)), y] -= 1
    return -np.log(p[np.arange(len(x)), y]).mean(), dx / len(x)
def svm_loss_vectorized(W, X, y, reg):
    scores = X @ W
    margins = np.maximum(0, scores - scores[np.arange(len(X)), y][:, None] + 1)
    margins[np.arange(len(X)), y] = 0
    steps = (margins > 0).astype(float)
    steps[np.arange(len(X)), y] = -steps.sum(axis=1)
    return margins.sum() / len(X) + reg * np.sum(W * W), X.T @ steps / len(X) + 2 * reg * W
def mse(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 2)
def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / y_true.size
""", {"softmax_loss": "x", "svm_loss_vectorized": "W", "mse": "y_pred"}),
    "classes of a loss": ("""
class MSE:
    def loss(self, predicted, actual):
        return np.sum((predicted - actual) ** 2)
    def grad(self, predicted, actual):
        return 2 * (predicted - actual)
class SquareLoss:
    def loss(self, y, y_pred):
        return 0.5 * (y - y_pred) ** 2
    def gradient(self, y, y_pred):
        return -(y - y_pred)
class CrossEntropy:
    def forward(self, p, t):
        self.p, self.t = np.clip(p, 1e-12, 1), t
        return -np.sum(t * np.log(self.p)) / len(p)
    def backward(self):
        return -self.t / self.p / len(self.p)
class SigmoidWithLoss:
    def forward(self, x, t):
        self.t, self.y = t, 1 / (1 + np.exp(-x))
        both = np.c_[1 - self.y, self.y]
        return -np.log(both[np.arange(len(t)), t]).mean()
    def backward(self, dout=1):
        return (self.y - self.t) * dout / len(self.t)
""", {"MSE": "predicted", "SquareLoss": "y_pred", "CrossEntropy": "p", "SigmoidWithLoss": "x"}),
    "networks": (BOOK + """
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {
            "W1": weight_init_std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.layers = [Affine(self.params["W1"], self.params["b1"]), Relu(),
                       Affine(self.params["W2"], self.params["b2"])]
        self.last = SoftmaxWithLoss()
    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def loss(self, x, t):
        return self.last.forward(self.predict(x), t)
    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        first, _, second = self.layers
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}
class FullyConnectedNet:
    def __init__(self, input_dim=784, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0):
        self.reg = reg
        self.params = {"W1": weight_scale * np.random.randn(input_dim, hidden_dim),
                       "W2": weight_scale * np.random.randn(hidden_dim, num_classes)}
    def loss(self, X, y=None):
        W1, W2 = self.params["W1"], self.params["W2"]
        h = np.maximum(0, X @ W1)
        scores = h @ W2
        if y is None:
            return scores
        p = softmax(scores)
        loss = -np.log(p[np.arange(len(X)), y]).mean()
        loss += 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        p[np.arange(len(X)), y] -= 1
        p /= len(X)
        grads = {"W2": h.T @ p + self.reg * W2}
        grads["W1"] = X.T @ ((p @ W2.T) * (h > 0)) + self.reg * W1
        return loss, grads
""", {"TwoLayerNet": "params['W1'] params['b1'] params['W2'] params['b2']",
      "FullyConnectedNet": "params['W1'] params['W2']"}),
    "pictures": ("""
class Convolution:
    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride = W, b, stride
    def forward(self, x):
        F, C, H, K = self.W.shape
        self.x = x
        h, w = x.shape[2] - H + 1, x.shape[3] - K + 1
        out = np.zeros((len(x), F, h, w))
        for i in range(h):
            for j in range(w):
                window = x[:, :, i:i + H, j:j + K]
                out[:, :, i, j] = np.tensordot(window, self.W, ([1, 2, 3], [1, 2, 3])) + self.b
        return out
    def backward(self, dout):
        F, C, H, K = self.W.shape
        dx, self.dW = np.zeros_like(self.x), np.zeros_like(self.W)
        self.db = dout.sum(axis=(0, 2, 3))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                window = self.x[:, :, i:i + H, j:j + K]
                self.dW += np.tensordot(dout[:, :, i, j], window, (0, 0))
                dx[:, :, i:i + H, j:j + K] += np.tensordot(dout[:, :, i, j], self.W, (1, 0))
        return dx
def max_pool_forward(x, pool_param):
    k, s = pool_param["pool_height"], pool_param["stride"]
    h, w = (x.shape[2] - k) // s + 1, (x.shape[3] - k) // s + 1
    out = np.zeros((*x.shape[:2], h, w))
    for i in range(h):
        for j in range(w):
            out[:, :, i, j] = x[:, :, i * s:i * s + k, j * s:j * s + k].max(axis=(2, 3))
    return out, (x, k, s)
def max_pool_backward(dout, cache):
    x, k, s = cache
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = x[:, :, i * s:i * s + k, j * s:j * s + k]
            mask = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, i * s:i * s + k, j * s:j * s + k] += mask * dout[:, :, i, j][:, :, None, None]
    return dx
""", {"Convolution": "x W b", "max_pool_forward": "x"}),
    "sequences": ("""
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)
def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h ** 2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)
def cell_forward(x, h_prev, c_prev):
    c = np.tanh(c_prev) * 2 + h_prev.sum()
    return c * x.sum(), c, (x, h_prev, c_prev, c)
def cell_backward(dh_next, dc_next, cache):
    x, h_prev, c_prev, c = cache
    dc = dc_next + dh_next * x.sum()
    dx = np.full(x.shape, (dh_next * c).sum())
    return dx, np.full(h_prev.shape, dc.sum()), dc * 2 * (1 - np.tanh(c_prev) ** 2)
class Embedding:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
    def forward(self, idx):
        self.idx = idx
        return self.params[0][idx]
    def backward(self, dout):
        self.grads[0][...] = 0
        np.add.at(self.grads[0], self.idx, dout)
""", {"rnn_step_forward": "x prev_h Wx Wh b", "cell_forward": "x h_prev c_prev",
      "Embedding": "params[0]"}),
    "random numbers and a train flag": ("""
class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.ratio = dropout_ratio
    def forward(self, x, train_flg=False):
        if not train_flg:
            return x * (1 - self.ratio)
        self.mask = np.random.rand(*x.shape) > self.ratio
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
""", {"Dropout": "x"}),
    "two inputs": ("""
class MulLayer:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y
    def backward(self, dout):
        return dout * self.y, dout * self.x
""", {"MulLayer": "x y"}),
    "layers that keep what they make": ("""
class Layer_Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights, self.biases = np.random.randn(n_inputs, n_neurons), np.zeros((1, n_neurons))
    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases
    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T
class Loss_MSE:
    def forward(self, y_pred, y_true):
        return np.mean((y_true - y_pred) ** 2, axis=-1)
    def backward(self, dvalues, y_true):
        self.dinputs = -2 * (y_true - dvalues) / len(dvalues[0]) / len(dvalues)
class SoftmaxLoss:
    def forward(self, inputs, y_true):
        e = np.exp(inputs - inputs.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        return -np.log(self.output[np.arange(len(inputs)), y_true]).mean()
    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        self.dinputs[np.arange(len(dvalues)), y_true] -= 1
        self.dinputs /= len(dvalues)
""", {"Layer_Dense": "inputs weights biases", "Loss_MSE": "y_pred", "SoftmaxLoss": "inputs"}),
    "networks whose loss is not said": ("""
class Net:
    def __init__(self, input_size, hidden_size, output_size):
        self.W1 = np.random.randn(input_size, hidden_size)
        self.W2 = np.random.randn(hidden_size, output_size)
    def forward(self, X):
        self.X, self.h = X, np.tanh(X @ self.W1)
        self.out = 1 / (1 + np.exp(-(self.h @ self.W2)))
        return self.out
    def backward(self, X, y, lr):
        d = (self.out - y) / len(y)
        dW1 = X.T @ (d @ self.W2.T * (1 - self.h ** 2))
        self.W2 -= lr * self.h.T @ d
        self.W1 -= lr * dW1
class Autoencoder:
    def __init__(self, input_size, hidden_size):
        self.W1 = np.random.randn(input_size, hidden_size)
        self.W2 = np.random.randn(hidden_size, input_size)
    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1)
        self.out = self.h @ self.W2
        return self.out
    def backward(self):
        d = 2 * (self.out - self.x) / self.x.size
        self.dW2 = self.h.T @ d
        self.dW1 = self.x.T @ (d @ self.W2.T * (1 - self.h ** 2))
""", {"Net": "W1 W2", "Autoencoder": "W1 W2"}),
    "regression": ("""
class LogisticRegression:
    def __init__(self, n_features):
        self.w = np.random.randn(n_features)
    def loss(self, X, y):
        p = 1 / (1 + np.exp(-X @ self.w))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    def gradient(self, X, y):
        return X.T @ (1 / (1 + np.exp(-X @ self.w)) - y) / len(y)
def compute_loss(w, X, y):
    return np.mean((X @ w - y) ** 2)
def compute_loss_gradient(w, X, y):
    dw = 2 * X.T @ (X @ w - y) / len(y)
    return dw
""", {"LogisticRegression": "w"}),
    "gradients in another order": ("""
class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, d):
        return self.x.T @ d, d.sum(axis=0), d @ self.W.T
class Fixed:
    def __init__(self):
        self.W = np.random.randn(11, 9)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
""", {"Dense": "x W b", "Fixed": "x W"}),
    "a function that builds a layer": ("""
class Odd:
    def __init__(self, recipe):
        self.V = np.ones((recipe.rows, 2))
    def forward(self, x):
        self.x = x
        return x @ self.V
    def backward(self, dout):
        self.dV = self.x.T @ dout
        return dout @ self.V.T
class Recipe:
    rows = 3
def gradcheck_Odd():
    return Odd(Recipe), np.arange(6.0).reshape(2, 3)
""", {"gradcheck_Odd": "x V"}),
    "a layer that the file builds": ("""
class Odd:
    def __init__(self, recipe):
        self.V = np.ones((recipe, 2))
    def forward(self, x):
        self.x = x
        return x @ self.V
    def backward(self, dout):
        self.dV = self.x.T @ dout
        return dout @ self.V.T
layers = [Odd(5)]
""", {"Odd": "x V"}),
}  # fmt: skip


@pytest.fixture
def judge(check_here):
    """Check a text; return the findings by unit and array."""

    def call(text):
        return {
            unit.name: unit.problem or {finding.array: finding for finding in unit.findings}
            for unit in check_here(text)
        }

    return call


@pytest.mark.parametrize("interface", RIGHT)
def test_right_layers_of_every_interface_pass(interface, judge):
    text, expected = RIGHT[interface]
    found = judge(text)
    for name, arrays in expected.items():
        unit = found.get(name) or found[name.removeprefix("gradcheck_")]
        assert isinstance(unit, dict), unit
        assert list(unit) == arrays.split()
        assert {finding.verdict for finding in unit.values()} <= {"ok", "note"}, unit


def words_of(found, name):
    return {array: finding.words for array, finding in found[name].items()}


def test_what_is_right_but_is_noted(judge):
    found = judge(BOOK + RIGHT["deeplearning.ai's"][0] + """
class Adding:
    def __init__(self, W):
        self.W, self.dW = W, np.zeros_like(W)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW += self.x.T @ dout
        return dout @ self.W.T
class Narrow:
    def forward(self, x):
        self.x = x.astype(np.float32)
        return np.tanh(self.x)
    def backward(self, dout):
        return dout * (1 - np.tanh(self.x) ** 2)
class CrossEntropy2:
    def forward(self, p, t):
        self.p, self.t = p, t
        return -np.sum(t * np.log(p)) / len(p)
    def backward(self):
        return (self.p - self.t) / len(self.p)
class Rough:
    def forward(self, x):
        self.x = x
        return np.exp(x)
    def backward(self, dout):
        return dout * np.exp(self.x) * (1 + 3e-5)
""")  # fmt: skip
    assert words_of(found, "Relu") == {"x": "it writes into its argument dout"}
    averaged = "averaged over the 3 images, where dx is not, as deeplearning.ai has it"
    assert words_of(found, "linear_forward") == {"A": "", "W": averaged, "b": averaged}
    assert words_of(found, "Adding")["W"] == "added to at every call until somebody resets it"
    assert words_of(found, "Narrow") == {"x": ""}
    assert (
        words_of(found, "CrossEntropy2")["p"] == "right only together with softmax before it: p - t"
    )
    (rough,) = found.pop("Rough").values()
    assert rough.verdict == "WRONG"
    assert re.search(r"agrees to \de-05 only, and no small constant is the cause", rough.words)
    assert all(f.verdict in ("ok", "note") for unit in found.values() for f in unit.values())


@pytest.mark.parametrize("name", ["out", "y", "output", "outputs", "Y", "activation"])
@pytest.mark.parametrize(
    ("forward", "backward"),
    [("1 / (1 + np.exp(-x))", "{} * (1 - {})"), ("np.tanh(x)", "1 - {}**2")],
)
def test_a_backward_may_take_what_forward_returned(name, forward, backward, check_here):
    text = (
        f"def act_forward(x):\n    return {forward}\n\n\n"
        f"def act_backward(dout, {name}):\n    return dout * ({backward.replace('{}', name)})\n"
    )
    (unit,) = check_here(text)
    assert unit.passed
    (unit,) = check_here(text.replace("dout * (", "dout * (0.3 + "))
    (finding,) = unit.findings
    assert finding.verdict == "WRONG"
    assert re.search(r"worst at \[\d, \d\]: found [-\d.e]+, expected [-\d.e]+$", finding.words)


def test_an_array_without_a_gradient_fails_what_was_asked_for_by_name(bpcli, tmp_path):
    path = tmp_path / "scale.py"
    path.write_text(
        NUMPY
        + """
class Scale:
    def __init__(self):
        self.table = np.arange(1.0, 6)
    def forward(self, x):
        return x * self.table
    def backward(self, dout):
        return dout * self.table
"""
    )
    assert "table  not checked: no gradient found" in bpcli("gradcheck", path).stdout
    bpcli("gradcheck", f"{path}:Scale", code=1)
