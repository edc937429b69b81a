"""a model in -> the bytes of a safetensors file out, as torch.nn.Sequential takes its weights."""

import json

from bpcli.errors import ExtraError
from bpcli.export.translation import translate
from bpcli.export.words import describe
from bpcli.training.checkpoint import Checkpoint


def to_safetensors(saved: Checkpoint) -> bytes:
    """Return the weights by the names of a Sequential of Linear and activations, in turns.

    `0.weight` (units, pixels) is W1 transposed, `0.bias` b1; the next Linear is number 2. What the
    model is, and which Sequential takes it, stands as JSON under `bpcli` in the header. Raises
    ExtraError without safetensors, and what `translate` raises.
    """
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise ExtraError("a .safetensors", "safetensors", "export", error) from error
    layers = saved.network().folded().layers
    tensors = {
        f"{i}.{name}": tensor
        for i, layer in enumerate(layers)
        for name, tensor in translate(layer).tensors(**layer.params).items()
    }
    modules = [translate(layer).torch.format(**layer.params) for layer in layers]
    said = describe(saved) | {"torch": f"Sequential({', '.join(modules)})"}
    # One text, as safetensors writes several in any order: the same model is the same bytes.
    content: bytes = save(tensors, metadata={"bpcli": json.dumps(said)})
    return content
