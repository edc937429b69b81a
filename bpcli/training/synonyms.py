"""a key as other trainers call it in -> what it is called here out."""

import math
from collections.abc import Mapping
from typing import Any

from bpcli.data.dataset import MNIST_IMAGES

# Names that mean something else to some people are left out: no hint is better than a wrong one.
_NAMES = {
    "dataset.source": "data data_dir data_path dataset_path dataset.name dataset.path dataset.dir "
    "dataset.root dataset.folder",
    "dataset.validation": "val validation_size validation_split val_split val_size holdout",
    "network.hidden": "layers units neurons hidden_units hidden_size hidden_sizes hidden_layers "
    "hidden_layer_sizes n_hidden num_hidden hidden_dim network.size network.width",
    "network.activation": "activation_function nonlinearity",
    "network.batch_norm": "batchnorm batch_normalization batch_normalisation use_batchnorm "
    "use_batch_norm bn",
    "network.weight_init": "init initializer weight_init_std kernel_initializer network.std",
    "network.loss": "criterion loss_function objective",
    "network.dropout": "dropout_rate dropout_ratio network.drop",
    "network.weight_decay": "l2 lambda lambda_ weight_decay_lambda regularization l2_reg wd",
    "optimizer.method": "optimizer.name optimizer.type optimizer.optimizer algorithm solver optim",
    "optimizer.learning_rate": "lr eta step_size stepsize learn_rate learning_rate_init base_lr "
    "initial_lr optimizer.rate optimizer.alpha",
    "optimizer.schedule": "scheduler lr_schedule lr_scheduler optimizer.decay",
    "optimizer.warmup": "warmup_steps warmup_iterations warm_up",
    "training.batch_size": "batch bs mini_batch minibatch mini_batch_size minibatch_size",
    "training.iterations": "iters iter steps max_iter max_iters n_iter num_iterations iters_num "
    "max_steps num_steps",
    "training.sampling": "shuffle replacement sampler",
    "training.evaluate_every": "eval_every eval_interval log_every log_interval test_every "
    "evaluation_interval",
    "seed": "random_seed random_state rng_seed",
}
MANY = 1e6  # epochs, for which nobody waits
_EPOCHS = ["epochs", "epoch", "num_epochs", "n_epochs", "max_epochs", "max_epoch"]
_KEYS = {name: key for key, names in _NAMES.items() for name in names.split()}


def find_name(name: str) -> str:
    """Return the key that others call `name`, with or without its section; "" if none do."""
    return _KEYS.get(name) or _KEYS.get(name.rpartition(".")[2]) or ""


def explain_name(name: str, value: Any, values: Mapping[str, Any]) -> str:
    """Return a hint for whoever writes `name: value`, nothing if no trainer calls a key so.

    `values` are all values of the configuration, by key.
    """
    if name.rpartition(".")[2] in _EPOCHS:
        return _explain_epochs(value, values)
    key = find_name(name)
    return f"it is called {key} here" if key else ""


def _explain_epochs(epochs: Any, values: Mapping[str, Any]) -> str:
    is_number = isinstance(epochs, int | float) and 0 <= epochs < MANY
    if not is_number or values["dataset.source"] != "mnist":
        return "write training.iterations: epochs times images divided by training.batch_size"
    held_out, size = values["dataset.validation"], values["training.batch_size"]
    images = MNIST_IMAGES - round(held_out * MNIST_IMAGES if held_out < 1 else held_out)
    iterations = math.ceil(epochs * images / size)
    return (
        f"write training.iterations: {iterations}, which is {epochs:g} times {images:,} images in "
        f"mini-batches of {size}"
    )
