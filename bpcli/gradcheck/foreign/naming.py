"""the name of an array and the path of another in -> whether it is called its gradient out."""

import re

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import plain

MARKS = vocabulary.GRADIENT


def is_marked(name: str) -> bool:
    """Tell whether a name begins as that of a gradient does."""
    return MARKS.match(plain(name.rpartition(".")[2])) is not None


def names_gradient(name: str, path: Path) -> bool:
    """Tell whether a name is that of the gradient by what is at a path.

    >>> W = ((".", "unit"), (".", "W"))
    >>> [names_gradient(name, W) for name in ("dW", "grads['W']", "W_grad", "b")]
    [True, True, True, False]
    """
    words = [plain(w) for w in re.findall(r"\w+", name)]
    own = [plain(str(key)) for _, key in path[1:]]
    if not words or not own:
        return False
    last, mine = words[-1], own[-1]
    # params['W'] and grads['W'], params[0] and grads[0], W.data and W.grad
    if len(words) > 1 and MARKS.fullmatch(words[-2]) and last == mine:
        return True
    if len(words) > 1 and len(own) > 1 and last == mine and mine.isdigit():  # nabla_b[0], biases[0]
        return names_gradient(words[-2], path[:-1])
    held = len(own) > 1 and mine in vocabulary.HELD
    if held and MARKS.fullmatch(last) and words[-2:-1] == own[-2:-1]:
        return True
    for word in same_words(mine):
        if re.fullmatch(
            rf"({MARKS.pattern})+{re.escape(word)}|{re.escape(word)}({MARKS.pattern})+", last
        ) or (last == word and len(words) == 1):
            return True
    return False


def same_words(word: str) -> set[str]:
    """Return a word and those that stand for the same: weights, weight, kernel and W."""
    short = vocabulary.SHORT.get(word, word)
    return {word, short} | {long for long, s in vocabulary.SHORT.items() if s == short}


def kinship(name: str, path: Path) -> int:
    """Return how many steps from the object a gradient has in common with its array."""
    steps, own = re.findall(r"\w+", name)[:-1], [str(key) for _, key in path[1:-1]]
    common = sum(a == b for a, b in zip(steps, own, strict=False))
    return int(common - abs(len(steps) - len(own)))
