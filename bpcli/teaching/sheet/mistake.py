"""random numbers in -> a layer of the chapter with one known mistake in its backward out."""

from dataclasses import dataclass

import numpy as np

from bpcli.teaching.sheet.sheet import BEGINNING, Part
from bpcli.teaching.sheet.source import Source

# The layer, what of its backward is another way, and what stands there in its place.
MISTAKES = (
    ("Relu", "dout * self.mask", "dout * ~self.mask"),
    ("Relu", "dout * self.mask", "self.mask * 1.0"),
    ("Sigmoid", "dout * self.y * (1 - self.y)", "dout * (1 - self.y)"),
    ("Sigmoid", "dout * self.y * (1 - self.y)", "self.y * (1 - self.y)"),
    ("Tanh", "1 - self.y ** 2", "self.y ** 2 - 1"),
    ("Tanh", "1 - self.y ** 2", "1 - self.y"),
    ("Affine", "np.sum(dout, axis=0)", "dout"),
    ("Affine", "np.sum(dout, axis=0)", "np.sum(dout)"),
    ("Affine", "np.sum(dout, axis=0)", "np.mean(dout, axis=0)"),
    ("Affine", "self.x.T @ dout", "dout.T @ self.x"),
    ("SoftmaxWithLoss", " / len(self.t)", ""),
    ("SoftmaxWithLoss", "self.y - onehot", "onehot - self.y"),
    ("SoftmaxWithLoss", "self.y - onehot", "self.y"),
)


@dataclass(frozen=True)
class Mistaken:
    """A layer of which one line is `wrong`, and the line as it is `right`."""

    layer: str
    text: str
    wrong: str
    right: str

    def parts(self, *, solved: bool) -> list[Part]:
        """Return a sheet that asks which line is wrong, or one that says it."""
        words = f"# Which line of {self.layer} is wrong?"
        if solved:
            words += f"\n\n`{self.wrong}` is: it should be `{self.right}`"
        beginning = BEGINNING.split("\n", 1)[0]
        return [Part(words), Part(beginning, is_code=True), Part(self.text, is_code=True)]


def make_mistake(rng: np.random.Generator) -> Mistaken:
    """Return one of the mistakes, each as likely."""
    return mistaken(*MISTAKES[rng.integers(len(MISTAKES))])


def mistaken(layer: str, old: str, new: str) -> Mistaken:
    """Return a layer with a part of its backward replaced."""
    before = Source(layer, "book").text(solved=True)
    head, marker, backward = before.partition("def backward")
    text = head + marker + backward.replace(old, new, 1)
    pairs = zip(text.split("\n"), before.split("\n"), strict=True)
    wrong, right = next((one, other) for one, other in pairs if one != other)
    return Mistaken(layer, text, wrong.strip(), right.strip())
