"""a model in -> the bytes of a safetensors file out, as torch.nn.Sequential takes its weights."""

import json

import numpy as np

from bpcli.backprop.layers import Affine
from bpcli.errors import ExtraError
from bpcli.export.words import describe
from bpcli.training.checkpoint import Checkpoint


def to_safetensors(saved: Checkpoint) -> bytes:
    """Return the weights by the names of a Sequential of Linear and activations, in turns.

    `0.weight` (units, pixels) is W1 transposed, `0.bias` b1; the next Linear is number 2. What the
    model is stands as JSON under `bpcli` in the header. Raises ExtraError without safetensors.
    """
    try:
        from safetensors.numpy import save
    except ImportError:
        raise ExtraError("a .safetensors", "safetensors", "export") from None
    layers = [layer for layer in saved.network().layers if not layer.training_only]
    tensors = {}
    for i, layer in enumerate(layers):
        if isinstance(layer, Affine):
            tensors[f"{i}.weight"] = np.ascontiguousarray(layer.params["W"].T)
            tensors[f"{i}.bias"] = layer.params["b"].copy()
    # One text, as safetensors writes several in any order: the same model is the same bytes.
    content: bytes = save(tensors, metadata={"bpcli": json.dumps(describe(saved))})
    return content
