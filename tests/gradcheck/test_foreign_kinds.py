"""Kinds of code that people write, right and wrong, in their own words: each gets its verdict."""

import pytest

SOFTMAX = """
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""

# What a file holds; a part of it and what to put there to make it wrong; unit -> what is then WRONG.
KINDS = {
    "names in Spanish": ("""
class Capa:
    def __init__(self, pesos, sesgo):
        self.pesos, self.sesgo = pesos, sesgo
    def forward(self, entrada):
        self.entrada = entrada
        return entrada @ self.pesos + self.sesgo
    def backward(self, error):
        self.grad_pesos = self.entrada.T @ error
        self.grad_sesgo = error.sum(axis=0)
        return error @ self.pesos.T
""", "self.entrada.T @ error", "self.entrada.T @ error * 2", "Capa pesos"),
    "names in Chinese, of gradients too": ("""
class Quanlianjie:
    def __init__(self, quanzhong, pianzhi):
        self.quanzhong, self.pianzhi = quanzhong, pianzhi
    def forward(self, shuru):
        self.shuru = shuru
        return np.dot(shuru, self.quanzhong) + self.pianzhi
    def backward(self, dout):
        self.tidu1 = np.dot(self.shuru.T, dout)
        self.tidu2 = np.sum(dout, axis=0)
        return np.dot(dout, self.quanzhong.T)
""", "np.dot(self.shuru.T, dout)", "np.dot(self.shuru.T, dout) / 7", "Quanlianjie quanzhong"),
    "sizes in German": ("""
class Schicht:
    def __init__(self, eingaenge, ausgaenge):
        self.Gewicht = np.random.randn(eingaenge, ausgaenge)
        self.Schwelle = np.zeros(ausgaenge)
    def forward(self, x):
        self.x = x
        return x @ self.Gewicht + self.Schwelle
    def backward(self, dout):
        self.dGewicht = self.x.T @ dout
        self.dSchwelle = dout.sum(axis=0)
        return dout @ self.Gewicht.T
""", "dout.sum(axis=0)", "dout.mean(axis=0)", "Schicht Schwelle"),
    "functions in French": ("""
def couche_forward(entree, poids, biais):
    return np.matmul(entree, poids) + biais, (entree, poids)
def couche_backward(dsortie, cache):
    entree, poids = cache
    return np.matmul(dsortie, poids.T), np.matmul(entree.T, dsortie), dsortie.sum(0)
""", "np.matmul(entree.T, dsortie)", "-np.matmul(entree.T, dsortie)", "couche_forward poids"),
    "a multiplication of two": ("""
class Mult:
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b
    def backward(self, dout):
        return dout * self.b, dout * self.a
""", "dout * self.b, dout * self.a", "dout * self.a, dout * self.b", "Mult a b"),
    "a derivative that is a number": ("""
def lineal(v):
    return 3 * v
def lineal_derivative(v):
    return 3
""", "return 3\n", "return 2\n", "lineal v"),
    "a leaky unit with an option": ("""
class LeakyReLU:
    def __init__(self, alpha=0.01):
        self.alpha = alpha
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)
    def backward(self, dout):
        return np.where(self.x > 0, dout, self.alpha * dout)
""", "self.alpha * dout", "dout", "LeakyReLU x"),
    "softmax alone": (SOFTMAX + """
class Softmax:
    def forward(self, z):
        self.y = softmax(z)
        return self.y
    def backward(self, dout):
        return self.y * (dout - (dout * self.y).sum(axis=1, keepdims=True))
""", "self.y * (dout - (dout * self.y).sum(axis=1, keepdims=True))", "dout * self.y * (1 - self.y)", "Softmax z"),
    "a loss by one-hot labels": (SOFTMAX + """
class CrossEntropy:
    def forward(self, logits, y_true):
        self.p, self.y_true = softmax(logits), y_true
        return -np.sum(y_true * np.log(self.p)) / len(logits)
    def backward(self):
        return (self.p - self.y_true) / len(self.p)
""", "/ len(self.p)", "", "CrossEntropy logits"),
    "probabilities and a loss, with labels y_train": (SOFTMAX + """
class Perte:
    def forward(self, x, y_train):
        self.p, self.t = softmax(x), y_train
        return self.p, -np.log(self.p[np.arange(len(x)), y_train]).mean()
    def backward(self):
        d = self.p.copy()
        d[np.arange(len(d)), self.t] -= 1
        return d / len(d)
""", "d / len(d)", "d", "Perte x"),
    "a network with ten classes": (SOFTMAX + """
class Net:
    def __init__(self):
        self.W = np.random.randn(20, 10)
    def loss(self, x, t):
        p = softmax(x @ self.W)
        hot = np.eye(10)[t]
        self.dW = x.T @ (p - hot) / len(x)
        return -np.sum(hot * np.log(p)) / len(x)
    def gradient(self, x, t):
        self.loss(x, t)
        return {"W": self.dW}
""", "(p - hot) / len(x)", "(p + hot) / len(x)", "Net W"),
    "layer normalisation": ("""
class LayerNorm:
    def __init__(self, dim, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(dim), np.zeros(dim), eps
    def forward(self, x):
        self.std = np.sqrt(x.var(axis=-1, keepdims=True) + self.eps)
        self.xhat = (x - x.mean(axis=-1, keepdims=True)) / self.std
        return self.gamma * self.xhat + self.beta
    def backward(self, dout):
        axes = tuple(range(dout.ndim - 1))
        self.dgamma, self.dbeta = (dout * self.xhat).sum(axis=axes), dout.sum(axis=axes)
        d = dout * self.gamma
        mean = d.mean(axis=-1, keepdims=True)
        return (d - mean - self.xhat * (d * self.xhat).mean(axis=-1, keepdims=True)) / self.std
""", "d - mean - ", "d - ", "LayerNorm x"),
    "batch normalisation without its small constant": ("""
class Norm:
    def __init__(self, n_out, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(n_out), np.zeros(n_out), eps
    def forward(self, x, train=True):
        self.var, self.c = x.var(axis=0), x - x.mean(axis=0)
        self.std = np.sqrt(self.var + self.eps)
        return self.gamma * self.c / self.std + self.beta
    def backward(self, dout):
        xhat = self.c / self.std
        self.dgamma, self.dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
        d = dout * self.gamma
        return (d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0)) / self.std
""", "xhat * (d * xhat).mean(axis=0)) / self.std", "xhat * (d * xhat).mean(axis=0)) / np.sqrt(self.var)", "Norm x"),
    "average pooling with a stride": ("""
class AvgPool:
    def __init__(self, kernel_size=2, stride=2):
        self.k, self.s = kernel_size, stride
    def forward(self, x):
        self.x, k, s = x, self.k, self.s
        h, w = ((n - k) // s + 1 for n in x.shape[2:])
        out = np.zeros((*x.shape[:2], h, w))
        for i in range(h):
            for j in range(w):
                out[:, :, i, j] = x[:, :, i * s:i * s + k, j * s:j * s + k].mean(axis=(2, 3))
        return out
    def backward(self, dout):
        dx, k, s = np.zeros_like(self.x), self.k, self.s
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i * s:i * s + k, j * s:j * s + k] += dout[:, :, i, j, None, None] / k ** 2
        return dx
""", "+= dout", "= dout", "AvgPool x"),
    "a convolution that pads": ("""
def conv_forward(x, w, b, conv_param):
    p, s = conv_param["pad"], conv_param["stride"]
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    f, _, hh, ww = w.shape
    h, wd = (xp.shape[2] - hh) // s + 1, (xp.shape[3] - ww) // s + 1
    out = np.zeros((len(x), f, h, wd))
    for i in range(h):
        for j in range(wd):
            out[:, :, i, j] = np.tensordot(xp[:, :, i * s:i * s + hh, j * s:j * s + ww], w, ((1, 2, 3), (1, 2, 3))) + b
    return out, (x, w, conv_param, xp)
def conv_backward(dout, cache):
    x, w, conv_param, xp = cache
    p, s = conv_param["pad"], conv_param["stride"]
    hh, ww = w.shape[2:]
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dw += np.tensordot(dout[:, :, i, j], xp[:, :, i * s:i * s + hh, j * s:j * s + ww], (0, 0))
            dxp[:, :, i * s:i * s + hh, j * s:j * s + ww] += np.tensordot(dout[:, :, i, j], w, (1, 0))
    return dxp[:, :, p:p + x.shape[2], p:p + x.shape[3]], dw, dout.sum(axis=(0, 2, 3))
""", "p:p + x.shape[2], p:p + x.shape[3]]", ":x.shape[2], :x.shape[3]]", "conv_forward x"),
    "a recurrent layer of four steps": ("""
def rnn_forward(x, h0, Wx, Wh, b):
    h, hs = h0, []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return np.stack(hs, axis=1), (x, h0, Wx, Wh, hs)
def rnn_backward(dh, cache):
    x, h0, Wx, Wh, hs = cache
    dx, dWx, dWh, db, dnext = np.zeros_like(x), 0, 0, 0, 0
    for t in reversed(range(x.shape[1])):
        da = (dh[:, t] + dnext) * (1 - hs[t] ** 2)
        before = hs[t - 1] if t else h0
        dx[:, t], dnext = da @ Wx.T, da @ Wh.T
        dWx, dWh, db = dWx + x[:, t].T @ da, dWh + before.T @ da, db + da.sum(axis=0)
    return dx, dnext, dWx, dWh, db
""", "(dh[:, t] + dnext)", "dh[:, t]", "rnn_forward x h0 Wx Wh b"),
    "an LSTM cell with a dictionary": ("""
def sigmoid(v):
    return 1 / (1 + np.exp(-v))
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    z = np.concatenate([a_prev, xt], axis=0)
    f = sigmoid(parameters["Wf"] @ z + parameters["bf"])
    g = np.tanh(parameters["Wg"] @ z + parameters["bg"])
    c = f * c_prev + (1 - f) * g
    return np.tanh(c), c, (xt, a_prev, c_prev, c, f, g, z, parameters)
def lstm_cell_backward(da_next, dc_next, cache):
    xt, a_prev, c_prev, c, f, g, z, parameters = cache
    dc = dc_next + da_next * (1 - np.tanh(c) ** 2)
    df, dg = dc * (c_prev - g) * f * (1 - f), dc * (1 - f) * (1 - g ** 2)
    dz = parameters["Wf"].T @ df + parameters["Wg"].T @ dg
    n = len(a_prev)
    return {"dxt": dz[n:], "da_prev": dz[:n], "dc_prev": dc * f, "dWf": df @ z.T, "dWg": dg @ z.T,
            "dbf": df.sum(axis=1, keepdims=True), "dbg": dg.sum(axis=1, keepdims=True)}
""", '"dc_prev": dc * f', '"dc_prev": dc', "lstm_cell_forward c_prev"),
    "two layers with a dictionary": ("""
def forward_propagation(X, Y, parametros):
    A1 = np.tanh(parametros["W1"] @ X + parametros["b1"])
    A2 = 1 / (1 + np.exp(-(parametros["W2"] @ A1 + parametros["b2"])))
    costo = -np.mean(np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2), axis=0))
    return costo, (A1, A2, parametros["W2"])
def backward_propagation(X, Y, cache):
    A1, A2, W2 = cache
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    return {"dW2": dZ2 @ A1.T, "db2": dZ2.sum(axis=1, keepdims=True),
            "dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True)}
""", "(1 - A1 ** 2)", "(1 - A1)", "forward_propagation W1 b1"),
    "logistic regression of columns": ("""
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return cost, {"dw": X @ (A - Y).T / m, "db": np.sum(A - Y) / m}
""".replace("propagate", "compute_cost"), "X @ (A - Y).T / m", "X @ (A - Y).T", "compute_cost w"),
    "attention with heads": ("""
class MultiHeadAttention:
    def __init__(self, embed_dim, num_heads):
        self.h = num_heads
        self.Wq, self.Wk, self.Wv = (np.random.randn(embed_dim, embed_dim) for _ in range(3))
    def split(self, a):
        return a.reshape(*a.shape[:2], self.h, -1).swapaxes(1, 2)
    def merge(self, a):
        return a.swapaxes(1, 2).reshape(a.shape[0], a.shape[2], -1)
    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = (self.split(x @ W) for W in (self.Wq, self.Wk, self.Wv))
        s = self.q @ self.k.swapaxes(2, 3) / 2
        e = np.exp(s - s.max(-1, keepdims=True))
        self.a = e / e.sum(-1, keepdims=True)
        return self.merge(self.a @ self.v)
    def backward(self, dout):
        d = self.split(dout)
        da, dv = d @ self.v.swapaxes(2, 3), self.a.swapaxes(2, 3) @ d
        ds = self.a * (da - (da * self.a).sum(-1, keepdims=True)) / 2
        dq, dk, dv = (self.merge(p) for p in (ds @ self.k, ds.swapaxes(2, 3) @ self.q, dv))
        self.dWq, self.dWk, self.dWv = (np.einsum("nti,ntj->ij", self.x, p) for p in (dq, dk, dv))
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T
""", "ds.swapaxes(2, 3) @ self.q", "ds @ self.q", "MultiHeadAttention x Wk"),
    "static operations with a context": ("""
class Exp:
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(np.exp(x))
        return np.exp(x)
    @staticmethod
    def backward(ctx, grad_output):
        y, = ctx.saved_tensors
        return grad_output * y
""", "grad_output * y", "grad_output * (y + 1)", "Exp x"),
    "gradients written into a dictionary": ("""
class Linear:
    def __init__(self, in_features, out_features):
        self.weight, self.bias = np.random.randn(in_features, out_features), np.zeros(out_features)
    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias
    def backward(self, grad_output, store):
        store["weight"], store["bias"] = self.x.T @ grad_output, grad_output.sum(axis=0)
        return grad_output @ self.weight.T
""", "grad_output.sum(axis=0)", "grad_output.sum(axis=0) * 3", "Linear bias"),
    "one row at a time, updated in backward": ("""
class FCLayer:
    def __init__(self, input_size, output_size):
        self.weights = np.random.rand(input_size, output_size) - 0.5
        self.bias = np.random.rand(1, output_size) - 0.5
    def forward_propagation(self, input_data):
        self.input = input_data
        self.output = np.dot(self.input, self.weights) + self.bias
        return self.output
    def backward_propagation(self, output_error, learning_rate):
        input_error = np.dot(output_error, self.weights.T)
        self.weights -= learning_rate * np.dot(self.input.T, output_error)
        self.bias -= learning_rate * output_error
        return input_error
""", "np.dot(self.input.T, output_error)", "2 * np.dot(self.input.T, output_error)", "FCLayer weights"),
    "a learning rate in the text": ("""
class Paso:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        dx = dout @ self.W.T
        self.W -= 0.05 * self.x.T @ dout
        self.b -= 0.05 * dout.sum(axis=0)
        return dx
""", "0.05 * dout", "0.05 * 4 * dout", "Paso b"),
    "float32 inside": ("""
class Narrow:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out).astype("float32")
    def forward(self, x):
        self.x = x.astype(np.float32)
        return np.tanh(self.x @ self.W)
    def backward(self, dout):
        d = dout * (1 - np.tanh(self.x @ self.W) ** 2)
        self.dW = self.x.T @ d
        return d @ self.W.T
""", "self.x.T @ d", "self.x.T @ d * 1.02", "Narrow W"),
    "random numbers from a generator of the module": ("""
rng = np.random.default_rng()
class Dropout:
    def __init__(self, p=0.5):
        self.p = p
    def forward(self, x):
        self.mask = rng.random(x.shape) > self.p
        return x * self.mask / (1 - self.p)
    def backward(self, dout):
        return dout * self.mask / (1 - self.p)
""", "self.mask / (1 - self.p)\n$", "self.mask\n", "Dropout x"),
    "a generator that is made anew": ("""
class Masked:
    def forward(self, x):
        self.mask = np.random.default_rng().random(x.shape) > 0.3
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
""", "return dout * self.mask", "return dout", "Masked x"),
    "a call of a framework": ("""
class Module:
    def __call__(self, *inputs):
        self.inputs = inputs
        self.outputs = self.forward(*inputs)
        return self.outputs
class Tanh(Module):
    def forward(self, x):
        return np.tanh(x)
    def backward(self, gy):
        return gy * (1 - self.outputs ** 2)
""", "(1 - self.outputs ** 2)", "(1 - self.outputs)", "Tanh x"),
    "a method called evaluate": ("""
class Softplus:
    def evaluate(self, z):
        return np.log(1 + np.exp(z))
    def derivative(self, z):
        return 1 / (1 + np.exp(-z))
""", "np.exp(-z)", "np.exp(z)", "Softplus z"),
    "a squared error of columns": ("""
def mse_loss(salida, target):
    return np.sum((salida - target) ** 2) / salida.size
def mse_loss_grad(salida, target):
    return 2 * (salida - target) / salida.size
""", "/ salida.size\n$", "/ len(salida)\n", "mse_loss salida"),
    "weight decay in the layer": ("""
class Regularised:
    def __init__(self, n_in, n_out, weight_decay=0.0):
        self.W, self.weight_decay = np.random.randn(n_in, n_out), weight_decay
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout + self.weight_decay * self.W
        return dout @ self.W.T
""", "self.weight_decay * self.W", "self.weight_decay * self.weights", "Regularised W"),
    "an early return": ("""
class Early:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T
""", "self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)", "return dout @ self.W.T\n        self.dW, self.db = 0, 0", "Early W b"),
    "one-dimensional convolution": ("""
class Conv1D:
    def __init__(self, W, b, stride=1):
        self.W, self.b, self.s = W, b, stride
    def forward(self, x):
        self.x, k = x, self.W.shape[2]
        n = (x.shape[2] - k) // self.s + 1
        at = [x[:, :, i * self.s:i * self.s + k] for i in range(n)]
        return np.stack([np.tensordot(a, self.W, ((1, 2), (1, 2))) + self.b for a in at], axis=2)
    def backward(self, dout):
        dx, self.dW, k = np.zeros_like(self.x), np.zeros_like(self.W), self.W.shape[2]
        self.db = dout.sum(axis=(0, 2))
        for i in range(dout.shape[2]):
            window = np.s_[:, :, i * self.s:i * self.s + k]
            self.dW += np.tensordot(dout[:, :, i], self.x[window], (0, 0))
            dx[window] += np.tensordot(dout[:, :, i], self.W, (1, 0))
        return dx
""", "window = np.s_[:, :, i * self.s:i * self.s + k]", "window = np.s_[:, :, i:i + k]", "Conv1D x W"),
    "a network whose loss is half the squares": ("""
class MLP:
    def __init__(self, entradas, ocultas, salidas):
        self.W1, self.W2 = np.random.randn(entradas, ocultas), np.random.randn(ocultas, salidas)
    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1)
        self.y = self.h @ self.W2
        return self.y
    def backward(self, x, y):
        d = self.y - y
        self.dW2 = self.h.T @ d
        self.dW1 = x.T @ (d @ self.W2.T * (1 - self.h ** 2))
""", "(1 - self.h ** 2)", "(1 + self.h ** 2)", "MLP W1"),
    "a gradient in another variable of the loop": ("""
class Embedding:
    def __init__(self, vocab_size, embed_dim):
        self.W = np.random.randn(vocab_size, embed_dim)
    def forward(self, idx):
        self.idx = idx
        return self.W[idx]
    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout)
""", "np.add.at(self.dW, self.idx, dout)", "self.dW[self.idx] += dout", "Embedding W"),
    "an activation and its derivative as arguments": ("""
class Activation:
    def __init__(self, funcion, funcion_prime):
        self.funcion, self.funcion_prime = funcion, funcion_prime
    def forward(self, input):
        self.input = input
        return self.funcion(input)
    def backward(self, output_gradient, learning_rate):
        return output_gradient * self.funcion_prime(self.input)
""", "self.funcion_prime(self.input)", "self.funcion(self.input)", "Activation input"),
    "a list of two inputs": ("""
class Verketten:
    def forward(self, teile):
        a, b = teile
        self.a, self.b = a, b
        return a * b ** 2
    def backward(self, dout):
        return [dout * self.b ** 2, dout * self.a * 2 * self.b]
""", "self.a * 2", "self.a", "Verketten 1"),
    "what is kept in a dictionary that forward is given": ("""
class Schicht:
    def __init__(self, n_in, n_out):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
    def forward(self, x, merken):
        merken["x"] = x
        return x @ self.params["W"] + self.params["b"]
    def backward(self, dout, merken, grads):
        grads["W"] = merken["x"].T @ dout
        grads["b"] = dout.sum(0)
        return dout @ self.params["W"].T
""", "dout.sum(0)", "dout.sum()", "Schicht params['b']"),
    "backward(self, y) of an activation": ("""
class Tanh:
    def forward(self, x):
        return np.tanh(x)
    def backward(self, y):
        return 1 - y ** 2
""", "y ** 2", "y", "Tanh x"),
    "an operation of ctx whose gradient has no usual name": ("""
class Produkt:
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b
    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b, g * a
""", "g * b, g * a", "g * a, g * b", "Produkt a b"),
    "labels that are known by their place": ("""
class NLL:
    def __call__(self, logp, etiketten):
        self.p, self.y = logp, etiketten
        return -logp[np.arange(len(etiketten)), etiketten].mean()
    def backward(self):
        g = np.zeros_like(self.p)
        g[np.arange(len(self.y)), self.y] = -1 / len(self.y)
        return g
""", "-1 / len(self.y)", "-1 / self.p.size", "NLL logp"),
    "ten classes in the text of a loss": ("""
class SoftmaxCE:
    def forward(self, z, y):
        e = np.exp(z - z.max(1, keepdims=True))
        self.p, self.t = e / e.sum(1, keepdims=True), np.eye(10)[y]
        return -np.sum(self.t * np.log(self.p)) / len(y)
    def backward(self):
        return (self.p - self.t) / len(self.t)
""", "(self.p - self.t) / len(self.t)", "self.p - self.t", "SoftmaxCE z"),
    "two channels in a group": ("""
class Gruppen:
    def __init__(self, channels, groups):
        self.g, self.W = groups, np.random.randn(channels, channels // groups)
    def forward(self, x):
        n, c, h, w = x.shape
        self.x, k = x.reshape(n, self.g, c // self.g, h, w), c // self.g
        self.Wg = self.W.reshape(self.g, k, k)
        return np.einsum("ngchw,gfc->ngfhw", self.x, self.Wg).reshape(x.shape)
    def backward(self, d):
        shape, d = d.shape, d.reshape(self.x.shape)
        self.dW = np.einsum("ngfhw,ngchw->gfc", d, self.x).reshape(self.W.shape)
        return np.einsum("ngfhw,gfc->ngchw", d, self.Wg).reshape(shape)
""", "ngfhw,gfc->ngchw", "ngfhw,gcf->ngchw", "Gruppen x"),
    "a function of x and theta whose gradient is by theta": ("""
def modell(x, theta):
    return theta * x ** 2
def modell_gradient(x, theta):
    return x ** 2
""", "    return x ** 2", "    return x ** 3", "modell x"),
    "decay of the weights, and none of the bias": ("""
class Dense:
    def __init__(self, n_in, n_out, weight_decay=0.01):
        self.W, self.b, self.wd = np.random.randn(n_in, n_out), np.zeros(n_out), weight_decay
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, d):
        self.dW, self.db = self.x.T @ d + self.wd * self.W, d.sum(0)
        return d @ self.W.T
""", "d.sum(0)", "d.sum(0) + self.wd", "Dense b"),
    "a layer inside that is told its size by a layer outside": ("""
class Norm:
    def __init__(self, dimensie):
        self.g = np.ones(shape=(dimensie))
    def forward(self, x):
        self.x = x
        return x * self.g
    def backward(self, d):
        self.dg = (d * self.x).sum(0)
        return d * self.g
class Block:
    def __init__(self, dimensie):
        self.norm = Norm(dimensie=dimensie)
    def forward(self, x):
        return self.norm.forward(x) + x
    def backward(self, d):
        return self.norm.backward(d) + d
""", "self.norm.backward(d) + d", "self.norm.backward(d)", "Block x"),
    "a character at a time, of arrays of the module": ("""
V, H = 7, 5
Wxh, Whh, Why = np.random.randn(H, V), np.random.randn(H, H), np.random.randn(V, H)
bh, by = np.zeros((H, 1)), np.zeros((V, 1))
def lossFun(inputs, targets, hprev):
    xs, hs, ps, loss = {}, {-1: np.copy(hprev)}, {}, 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((V, 1)); xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        e = np.exp(Why @ hs[t] + by)
        ps[t] = e / e.sum()
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby, dhnext = np.zeros_like(bh), np.zeros_like(by), np.zeros((H, 1))
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t]); dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T; dby += dy
        dh = (1 - hs[t] ** 2) * (Why.T @ dy + dhnext)
        dbh += dh; dWxh += dh @ xs[t].T; dWhh += dh @ hs[t - 1].T
        dhnext = Whh.T @ dh
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]
""", "dWhy += dy @ hs[t].T", "dWhy = dy @ hs[t].T", "lossFun Why"),
    "a pair of functions that is settled by a helper": ("""
def seltsam_vor(q, k):
    return q.reshape(4, 6) @ k
def zurueck(d, q, k):
    return (d @ k.T).reshape(q.shape), q.reshape(4, 6).T @ d
def gradcheck_seltsam():
    return (seltsam_vor, zurueck), np.random.randn(2, 3, 4), np.random.randn(6, 2)
""", "q.reshape(4, 6).T @ d", "q.reshape(4, 6).T @ d * 2", "seltsam k"),
    "an option that is one of some words": ("""
class Wort:
    def __init__(self, n_in, n_out, art):
        if art == "klein":
            self.W = np.random.randn(n_in, n_out) * 0.01
        elif art == "gross":
            self.W = np.random.randn(n_in, n_out)
        else:
            raise ValueError(art)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T
""", "self.x.T @ d", "self.x.T @ d * 3", "Wort W"),
    "an activation that gives its derivative for a flag": ("""
class Dicht:
    def __init__(self, num_inputs, num_outputs, activation):
        self.f, self.weights = activation, np.random.randn(num_outputs, num_inputs)
    def forward(self, x):
        self.z = self.weights @ x
        return self.f(self.z)
    def backward(self, x, upstream):
        d = upstream * self.f(self.z, True)
        self.grad_weights = d @ x.T
        return self.weights.T @ d
""", "d @ x.T", "upstream @ x.T", "Dicht weights"),
    "a hidden state that is copied first": ("""
class Zelle:
    def __init__(self, input_size, hidden_size):
        self.Wx = np.random.randn(input_size, hidden_size)
        self.Wh = np.random.randn(hidden_size, hidden_size)
    def forward(self, x, hprev):
        self.x, self.hprev = x, np.copy(hprev)
        self.h = np.tanh(np.dot(x, self.Wx) + np.dot(self.hprev, self.Wh))
        return self.h
    def backward(self, dh):
        d = dh * (1 - self.h ** 2)
        self.dWx, self.dWh = self.x.T @ d, self.hprev.T @ d
        return d @ self.Wx.T, d @ self.Wh.T
""", "self.Wh.T", "self.Wh", "Zelle hprev"),
    "units that are one number": ("""
class Spaet:
    def __init__(self, units=200):
        self.units, self.W = units, None
    def forward(self, x):
        if self.W is None:
            self.W = np.random.randn(x.shape[1], self.units)
        self.x = x
        return x @ self.W
    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T
""", "self.x.T @ d", "self.x.T @ d / 7", "Spaet W"),
    "what a framework wraps arrays in": ("""
class Ding:
    def __init__(self, data):
        self.data, self.von = data, None
class Operation:
    def __call__(self, *dinge):
        self.ein = [d.data for d in dinge]
        aus = Ding(self.forward(*self.ein))
        aus.von = self
        return aus
class Mal(Operation):
    def forward(self, x, y):
        return x * y
    def backward(self, gy):
        return gy * self.ein[1], gy * self.ein[0]
""", "gy * self.ein[1], gy * self.ein[0]", "gy * self.ein[0], gy * self.ein[1]", "Mal x y"),
    "one picture, and filters side by side": ("""
class Filtri:
    def __init__(self, num_filters):
        self.k = np.random.randn(num_filters, 2, 2)
    def forward(self, immagine):
        self.x, (h, w) = immagine, immagine.shape
        out = np.zeros((h - 1, w - 1, len(self.k)))
        for i in range(h - 1):
            for j in range(w - 1):
                out[i, j] = (immagine[i:i + 2, j:j + 2] * self.k).sum(axis=(1, 2))
        return out
    def backward(self, d):
        self.dk, dx = np.zeros_like(self.k), np.zeros_like(self.x)
        for i in range(d.shape[0]):
            for j in range(d.shape[1]):
                self.dk += d[i, j][:, None, None] * self.x[i:i + 2, j:j + 2]
                dx[i:i + 2, j:j + 2] += (d[i, j][:, None, None] * self.k).sum(axis=0)
        return dx
""", "self.dk += d", "self.dk = d", "Filtri k"),
    "a gradient that only one output has": ("""
class Uscita:
    def __init__(self, ingressi, classi):
        self.w = np.random.randn(ingressi, classi)
    def forward(self, v):
        self.v = v
        self.e = np.exp(v @ self.w)
        return self.e / self.e.sum()
    def backward(self, grad, passo):
        for i, g in enumerate(grad):
            if g == 0:
                continue
            s = self.e.sum()
            d = -g * self.e[i] * self.e / s ** 2
            d[i] += g * self.e[i] / s
            dv = self.w @ d
            self.w -= passo * np.outer(self.v, d)
            return dv
""", "np.outer(self.v, d)", "np.outer(self.v, d) * 3", "Uscita w"),
    "classes that are a constant of the module": ("""
KLASSEN = 10
class Kosten:
    def __call__(self, s, nr):
        e = np.exp(s - s.max(axis=1, keepdims=True))
        self.p, self.t = e / e.sum(axis=1, keepdims=True), np.zeros((len(nr), KLASSEN))
        self.t[np.arange(len(nr)), nr] = 1
        return -(self.t * np.log(self.p)).sum() / len(nr)
    def backward(self):
        return (self.p - self.t) / len(self.t)
""", "/ len(self.t)", "/ self.t.size", "Kosten s"),
    "a network whose sizes stand in its text": ("""
class Rete:
    def __init__(self):
        self.W1, self.b1 = np.random.randn(64, 12) * 0.1, np.zeros(12)
        self.W2, self.b2 = np.random.randn(12, 10), np.zeros(10)
    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1 + self.b1)
        e = np.exp(self.h @ self.W2 + self.b2)
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y
    def loss(self, x, t):
        return -np.sum(t * np.log(self.forward(x))) / len(x)
    def backward(self, x, t):
        d = (self.y - t) / len(x)
        self.dW2, self.db2 = self.h.T @ d, d.sum(axis=0)
        d = d @ self.W2.T * (1 - self.h ** 2)
        self.dW1, self.db1 = x.T @ d, d.sum(axis=0)
""", "(1 - self.h ** 2)", "(1 - self.h)", "Rete W1 b1"),
    "a learning rate that is kept under any name": ("""
class Camada:
    def __init__(self, entradas, saidas):
        self.pesos, self.vies = np.random.randn(entradas, saidas), np.zeros((1, saidas))
        self.taxa = 0.01
    def forward(self, x):
        self.x = x
        return x @ self.pesos + self.vies
    def backward(self, d):
        dx = d @ self.pesos.T
        self.pesos -= self.taxa * self.x.T @ d
        self.vies -= self.taxa * d.sum(axis=0, keepdims=True)
        return dx
""", "self.taxa * d.sum", "self.taxa * 2 * d.sum", "Camada vies"),
    "a learning rate of any name": ("""
class Couche:
    def __init__(self, n_in, n_out):
        self.poids = np.random.randn(n_in, n_out)
    def forward(self, x):
        self.x = x
        return x @ self.poids
    def backward(self, d, pas):
        dx = d @ self.poids.T
        self.poids = self.poids - pas * self.x.T @ d
        return dx
""", "pas * self.x.T", "pas / 7 * self.x.T", "Couche poids"),
    "weights that are asked for their shape, in columns in time": ("""
def lauf_forward(x, a0, parameters):
    n_y, n_a = parameters["Wy"].shape
    a, out, cache = a0, np.zeros((n_y, *x.shape[1:])), []
    for t in range(x.shape[2]):
        before, a = a, np.tanh(parameters["Waa"] @ a + parameters["Wax"] @ x[:, :, t])
        out[:, :, t] = parameters["Wy"] @ a
        cache.append((before, a))
    return out, (x, parameters, cache)
def lauf_backward(dout, cache):
    x, parameters, steps = cache
    dx, later = np.zeros_like(x), 0
    grads = {f"d{k}": np.zeros_like(parameters[k]) for k in ("Wax", "Waa", "Wy")}
    for t in reversed(range(x.shape[2])):
        before, a = steps[t]
        grads["dWy"] += dout[:, :, t] @ a.T
        d = (parameters["Wy"].T @ dout[:, :, t] + later) * (1 - a ** 2)
        later, dx[:, :, t] = parameters["Waa"].T @ d, parameters["Wax"].T @ d
        grads["dWax"] += d @ x[:, :, t].T
        grads["dWaa"] += d @ before.T
    return {**grads, "dx": dx, "da0": later}
""", 'grads["dWaa"] += d @ before.T', 'grads["dWaa"] += d @ a.T', "lauf_forward Waa"),
    "what is multiplied is given to the constructor": ("""
class Producto:
    def __init__(self, a, b):
        self.a, self.b = a, b
    def forward(self):
        return self.a * self.b
    def backward(self, dout):
        self.da, self.db = dout * self.b, dout * self.a
""", "dout * self.a", "dout * self.b", "Producto b"),
    "a list that is joined": ("""
class Zusammen:
    def forward(self, teile):
        self.n = teile[0].shape[1]
        return np.concatenate(teile, axis=1)
    def backward(self, d):
        return d[:, :self.n], d[:, self.n:]
""", "d[:, :self.n], d[:, self.n:]", "d[:, self.n:], d[:, :self.n]", "Zusammen 0 1"),
    "a stride and a margin of any name": ("""
class Faltung:
    def __init__(self, filter, kanaele, fenster, schritt=1, rand=0):
        self.K, self.f = np.random.randn(filter, kanaele, fenster, fenster), fenster
        self.s, self.p = schritt, rand
    def at(self, i, j):
        return np.s_[:, :, i * self.s:i * self.s + self.f, j * self.s:j * self.s + self.f]
    def forward(self, bild):
        self.x = np.pad(bild, ((0, 0), (0, 0), (self.p, self.p), (self.p, self.p)))
        h, w = ((n - self.f) // self.s + 1 for n in self.x.shape[2:])
        out = np.empty((len(bild), len(self.K), h, w))
        for i in range(h):
            for j in range(w):
                out[:, :, i, j] = np.einsum("nchw,fchw->nf", self.x[self.at(i, j)], self.K)
        return out
    def backward(self, d):
        self.dK, dx = np.zeros_like(self.K), np.zeros_like(self.x)
        for i in range(d.shape[2]):
            for j in range(d.shape[3]):
                self.dK += np.einsum("nf,nchw->fchw", d[:, :, i, j], self.x[self.at(i, j)])
                dx[self.at(i, j)] += np.einsum("nf,fchw->nchw", d[:, :, i, j], self.K)
        return dx[:, :, self.p:dx.shape[2] - self.p, self.p:dx.shape[3] - self.p]
""", "dx[self.at(i, j)] += ", "dx[:, :, i:i + self.f, j:j + self.f] += ", "Faltung bild"),
    "pooling in one of two modes": ("""
def pool_forward(x, mode="max"):
    n, h, w, c = x.shape
    out = np.zeros((n, h - 1, w - 1, c))
    for i in range(h - 1):
        for j in range(w - 1):
            part = x[:, i:i + 2, j:j + 2]
            out[:, i, j] = part.max(axis=(1, 2)) if mode == "max" else part.mean(axis=(1, 2))
    return out, x
def pool_backward(d, x, mode="max"):
    dx = np.zeros_like(x)
    for i in range(d.shape[1]):
        for j in range(d.shape[2]):
            part, g = x[:, i:i + 2, j:j + 2], d[:, i:i + 1, j:j + 1]
            mask = part == part.max(axis=(1, 2), keepdims=True)
            dx[:, i:i + 2, j:j + 2] += g * mask if mode == "max" else g / 4
    return dx
""", "g / 4", "g / 2", "pool_forward x"),
    "activations in a dictionary of lambdas": ("""
PAARE = {"relu": (lambda z: np.maximum(0, z), lambda z: (z > 0).astype(float))}
class Dicht:
    def __init__(self, n_in, n_out, art="relu"):
        self.W = np.random.randn(n_in, n_out)
        self.f, self.df = PAARE[art]
    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return self.f(self.z)
    def backward(self, g, lr=0.01):
        d = g * self.df(self.z)
        dx = d @ self.W.T
        self.W -= lr * self.x.T @ d
        return dx
""", "self.x.T @ d", "self.x.T @ g", "Dicht W"),
    "features of pictures are channels": ("""
class Skala:
    def __init__(self, num_features):
        self.gamma = np.ones((1, num_features, 1, 1))
    def forward(self, x):
        self.x = x
        return x * self.gamma
    def backward(self, d):
        self.dgamma = (d * self.x).sum(axis=(0, 2, 3), keepdims=True)
        return d * self.gamma
""", "(d * self.x).sum(axis=(0, 2, 3), keepdims=True)", "(d * self.x).mean(axis=(0, 2, 3), keepdims=True)", "Skala gamma"),
    "an option whose default hides a mistake": ("""
class Huber:
    def __init__(self, grenze=1.0):
        self.grenze = grenze
    def loss(self, y_true, y_pred):
        e = abs(y_true - y_pred)
        return np.where(e < self.grenze, e ** 2 / 2, self.grenze * (e - self.grenze / 2)).mean()
    def gradient(self, y_true, y_pred):
        e = y_pred - y_true
        return np.where(abs(e) < self.grenze, e, self.grenze * np.sign(e)) / e.size
""", "self.grenze * np.sign(e)", "np.sign(e)", "Huber y_pred"),
    "a loss of two sorts of labels": (SOFTMAX + """
class Perdida:
    def forward(self, x, t):
        self.y, self.t = softmax(x), t
        hot = np.eye(x.shape[1])[t] if t.ndim == 1 else t
        return -np.sum(hot * np.log(self.y)) / len(x)
    def backward(self, dout=1):
        if self.t.ndim == 2:
            return (self.y - self.t) / len(self.t)
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx / len(dx)
""", "(self.y - self.t) / len(self.t)", "self.y - self.t", "Perdida x"),
    "a slope that is off by default": ("""
class Knick:
    def __init__(self, neigung=0.0):
        self.neigung = neigung
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.neigung * x)
    def backward(self, d):
        return d * np.where(self.x > 0, 1, self.neigung)
""", "np.where(self.x > 0, 1, self.neigung)", "(self.x > 0)", "Knick x"),
    "attention by its three inputs": ("""
def attention_forward(q, k, v):
    e = np.exp(q @ k.swapaxes(-1, -2) / 3)
    a = e / e.sum(axis=-1, keepdims=True)
    return a @ v, (q, k, v, a)
def attention_backward(dout, cache):
    q, k, v, a = cache
    da = dout @ v.swapaxes(-1, -2)
    ds = a * (da - (da * a).sum(axis=-1, keepdims=True)) / 3
    return ds @ k, ds.swapaxes(-1, -2) @ q, a.swapaxes(-1, -2) @ dout
""", "ds.swapaxes(-1, -2) @ q", "ds @ q", "attention_forward k"),
    "heads and the size of each": ("""
class Kopf:
    def __init__(self, n_heads, head_dim):
        self.n, self.W = n_heads, np.random.randn(n_heads * head_dim, n_heads * head_dim)
    def forward(self, x):
        self.x = x.reshape(*x.shape[:2], self.n, -1)
        return np.tanh(self.x).reshape(x.shape) @ self.W
    def backward(self, d):
        y = np.tanh(self.x).reshape(d.shape)
        self.dW = np.einsum("nti,ntj->ij", y, d)
        return d @ self.W.T * (1 - y ** 2)
""", "(1 - y ** 2)", "(1 - y)", "Kopf x"),
    "a distance of two vectors, one of which is called as a bias is": ("""
class Abstand:
    def forward(self, a, b):
        self.a, self.b = a, b
        self.l = np.linalg.norm(b, axis=1, keepdims=True)
        return (a * b).sum(axis=1, keepdims=True) / self.l
    def backward(self, d):
        dot = (self.a * self.b).sum(axis=1, keepdims=True)
        return d * self.b / self.l, d * (self.a / self.l - dot * self.b / self.l ** 3)
""", "self.l ** 3", "self.l ** 2", "Abstand b"),
    "a regression of one output": ("""
def kosten(w, b, X, y):
    e = X @ w + b - y
    return np.mean(e ** 2), 2 * X.T @ e / len(y), 2 * e.mean()
""".replace("kosten", "cost"), "2 * X.T @ e / len(y)", "2 * X.T @ e", "cost w"),
    "a logistic cost of a vector": ("""
def cost_function(theta, X, y, lam):
    m, h = len(y), 1 / (1 + np.exp(-X @ theta))
    J = -(y @ np.log(h) + (1 - y) @ np.log(1 - h)) / m + lam / (2 * m) * np.sum(theta[1:] ** 2)
    grad = X.T @ (h - y) / m
    grad[1:] += lam / m * theta[1:]
    return J, grad
""", "grad[1:] += lam / m * theta[1:]", "grad += lam / m * theta", "cost_function theta"),
    "sizes of layers by how they are gone through": ("""
class Red:
    def __init__(self, capas):
        self.W = [np.random.randn(a, b) for a, b in zip(capas, capas[1:])]
    def forward(self, x):
        self.a = [x]
        for W in self.W:
            self.a.append(np.tanh(self.a[-1] @ W))
        return self.a[-1]
    def backward(self, d):
        self.dW = [None] * len(self.W)
        for i in reversed(range(len(self.W))):
            d = d * (1 - self.a[i + 1] ** 2)
            self.dW[i], d = self.a[i].T @ d, d @ self.W[i].T
        return d
""", "(1 - self.a[i + 1] ** 2)", "(1 - self.a[i + 1])", "Red x W[0] W[1]"),
    "a number that a constructor is given": ("""
class Faktor:
    def __init__(self, faktor):
        self.faktor = faktor
    def forward(self, x):
        return self.faktor * x ** 2
    def backward(self, x):
        return self.faktor * 2 * x
""", "self.faktor * 2 * x", "self.faktor * x", "Faktor x"),
    "a number that backward itself changes": ("""
class Norm:
    def __init__(self):
        self.gamma, self.beta = 1, 0.0
    def forward(self, x):
        self.s = np.sqrt(x.var(axis=0) + 1e-5)
        self.n = (x - x.mean(axis=0)) / self.s
        return self.gamma * self.n + self.beta
    def backward(self, d, lr=0.1):
        g = d * self.gamma
        dx = (g - g.mean(axis=0) - self.n * (g * self.n).mean(axis=0)) / self.s
        self.gamma = self.gamma - lr * (d * self.n).sum(axis=0)
        self.beta = self.beta - lr * d.sum(axis=0)
        return dx
""", "g - g.mean(axis=0) - ", "g - ", "Norm x"),
    "an object that keeps a module": ("""
class Lagig:
    def __init__(self, n_in, n_out, xp=np):
        self.xp, self.W = xp, xp.random.randn(n_in, n_out)
    def forward(self, x):
        self.x = x
        return self.xp.dot(x, self.W)
    def backward(self, d):
        self.dW = self.xp.dot(self.x.T, d)
        return self.xp.dot(d, self.W.T)
""", "self.xp.dot(self.x.T, d)", "self.xp.dot(self.x.T, d) * 2", "Lagig W"),
    "a difference of a and b": ("""
class Minus:
    def forward(self, a, b):
        return a - b
    def backward(self, g):
        return g, -g
""", "g, -g", "g, g", "Minus b"),
}  # fmt: skip
NOT_CHECKED = {
    "a network that has a loss and no layers yet": ("""
class Netz:
    def __init__(self, verlust):
        self.schichten, self.verlust = [], verlust
    def predict(self, x):
        for schicht in self.schichten:
            x = schicht.forward(x)
        return x
    def compute_loss(self, x, t):
        if self.verlust == "quadrate":
            return np.sum((self.predict(x) - t) ** 2) / len(x)
        raise ValueError(self.verlust)
    def loss_derivative(self, y, t):
        return 2 * (y - t) / y.size
""", "it has no layers yet"),
    "a container that gives its input back": ("""
class Kette:
    def __init__(self, schichten=None):
        self.schichten = schichten or []
    def forward(self, x):
        for s in self.schichten:
            x = s.forward(x)
        return x
    def backward(self, dout):
        for s in reversed(self.schichten):
            dout = s.backward(dout)
        return dout
""", "it has no layers yet"),
    "a loss that is kept, and not returned": ("""
class Quadratverlust:
    def __init__(self):
        self.loss = 0
    def forward(self, x, t):
        self.d = x - t
        self.loss = self.loss + 0.5 * np.sum(self.d ** 2)
        return x
    def backward(self):
        return self.d
""", "def gradcheck_Quadratverlust(): return Quadratverlust(), x, t"),
    "a container": ("""
class Sequential:
    def __init__(self):
        self.layers = []
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, dout):
        for layer in self.layers[::-1]:
            dout = layer.backward(dout)
        return self.layers[0].dx
""", "it has no layers yet"),
    "a network of a loss that is nowhere": ("""
class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, x):
        self.x, self.y = x, x @ self.W
        return self.y
    def backward(self, x, y):
        self.dW = x.T @ np.sign(self.y - y) ** 3 / 11
""", "which loss it derives is nowhere"),
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


@pytest.mark.parametrize("kind", NOT_CHECKED)
def test_what_cannot_be_known_is_said(kind, judge):
    text, words = NOT_CHECKED[kind]
    (unit,) = judge(text).values()
    assert not unit.findings, unit
    assert words in unit.problem


def test_the_labels_and_the_output_that_backward_takes_are_told_apart(judge):
    unit = judge("""
class Regresion:
    def __init__(self, input_dim):
        self.w = np.zeros((input_dim, 1))
    def forward(self, X):
        return 1 / (1 + np.exp(-(X @ self.w)))
    def backward(self, X, A, Y):
        self.dw = X.T @ (A - Y) / len(X)
""")["Regresion"]
    assert unit.complete, unit
    assert unit.passed, unit


def test_an_activation_for_one_image_is_not_blamed_for_several(judge):
    unit = judge("""
class Softmax:
    def forward(self, z):
        self.s = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
        return self.s
    def backward(self, d):
        J = -self.s.T @ self.s
        np.fill_diagonal(J, self.s * (1 - self.s))
        return (J * d).sum(axis=1)[None]
""")["Softmax"]
    assert unit.passed, unit
    assert unit.convention.endswith("one image")


PROPAGATION = """
def propagation_forward(X, parametros):
    W1, b1, W2, b2 = (parametros[k] for k in ("W1", "b1", "W2", "b2"))
    a1 = np.maximum(0, W1 @ X + b1)
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    return a2, (a1, W1, a2, W2)
def propagation_backward(X, Y, cache):
    a1, W1, a2, W2 = cache
    dz2 = {error}
    dz1 = W2.T @ dz2 * (a1 > 0)
    return {{"dW2": dz2 @ a1.T, "db2": dz2.sum(axis=1, keepdims=True),
             "dW1": dz1 @ X.T, "db1": dz1.sum(axis=1, keepdims=True)}}
"""


def test_two_functions_may_take_a_loss_for_granted_and_are_not_blamed_for_another(judge):
    (unit,) = judge(PROPAGATION.format(error="(a2 - Y) / X.shape[1]")).values()
    assert unit.complete, unit
    assert unit.passed, unit
    (unit,) = judge(PROPAGATION.format(error="np.sign(a2 - Y) ** 3 / 11")).values()
    assert not unit.findings, unit
    assert "def gradcheck_propagation_forward(): return (" in unit.problem
