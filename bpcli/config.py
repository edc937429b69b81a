"""YAML in -> one frozen Config out, or every mistake in it as `FILE:LINE: key: what is wrong`."""

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from bpcli.document import Document, Entry, MalformedError, read_value, show, to_scalar
from bpcli.errors import ConfigError

LARGEST_FILE = 100_000  # bytes; a configuration is a page, and the YAML parser is slow
MOST_PROBLEMS = 100  # that are said at once
LARGEST_INTEGER = 10**12
WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Kind:
    """What a key takes: `read` returns the value to use, or raises ValueError."""

    expected: str
    read: Callable[[Any], Any]


def integer(low: int, high: int = LARGEST_INTEGER) -> Kind:
    """Return the kind of the whole numbers from `low` to `high`, written 10000 or 1e4."""

    def read(value: Any) -> int:
        if not isinstance(value, int | float) or not low <= value <= high or value != int(value):
            raise ValueError
        return int(value)

    return Kind(f"an integer from {low} to {high:,}", read)


def number(low: float, *, below: float = math.inf, exclusive: bool = False) -> Kind:
    """Return the kind of the finite numbers from `low` (or above it) to less than `below`."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or not low <= value < below:
            raise ValueError
        if exclusive and value == low:
            raise ValueError
        return float(value)

    limit = "" if below == math.inf else f" and below {below:g}"
    return Kind(f"a number {'above' if exclusive else 'from'} {low:g}{limit}", read)


def choice(*words: str) -> Kind:
    """Return the kind of a few words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Kind("one of " + ", ".join(words), read)


def either(first: Kind, second: Kind) -> Kind:
    """Return the kind of what `first` or `second` takes."""

    def read(value: Any) -> Any:
        try:
            return first.read(value)
        except ValueError:
            return second.read(value)

    return Kind(f"{first.expected} or {second.expected}", read)


def boolean() -> Kind:
    """Return the kind of true and false."""

    def read(value: Any) -> bool:
        if isinstance(value, str) and value in WORDS:
            return WORDS[value]
        raise ValueError

    return Kind("true or false", read)


def list_of(item: Kind, example: str) -> Kind:
    """Return the kind of the lists whose every entry `item` takes."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError  # noqa: TRY004 - one exception for "not of this kind"
        return tuple(item.read(entry) for entry in value)

    return Kind(f"a list like {example}, each entry {item.expected}", read)


def text() -> Kind:
    """Return the kind of the words that are not empty."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError
        return value

    return Kind("a word or a path", read)


def key(default: Any, kind: Kind, comment: str) -> Any:
    """Return the dataclass field of a key: its default, what it takes, and a word on it."""
    return field(default=default, metadata={"kind": kind, "comment": comment})


@dataclass(frozen=True)
class DatasetConfig:
    """Arguments of `bpcli.dataset.load_dataset`."""

    source: str = key("mnist", text(), "the bundled MNIST, a folder of IDX files, or an .npz")
    validation: int = key(0, integer(0), "last training images, held out and reported on, not test")
    deskew: bool = key(False, boolean(), "whether images are made upright first, test images too")


@dataclass(frozen=True)
class DistortionConfig:
    """Arguments of `bpcli.distortion`: how far each training image is distorted, at random."""

    alpha: float = key(0.0, number(0, below=1e6), "elastic: 34 in Simard et al. 2003; 0 is none")
    sigma: float = key(4.0, number(1, below=1e6), "its smoothness, in pixels")
    rotation: float = key(0.0, number(0, below=360), "largest angle, in degrees")
    scale: float = key(
        0.0, number(0, below=1), "largest change of scale, down and across; 0.1 is 10 %"
    )
    shear: float = key(0.0, number(0, below=1e6), "largest; 0.1 leans by a tenth of the height")
    shift: float = key(0.0, number(0, below=1e6), "largest, down and across, in pixels")

    @property
    def identity(self) -> bool:
        """Whether images stay as they are."""
        return not (self.alpha or self.rotation or self.scale or self.shear or self.shift)


@dataclass(frozen=True)
class NetworkConfig:
    """Arguments of `bpcli.network.build_network`."""

    hidden: tuple[int, ...] = key(
        (50,),
        list_of(integer(1), "[50]"),
        "units of each hidden layer; one entry is the two-layer net",
    )
    activation: str = key("relu", choice("relu", "sigmoid", "tanh"), "relu, sigmoid or tanh")
    weight_init: float | str = key(
        0.01,
        either(number(0, below=1e30), choice("xavier", "he")),
        "a standard deviation, or xavier, or he",
    )
    loss: str = key(
        "softmax",
        choice("softmax", "squared"),
        "softmax with cross-entropy, or squared error of sigmoids",
    )
    input_dropout: float = key(0.0, number(0, below=1), "share of pixels left out while training")
    dropout: float = key(0.0, number(0, below=1), "share of hidden units left out while training")
    weight_decay: float = key(0.0, number(0), "lambda; the loss gains lambda / 2 * sum of W ** 2")


@dataclass(frozen=True)
class OptimizerConfig:
    """Arguments of `bpcli.optimizer`: the method, and the schedule of its learning rate."""

    method: str = key(
        "sgd",
        choice("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
        "sgd, momentum, nesterov, adagrad, rmsprop or adam",
    )
    learning_rate: float = key(0.1, number(0, exclusive=True), "its highest value")
    momentum: float = key(0.9, number(0, below=1), "for the methods momentum and nesterov")
    schedule: str = key(
        "constant",
        choice("constant", "linear", "cosine"),
        "constant; linear and cosine fall to 0 at the last iteration",
    )
    warmup: int = key(0, integer(0), "iterations in which the learning rate rises from 0")


@dataclass(frozen=True)
class TrainingConfig:
    """Arguments of the learning loop in `bpcli.training`."""

    batch_size: int = key(100, integer(1, 10**6), "images in a mini-batch")
    iterations: int = key(10_000, integer(1), "mini-batches to learn from")
    sampling: str = key(
        "shuffle",
        choice("shuffle", "replacement"),
        "shuffle (each image once an epoch), or replacement as in the book",
    )
    adversarial: float = key(
        0.0,
        number(0, below=1),
        "step of each pixel up the loss before it is learnt from; 0 is none",
    )
    evaluate_every: int = key(0, integer(0), "iterations; 0 is once an epoch")


@dataclass(frozen=True)
class Config:
    """All that a run depends on; a section of the YAML is a field here, its keys are that field's.

    The defaults are the book's two-layer net: 784-50-10, ReLU, SGD at 0.1, 10,000 mini-batches.
    """

    seed: int = key(0, integer(0), "of everything random: weights, mini-batches, dropout")
    dataset: DatasetConfig = DatasetConfig()
    distortion: DistortionConfig = DistortionConfig()
    network: NetworkConfig = NetworkConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()


SECTIONS: dict[str, Any] = {
    item.name: item.default for item in fields(Config) if is_dataclass(item.default)
}
KEYS = {item.name: item for item in fields(Config) if item.name not in SECTIONS} | {
    f"{name}.{item.name}": item for name, section in SECTIONS.items() for item in fields(section)
}


def flatten(config: Config) -> dict[str, Any]:
    """Return every value of `config` under its dotted key, such as `training.batch_size`."""
    values: dict[str, Any] = {}
    for dotted in KEYS:
        section, _, name = dotted.rpartition(".")
        values[dotted] = getattr(getattr(config, section) if section else config, name)
    return values


def load_config(
    path: str | Path | None = None,
    overrides: Sequence[str] = (),
    base: Config = Config(),
) -> Config:
    """Read the YAML file at `path`, if any, and lay `SECTION.KEY=VALUE` overrides over it.

    What neither names keeps its value from `base`. Raises ConfigError with a line for each mistake.
    """
    documents = [] if path is None else [Document(_read_bytes(Path(path)), str(path))]
    problems = [problem for document in documents for problem in document.problems]
    entries = [entry for document in documents for entry in document.entries]
    for override in overrides:
        dotted, equals, value = override.partition("=")
        try:
            if equals:
                entries.append(Entry(dotted, read_value(value), f"-s {override}"))
            else:
                problems.append(f"-s {override}: expected SECTION.KEY=VALUE")
        except MalformedError as error:
            problems.append(f"-s {override}: {dotted}: {error.reason}")
    return _build(entries, problems, base)


def parse_config(document: str, name: str) -> Config:
    """Read a configuration from YAML text (JSON is YAML too); messages call the text `name`."""
    _check_length(document, name)
    parsed = Document(document, name)
    return _build(parsed.entries, parsed.problems, Config())


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            document = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    _check_length(document, str(path))
    return document


def _check_length(document: str | bytes, name: str) -> None:
    if len(document) > LARGEST_FILE:
        raise ConfigError(f"{name}: over {LARGEST_FILE:,} bytes, too long for a configuration")


def _build(entries: Sequence[Entry], problems: Sequence[str], base: Config) -> Config:
    problems = list(problems)
    values = flatten(base)
    places: dict[str, str] = {}
    for entry in entries:
        places[entry.key] = entry.place
        try:
            if entry.key in KEYS:
                values[entry.key] = KEYS[entry.key].metadata["kind"].read(entry.value)
            elif entry.key not in SECTIONS:
                problems.append(f"{entry.place}: {entry.key}: unknown key{_suggestion(entry.key)}")
            elif entry.value is not None:
                problems.append(_mismatch(entry, f"its keys, as in {_example(entry.key)}"))
        except (ValueError, OverflowError):
            problems.append(_mismatch(entry, KEYS[entry.key].metadata["kind"].expected))
    iterations, warmup = values["training.iterations"], values["optimizer.warmup"]
    if not problems and warmup > iterations:
        place = places.get("optimizer.warmup") or places["training.iterations"]
        entry = Entry("optimizer.warmup", warmup, place)
        problems.append(_mismatch(entry, f"at most training.iterations, {iterations}"))
    if problems:
        more = len(problems) - MOST_PROBLEMS
        last = [f"{problems[-1].partition(': ')[0]}: the last of {more} more"] if more > 0 else []
        raise ConfigError("\n".join(problems[:MOST_PROBLEMS] + last))
    return _unflatten(values)


def _mismatch(entry: Entry, expected: str) -> str:
    return f"{entry.place}: {entry.key}: found {show(entry.value)}, expected {expected}"


def _example(section: str) -> str:
    return next(
        f"{dotted}: {to_scalar(KEYS[dotted].default)}"
        for dotted in KEYS
        if dotted.startswith(section)
    )


def _unflatten(values: dict[str, Any]) -> Config:
    tree: dict[str, dict[str, Any]] = {name: {} for name in ("", *SECTIONS)}
    for dotted, value in values.items():
        section, _, name = dotted.rpartition(".")
        tree[section][name] = value
    return Config(**tree[""], **{name: type(SECTIONS[name])(**tree[name]) for name in SECTIONS})


def _suggestion(dotted: str) -> str:
    """Return the nearest known key, by the whole of it or by its last part."""
    last_parts = {known.rpartition(".")[2]: known for known in KEYS}
    near = difflib.get_close_matches(dotted, KEYS, n=1, cutoff=0.8) or [
        last_parts[word]
        for word in difflib.get_close_matches(dotted.rpartition(".")[2], last_parts, n=1)
    ]
    return f"; did you mean {near[0]}?" if near else f"; the keys are {', '.join(KEYS)}"


def to_yaml(config: Config) -> str:
    """Return the complete configuration as commented YAML that loads back to an equal Config."""
    lines: list[str] = []
    previous = ""
    for dotted, value in flatten(config).items():
        section, _, name = dotted.rpartition(".")
        if section != previous:
            lines.append(f"{section}:")
        indent = "  " if section else ""
        entry = f"{indent}{name}: {to_scalar(value)}"
        lines.append(f"{entry:<25} # {KEYS[dotted].metadata['comment']}")
        previous = section
    return "\n".join(lines) + "\n"
