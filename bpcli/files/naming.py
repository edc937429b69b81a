"""the name of a file, a folder or an array in -> which part of the data, and what of it, out."""

import re
from functools import lru_cache
from typing import Literal

PartName = Literal["", "train", "test", "validation"]
Role = Literal["", "images", "labels"]

# What people call parts of data, and what is in them.
_PARTS: dict[PartName, str] = {
    "train": "train training tr trn",
    "test": "test testing t10k te tst",
    "validation": "val valid validation dev",
}
_ROLES: dict[Role, str] = {
    "images": "images image imgs img x data features pixels inputs",
    "labels": "labels label lbls lbl y targets target classes class",
}
# A folder of pictures is a part if that is all that its name says: a class may be a train set.
_FOLDER = re.compile(r"(.*?)[-_ ]?(?:set|images|imgs|data|split)?")
SHORT = 2  # letters of a word that is glued to another only behind it: xtr, but not try

PART_OF: dict[str, PartName] = {w: part for part, words in _PARTS.items() for w in words.split()}
ROLE_OF: dict[str, Role] = {w: role for role, words in _ROLES.items() for w in words.split()}


def _glue() -> dict[str, tuple[PartName, Role]]:
    """Return what people write as one word, as `xtrain` and `trainlabels`."""
    glued = {}
    for word, part in PART_OF.items():
        for kind, role in ROLE_OF.items():
            glued[kind + word] = (part, role)
            if len(word) > SHORT or len(kind) > 1:
                glued[word + kind] = (part, role)
    return glued


_GLUED = _glue()


@lru_cache(maxsize=1000)
def read_name(name: str) -> tuple[PartName, Role]:
    """Return which part a name is of, and what it has of it; "" of what it does not say.

    >>> read_name("X_train"), read_name("emnist-letters-test-labels-idx1-ubyte.gz")
    (('train', 'images'), ('test', 'labels'))
    """
    parts: set[PartName] = set()
    roles: list[Role] = []
    for word in _split(name):
        part, role = _read_word(word)
        if part:
            parts.add(part)
        if role:
            roles.append(role)
    part = parts.pop() if len(parts) == 1 else ""
    # Of image_labels, and train_data_y, the last word counts.
    return part, roles[-1] if roles else ""


def list_others(name: str) -> set[str]:
    """Return the words of a name that say nothing of a part or of what it has.

    >>> list_others("y_train_fine")
    {'fine'}
    """
    return {word for word in _split(name) if _read_word(word) == ("", "")}


def _split(name: str) -> list[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    return re.findall(r"t10k|[a-z]+", apart)


def _read_word(word: str) -> tuple[PartName, Role]:
    return _GLUED.get(word, (PART_OF.get(word, ""), ROLE_OF.get(word, "")))


def read_folder_name(name: str) -> PartName:
    """Return which part a folder is that is called so, and nothing else.

    >>> read_folder_name("training_set"), read_folder_name("train station")
    ('train', '')
    """
    found = _FOLDER.fullmatch(name.lower())
    return PART_OF.get(found[1], "") if found else ""
