"""Layers that are called, and whose parameters are objects with data and grad."""

import numpy as np


class Param:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)


class Module:
    def __call__(self, *args):
        self.input = args[0]
        return self.forward(*args)

    def forward(self, x):
        raise NotImplementedError


class Linear(Module):
    def __init__(self, in_dim, out_dim):
        self.weight = Param(np.random.randn(in_dim, out_dim) * np.sqrt(2 / in_dim))
        self.bias = Param(np.zeros(out_dim))

    def forward(self, x):
        return x @ self.weight.data + self.bias.data

    def backward(self, grad):
        self.weight.grad = self.input.T @ grad
        self.bias.grad = grad.sum(axis=0)
        return grad @ self.weight.data.T


class ReLU(Module):
    def forward(self, x):
        return np.where(x > 0, x, 0)

    def backward(self, grad):
        return grad * (self.input > 0)


class Sigmoid(Module):
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, grad):
        return grad * self.out * (1 - self.out)


def tanh_forward(x):
    y = np.tanh(x)
    return y, y


def tanh_backward(dy, y):
    return dy * (1 - y * y)


class SoftmaxCrossEntropyLoss:
    def forward(self, logits, target):
        m = logits.max(1, keepdims=True)
        self.prob = np.exp(logits - m) / np.exp(logits - m).sum(1, keepdims=True)
        self.target = target
        return -(target * np.log(self.prob)).sum() / target.shape[0]

    def backward(self):
        return (self.prob - self.target) / self.target.shape[0]


class BatchNorm1d(Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.weight = Param(np.ones(num_features))
        self.bias = Param(np.zeros(num_features))
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.eps, self.momentum = eps, momentum
        self.training = True

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.x_hat = (x - mean) / self.std
        return self.x_hat * self.weight.data + self.bias.data

    def backward(self, grad):
        self.weight.grad = (grad * self.x_hat).sum(0)
        self.bias.grad = grad.sum(0)
        g = grad * self.weight.data
        return (g - g.mean(0) - self.x_hat * (g * self.x_hat).mean(0)) / self.std
