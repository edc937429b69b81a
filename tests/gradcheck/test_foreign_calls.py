"""What has to be understood of a text before its layers can be called: each kind, right and wrong."""

import pytest

# What a file holds; a part of it and what to put there to make it wrong; unit -> what is then WRONG.
KINDS = {
    "gradients that are handed on, in a dictionary": ("""
class Dense:
    def __init__(self, n_in, n_out, name):
        self.name, self.params = name, {name + "/W": np.random.randn(n_in, n_out)}
    def forward(self, x):
        return x @ self.params[self.name + "/W"], {"x": x}
    def backward(self, x, cache: dict, upstream_gradient, gradients: dict):
        gradients[self.name + "/W"] = x.T @ upstream_gradient
        return upstream_gradient @ self.params[self.name + "/W"].T
class Zwei:
    def __init__(self, size):
        self.eins, self.zwei = Dense(size, size, "eins"), Dense(size, size, "zwei")
    def forward(self, x):
        h, _ = self.eins.forward(x)
        return self.zwei.forward(h)[0], {"h": h}
    def backward(self, x, cache, upstream_gradient, gradients):
        d = self.zwei.backward(cache["h"], {}, upstream_gradient, gradients)
        return self.eins.backward(x, {}, d, gradients)
""", "return self.eins.backward(x, {}, d, gradients)", "return 2 * self.eins.backward(x, {}, d, gradients)", "Zwei x"),
    "a gradient beside gradients that are never read": ("""
class Sigmoid:
    def forward(self, x):
        return 1 / (1 + np.exp(-x)), {}
    def backward(self, x, cache, gradients, output_gradient):
        del gradients, cache
        y = self.forward(x)[0]
        return output_gradient * y * (1 - y)
""", "y * (1 - y)", "y * (1 + y)", "Sigmoid x"),
    "sums over images and steps": ("""
class LayerNorm:
    def __init__(self, dim):
        self.gamma, self.beta = np.ones(dim), np.zeros(dim)
    def forward(self, x):
        self.std = np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        self.xhat = (x - x.mean(-1, keepdims=True)) / self.std
        return self.gamma * self.xhat + self.beta
    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.xhat).sum(axis=(0, 1)), dout.sum(axis=(0, 1))
        d = dout * self.gamma
        return (d - d.mean(-1, keepdims=True) - self.xhat * (d * self.xhat).mean(-1, keepdims=True)) / self.std
""", "(dout * self.xhat).sum(axis=(0, 1))", "(dout * self.xhat).mean(axis=(0, 1))", "LayerNorm gamma"),
    "an accuracy beside a loss": ("""
class Verlust:
    def __call__(self, a, y, requires_acc=True):
        self.e = np.exp(a - a.max(axis=1, keepdims=True))
        self.p, self.y = self.e / self.e.sum(axis=1, keepdims=True), y
        loss = -np.sum(y * np.log(self.p)) / len(y)
        if requires_acc:
            return (self.p.argmax(axis=1) == y.argmax(axis=1)).mean(), loss
        return loss
    def gradient(self):
        return (self.p - self.y) / len(self.y)
""", "/ len(self.y)", "/ 7", "Verlust a"),
    "a shape of weights, all in one": ("""
class Linear:
    def __init__(self, shape, bias=True):
        self.W = np.random.randn(*shape) * (2 / shape[0] ** 0.5)
        self.b = np.zeros(shape[-1])
    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b
    def backward(self, eta):
        self.dW = np.einsum("ji,jk->ik", self.x, eta)
        self.db = np.einsum("i...->...", eta)
        return np.einsum("ij,kj->ik", eta, self.W)
""", "self.dW = np.einsum", "self.dW = 3 * np.einsum", "Linear W"),
    "a layer that only pads": ("""
class Rand:
    def __init__(self, pad_width):
        self.oben = self.unten = pad_width
    def forward(self, x):
        return np.pad(x, ((0, 0), (self.oben, self.unten), (self.oben, self.unten), (0, 0)))
    def backward(self, eta):
        return eta[:, self.oben:-self.unten, self.oben:-self.unten, :]
""", "return eta[", "return -eta[", "Rand x"),
    "windows side by side, by a reshape": ("""
class Kacheln:
    def __init__(self, k_size, stride):
        self.k_size, self.stride = k_size, stride
    def forward(self, inputs):
        n, h, w, c = inputs.shape
        self.shape = (n, h // self.stride[0], self.k_size[0], w // self.stride[1], self.k_size[1], c)
        return inputs.reshape(self.shape).mean(axis=(2, 4))
    def backward(self, grad):
        big = grad.repeat(self.k_size[0], axis=1).repeat(self.k_size[1], axis=2)
        return big / (self.k_size[0] * self.k_size[1])
""", "self.k_size[0] * self.k_size[1]", "self.k_size[0]", "Kacheln inputs"),
    "two inputs, of which neither is called x": ("""
class Linear:
    def __init__(self, n, m):
        self.W = np.random.randn(n, m)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, d):
        self.dW = np.einsum("nti,ntj->ij", self.x, d)
        return d @ self.W.T
class Kreuz:
    def __init__(self, hidden_dim):
        self.q, self.k = Linear(hidden_dim, hidden_dim), Linear(hidden_dim, hidden_dim)
    def forward(self, decoder_input, encoder_output, mask=None):
        self.a, self.b = self.q.forward(decoder_input), self.k.forward(encoder_output)
        return self.a @ np.transpose(self.b, (0, 2, 1))
    def backward(self, d):
        return self.q.backward(d @ self.b), self.k.backward(np.transpose(d, (0, 2, 1)) @ self.a)
""", "self.k.backward(np", "-self.k.backward(np", "Kreuz encoder_output"),
    "as many units as features": ("""
class Skala:
    def __init__(self, size):
        self.size, self.params = size, {"scale": np.ones(size)}
    def forward(self, x):
        assert x.shape[-1] == self.size
        self.x = x
        return x * self.params["scale"]
    def backward(self, dout):
        self.grads = {"scale": (dout * self.x).reshape(-1, self.size).sum(axis=0)}
        return dout * self.params["scale"]
""", ".sum(axis=0)", ".sum(axis=0) * 2", "Skala params['scale']"),
    "a constant that is no smaller than a probability": ("""
def fehler(y, t):
    h = 1e-4
    return -np.sum(np.log(y[np.arange(len(y)), t.argmax(axis=1)] + h)) / len(y)
class Netz:
    def __init__(self, input_size, output_size):
        self.W = 3 * np.random.randn(input_size, output_size)
    def loss(self, x, t):
        e = np.exp(x @ self.W)
        self.y = e / e.sum(axis=1, keepdims=True)
        return fehler(self.y, t)
    def gradient(self, x, t):
        self.loss(x, t)
        return {"W": x.T @ (self.y - t) / len(x)}
""", "/ len(x)}", "/ len(x) * 1.02}", "Netz W"),
    "a forward in backward, which drops out once more": ("""
class Netz:
    def __init__(self, input_size, output_size):
        self.W = np.random.randn(input_size, output_size)
    def loss(self, x, t):
        self.x = x * (np.random.rand(*x.shape) > 0.4)
        e = np.exp(self.x @ self.W)
        self.y = e / e.sum(axis=1, keepdims=True)
        return -np.sum(t * np.log(self.y)) / len(x)
    def gradient(self, x, t):
        self.loss(x, t)
        return {"W": self.x.T @ (self.y - t) / len(x)}
""", "self.x.T @", "x.T @", "Netz W"),
    "channels that stand under a root": ("""
class Conv1D:
    def __init__(self, in_channels, out_channels, kernel_size=3):
        limit = np.sqrt(6 / (in_channels + out_channels))
        self.W = np.random.uniform(-limit, limit, (kernel_size, in_channels, out_channels))
    def forward(self, x):
        self.x, k = x, len(self.W)
        steps = range(x.shape[1] - k + 1)
        return np.stack([np.einsum("nkc,kcf->nf", x[:, i:i + k], self.W) for i in steps], axis=1)
    def backward(self, d):
        dx, self.dW, k = np.zeros_like(self.x), np.zeros_like(self.W), len(self.W)
        for i in range(d.shape[1]):
            self.dW += np.einsum("nkc,nf->kcf", self.x[:, i:i + k], d[:, i])
            dx[:, i:i + k] += np.einsum("nf,kcf->nkc", d[:, i], self.W)
        return dx
""", "dx[:, i:i + k] +=", "dx[:, i:i + k] =", "Conv1D x"),
    "a factor that is called like nothing known": ("""
class Netz:
    def __init__(self, input_size, output_size, l2_norm_lambda):
        self.W, self.l2_norm_lambda = np.random.randn(input_size, output_size), l2_norm_lambda
    def loss(self, x, t):
        self.d = x @ self.W - t
        return 0.5 * np.sum(self.d ** 2) + 0.5 * self.l2_norm_lambda * np.sum(self.W ** 2)
    def gradient(self, x, t):
        self.loss(x, t)
        return {"W": x.T @ self.d + self.l2_norm_lambda * self.W}
""", "+ self.l2_norm_lambda * self.W}", "+ 2 * self.l2_norm_lambda * self.W}", "Netz W"),
    "a divergence of two distributions": ("""
class KL:
    def forward(self, p, q):
        self.p, self.q = p, q
        return np.sum(p * np.log(p / q))
    def backward(self):
        return np.log(self.p / self.q) + 1, -self.p / self.q
""", "-self.p / self.q\n$", "self.p / self.q\n", "KL q"),
    "gradients that an optimizer is handed, which is not there yet": ("""
class Schicht:
    def __init__(self, units):
        self.units, self.optimizer, self.params = units, None, {"W": None}
    def build(self, input_shape):
        if self.optimizer:
            self.optimizer.init_params(self)
        n, d = input_shape
        self.params["W"] = np.random.randn(d, self.units)
    def forward(self, inputs, training=True):
        self.inputs = inputs
        return inputs @ self.params["W"]
    def backward(self, grads, learning_rate):
        dparams = {"dW": self.inputs.T @ grads}
        self.optimizer.update(self, dparams, learning_rate)
        return grads @ self.params["W"].T
""", "self.inputs.T @ grads", "self.inputs.T @ grads * 2", "Schicht params['W']"),
    "weights that two layers share": ("""
class Matmul:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
    def forward(self, x):
        self.x = x
        return x @ self.params[0]
    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        return dout @ self.params[0].T
class Mittel:
    def __init__(self, vocab_size, hidden_size):
        W = np.random.randn(vocab_size, hidden_size)
        self.eins, self.zwei = Matmul(W), Matmul(W)
        self.params, self.grads = self.eins.params + self.zwei.params, self.eins.grads + self.zwei.grads
    def forward(self, contexts, target):
        self.d = 0.5 * (self.eins.forward(contexts[:, 0]) + self.zwei.forward(contexts[:, 1])) - target
        return 0.5 * np.sum(self.d ** 2)
    def backward(self, dout=1):
        self.eins.backward(0.5 * self.d)
        self.zwei.backward(0.5 * self.d)
""", "self.zwei.backward(0.5 * self.d)", "self.zwei.backward(self.d)", "Mittel params[0]"),
    "as many layers as there are parameters": ("""
def L_model_forward(X, parameters):
    caches, A = [], X
    L = len(parameters) // 2
    for l in range(1, L + 1):
        W, b = parameters["W" + str(l)], parameters["b" + str(l)]
        caches.append((A, W))
        A = 1 / (1 + np.exp(-(W @ A + b)))
    assert A.shape == (1, X.shape[1])
    return A, caches
def L_model_backward(AL, Y, caches):
    grads, d, m = {}, AL - Y, AL.shape[1]
    for l in reversed(range(len(caches))):
        A, W = caches[l]
        grads["dW" + str(l + 1)], grads["db" + str(l + 1)] = d @ A.T / m, d.sum(axis=1, keepdims=True) / m
        d = W.T @ d * A * (1 - A)
    return grads
""", "d @ A.T / m", "d @ A.T / m + (l == 0)", "L_model_forward W1"),
    "a forward that is wrapped by one of the same name": ("""
class Layer:
    @staticmethod
    def forward(f):
        def forward(self, X, training=False):
            Z = f(self, X)
            if training:
                self.X = X
            return Z
        return forward
class Quadrat(Layer):
    @Layer.forward
    def forward(self, X):
        return X ** 2
    def backward(self, dZ):
        return 2 * self.X * dZ
""", "2 * self.X", "3 * self.X", "Quadrat X"),
    "a chance that is looked at": ("""
class Ausfall:
    def __init__(self, dropout_prob):
        if not 0 <= dropout_prob < 1:
            raise ValueError(dropout_prob)
        self.p = dropout_prob
    def forward(self, x):
        self.m = np.random.rand(*x.shape) >= self.p
        return x * self.m / (1 - self.p)
    def backward(self, d):
        return d * self.m / (1 - self.p)
""", "d * self.m / (1 - self.p)", "d * self.m", "Ausfall x"),
    "a penalty that is a function": ("""
class Dense:
    def __init__(self, input_size, output_size, regularization=None):
        self.weights, self.regularization = np.random.randn(input_size, output_size), regularization
    def forward(self, x):
        self.x = x
        return x @ self.weights
    def backward(self, d):
        self.dweights = self.x.T @ d
        if self.regularization:
            self.dweights += self.regularization(self.weights)
        return d @ self.weights.T
""", "self.x.T @ d", "self.x.T @ d * 2", "Dense weights"),
    "shapes of windows, strides and filters": ("""
class Conv:
    def __init__(self, stride_shape, convolution_shape, num_kernels):
        self.s, self.k = stride_shape[0], convolution_shape[1:]
        self.weights = np.random.rand(num_kernels, *convolution_shape)
    def forward(self, x):
        self.x, (h, w) = x, self.k
        rows, columns = range(0, x.shape[2] - h + 1, self.s), range(0, x.shape[3] - w + 1, self.s)
        return np.stack([np.stack([np.einsum("nchw,fchw->nf", x[:, :, i:i + h, j:j + w], self.weights)
                                   for j in columns], axis=-1) for i in rows], axis=-2)
    def backward(self, d):
        dx, self.gradient_weights, (h, w) = np.zeros_like(self.x), np.zeros_like(self.weights), self.k
        for i in range(d.shape[2]):
            for j in range(d.shape[3]):
                part = np.s_[:, :, i * self.s:i * self.s + h, j * self.s:j * self.s + w]
                self.gradient_weights += np.einsum("nchw,nf->fchw", self.x[part], d[:, :, i, j])
                dx[part] += np.einsum("nf,fchw->nchw", d[:, :, i, j], self.weights)
        return dx
""", "self.gradient_weights += np", "self.gradient_weights = np", "Conv weights"),
    "states in columns of one": ("""
class Zelle:
    def __init__(self, input_size, hidden_size):
        self.U, self.V = np.random.randn(hidden_size, input_size), np.random.randn(hidden_size, hidden_size)
    def forward(self, x, h_prev):
        self.x, self.h_prev = x, h_prev
        self.h = np.tanh(np.matmul(self.U, x[:, :, None]) + np.matmul(self.V, h_prev))
        assert h_prev.shape == (len(x), len(self.V), 1)
        return self.h
    def backward(self, dh):
        d = dh * (1 - self.h ** 2)
        self.dU, self.dV = np.einsum("nij,nk->ik", d, self.x), np.einsum("nij,nkj->ik", d, self.h_prev)
        return np.matmul(self.U.T, d)[:, :, 0], np.matmul(self.V.T, d)
""", "self.V.T, d)", "self.V, d)", "Zelle h_prev"),
    "a loss of one image, which comes alone in a list": ("""
class Quadrate:
    def loss(self, pred, target):
        return np.sum((pred[0] - target[0]) ** 2)
    def gradient(self, pred, target):
        return 2 * (pred - target)
""", "2 * (pred - target)", "3 * (pred - target)", "Quadrate pred"),
    "a size that is None until it is given": ("""
class Skala:
    def __init__(self, n=None):
        self.g = np.ones(n)
    def forward(self, x):
        self.x = x
        return x * self.g
    def backward(self, d):
        self.dg = np.sum(d * self.x, axis=0)
        return d * self.g
""", "np.sum(d * self.x, axis=0)", "np.sum(d, axis=0)", "Skala g"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_right_code_of_a_kind_is_ok(kind, judge):
    text, *_, expected = KINDS[kind]
    unit = judge(text)[expected.split()[0]]
    assert unit.complete, unit
    assert unit.passed, unit


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_in_it_is_wrong_and_nothing_else(kind, judge, mistaken):
    text, old, new, expected = KINDS[kind]
    name, *arrays = expected.split()
    unit = judge(mistaken(text, old, new))[name]
    found = [f.array for f in unit.findings if f.verdict == "WRONG"]
    assert found == arrays, unit


def test_an_axis_of_one_behind_is_tried_and_never_blamed(judge):
    unit = judge("""
class Punkt:
    def __init__(self, W):
        self.W = W
    def forward(self, h, idx):
        self.h, self.T = h, self.W[idx]
        return np.sum(self.T * h, axis=1)
    def backward(self, dout):
        dout = dout.reshape(dout.shape[0], 1)
        return dout * self.T
""")["Punkt"]
    assert not unit.wrong, unit


def test_weight_decay_beside_a_loss_that_is_assumed_is_noted(judge):
    text = KINDS["as many layers as there are parameters"][0]
    (unit,) = judge(text.replace("d @ A.T / m", "d @ A.T / m + 0.01 * W")).values()
    assert unit.right, unit
    assert "as weight decay" in unit.findings[0].words


def test_what_only_raises_is_no_backward(check_here):
    units = check_here("""
class Mittel:
    def forward(self, x):
        return x.mean(axis=0)
    def backward(self, eta):
        raise TypeError("only for inference")
class Doppelt:
    def forward(self, x):
        return 2 * x
    def backward(self, d):
        return 2 * d
""")
    assert [unit.name for unit in units] == ["Doppelt"]


def test_pictures_as_high_as_wide_are_said_to_be_all_that_is_right(judge):
    unit = judge("""
class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size):
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
    def windows(self, x, k):
        size = x.shape[2] - k + 1
        return [(i, j, x[:, :, i:i + k, j:j + k]) for i in range(size) for j in range(x.shape[3] - k + 1)]
    def forward(self, x):
        self.x, k = x, self.W.shape[2]
        out = np.zeros((len(x), len(self.W), x.shape[2] - k + 1, x.shape[3] - k + 1))
        for i, j, part in self.windows(x, k):
            out[:, :, i, j] = np.einsum("nchw,fchw->nf", part, self.W)
        return out
    def backward(self, d):
        k, size = self.W.shape[2], d.shape[2]
        self.dW = np.zeros_like(self.W)
        for i, j, part in self.windows(self.x, size):
            self.dW[:, :, i, j] = np.einsum("nchw,nfhw->fc", part, d)
        padded, dx = np.pad(d, ((0, 0), (0, 0), (k - 1, k - 1), (k - 1, k - 1))), np.zeros_like(self.x)
        for i, j, part in self.windows(padded, k):
            dx[:, :, i, j] = np.einsum("nfhw,fchw->nc", part, self.W[:, :, ::-1, ::-1])
        return dx
""")["Conv2D"]
    assert unit.right, unit
    assert "of pictures as high as wide; of others backward raises" in unit.findings[0].words


SUMS = """
class Affine:
    def __init__(self, n, m):
        self.W, self.b = np.random.randn(n, m), np.random.randn(m)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout, learning_rate):
        dx, axes = dout @ self.W.T, {axes}
        self.W -= learning_rate * np.tensordot(self.x, dout, (axes, axes))
        self.b -= learning_rate * dout.sum(axis=(0, 1))
        return dx
"""


def test_sums_over_images_and_steps_are_for_sequences(judge):
    unit = judge(SUMS.format(axes="(0, 1)"))["Affine"]
    assert unit.right, unit


def test_a_layer_for_any_axes_has_to_sum_over_all_of_them(judge):
    unit = judge(SUMS.format(axes="list(range(dout.ndim - 1))"))["Affine"]
    assert [f.array for f in unit.findings if f.verdict == "WRONG"] == ["b"], unit


def test_a_gradient_whose_rate_backward_changes_is_not_blamed(judge):
    unit = judge("""
class Einbettung:
    def __init__(self, vocab_size, embedding_dim):
        self.W = np.random.randn(vocab_size, embedding_dim)
    def forward(self, x):
        self.x = x
        return self.W[x]
    def backward(self, dout, learning_rate):
        learning_rate *= len(dout)
        np.subtract.at(self.W, self.x, learning_rate * dout)
""")["Einbettung"]
    assert not unit.wrong, unit
