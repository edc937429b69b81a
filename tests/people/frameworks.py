"""Layers as small frameworks write them: they make their own parameters, of inputs that they see."""

import numpy as np


class Layer:
    def __init__(self):
        self.params = {}
        self.grads = {}
        self.training = True
        self.ctx = {}


class Dense(Layer):
    def __init__(self, num_out):
        super().__init__()
        self.num_out = num_out
        self.params = {"w": None, "b": None}

    def forward(self, inputs):
        if self.params["w"] is None:
            self.params["w"] = np.random.normal(0, 0.1, (inputs.shape[1], self.num_out))
            self.params["b"] = np.zeros((1, self.num_out))
        self.ctx["x"] = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["w"] = self.ctx["x"].T @ grad
        self.grads["b"] = np.sum(grad, axis=0, keepdims=True)
        return grad @ self.params["w"].T


class Activation(Layer):
    def forward(self, inputs):
        self.ctx["x"] = inputs
        return self.func(inputs)

    def backward(self, grad):
        return self.derivative(self.ctx["x"]) * grad

    def func(self, x):
        raise NotImplementedError

    def derivative(self, x):
        raise NotImplementedError


class ReLU(Activation):
    def func(self, x):
        return np.maximum(x, 0.0)

    def derivative(self, x):
        return x > 0.0


class Sigmoid(Activation):
    def func(self, x):
        return 1.0 / (1.0 + np.exp(-x))

    def derivative(self, x):
        return self.func(x) * (1.0 - self.func(x))


class Tanh(Activation):
    def func(self, x):
        return np.tanh(x)

    def derivative(self, x):
        return 1.0 - np.tanh(x) ** 2


class Dropout(Layer):
    def __init__(self, keep_prob):
        super().__init__()
        self.keep_prob = keep_prob
        self.mask = None

    def forward(self, inputs):
        if self.training:
            self.mask = np.random.binomial(1, self.keep_prob, inputs.shape) / self.keep_prob
            return inputs * self.mask
        return inputs

    def backward(self, grad):
        return grad * self.mask


class BatchNormalization(Layer):
    def __init__(self, num_features, momentum=0.9, eps=1e-5):
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.params = {"gamma": np.ones((1, num_features)), "beta": np.zeros((1, num_features))}
        self.running_mean = np.zeros((1, num_features))
        self.running_var = np.ones((1, num_features))

    def forward(self, inputs):
        if self.training:
            mean = inputs.mean(axis=0, keepdims=True)
            var = inputs.var(axis=0, keepdims=True)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mean, var = self.running_mean, self.running_var
        std = np.sqrt(var + self.eps)
        normal = (inputs - mean) / std
        self.ctx = {"normal": normal, "std": std}
        return normal * self.params["gamma"] + self.params["beta"]

    def backward(self, grad):
        normal, std = self.ctx["normal"], self.ctx["std"]
        self.grads["gamma"] = (grad * normal).sum(axis=0, keepdims=True)
        self.grads["beta"] = grad.sum(axis=0, keepdims=True)
        dn = grad * self.params["gamma"]
        return (dn - dn.mean(axis=0) - normal * (dn * normal).mean(axis=0)) / std


class SoftmaxCrossEntropy:
    def loss(self, logits, labels):
        exps = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = exps / exps.sum(axis=1, keepdims=True)
        return -np.sum(labels * np.log(p + 1e-12)) / logits.shape[0]

    def grad(self, logits, labels):
        exps = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = exps / exps.sum(axis=1, keepdims=True)
        return (p - labels) / logits.shape[0]
