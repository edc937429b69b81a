"""the layers of the chapter in -> an exercise with their backwards left to be written, out."""

from bpcli.teaching.sheet.mistake import Mistaken, make_mistake
from bpcli.teaching.sheet.sheet import LAYERS, Part, make_sheet
from bpcli.teaching.sheet.source import STYLES

__all__ = ["LAYERS", "STYLES", "Mistaken", "Part", "make_mistake", "make_sheet"]
