"""numbers in -> the chapter out: computational graph, layers, network, the four steps of learning.

Nothing here knows of files, configurations, commands or pictures: numpy, and of bpcli only `arrays`
and `errors`, are imported.
"""

from bpcli.backprop.architecture import build_network, outline, shapes
from bpcli.backprop.expression import Expression
from bpcli.backprop.functions import Exp, Log, Maximum, Sum
from bpcli.backprop.graph import Graph
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.backprop.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    SquaredError,
    Tanh,
)
from bpcli.backprop.learning import learn
from bpcli.backprop.network import Network
from bpcli.backprop.node import (
    Add,
    Constant,
    Divide,
    MatMul,
    Multiply,
    Negate,
    Node,
    Power,
    Subtract,
    Variable,
)
from bpcli.backprop.optimizer import (
    SGD,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    build_optimizer,
    build_schedule,
)

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "Add",
    "Affine",
    "BatchNormalization",
    "Constant",
    "Divide",
    "Dropout",
    "Exp",
    "Expression",
    "Graph",
    "Layer",
    "Log",
    "LossLayer",
    "MatMul",
    "Maximum",
    "Momentum",
    "Multiply",
    "Negate",
    "Nesterov",
    "Network",
    "Node",
    "Optimizer",
    "Power",
    "RMSProp",
    "ReLU",
    "Sigmoid",
    "SoftmaxWithLoss",
    "SquaredError",
    "Subtract",
    "Sum",
    "Tanh",
    "Variable",
    "build_network",
    "build_optimizer",
    "build_schedule",
    "learn",
    "outline",
    "shapes",
]
