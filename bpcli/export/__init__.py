"""a model in -> the bytes of a file that other programs read out."""

from bpcli.export.onnx import to_onnx
from bpcli.export.safetensors import to_safetensors
from bpcli.export.translation import TRANSLATIONS, Translation, by_element, translate
from bpcli.export.words import describe, preparation

__all__ = [
    "TRANSLATIONS",
    "Translation",
    "by_element",
    "describe",
    "preparation",
    "to_onnx",
    "to_safetensors",
    "translate",
]
