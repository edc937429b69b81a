"""YAML in -> one frozen Config out, or every mistake in it as `FILE:LINE: key: what is wrong`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from bpcli.backprop.architecture import ACTIVATIONS, GAINS, LOSSES
from bpcli.backprop.optimizer import METHODS, SCHEDULES
from bpcli.data.minibatch import SAMPLINGS
from bpcli.errors import ConfigError
from bpcli.files.document import Document, Entry, to_scalar
from bpcli.files.settings import Settings, lay_over, read_file, read_override, read_text
from bpcli.files.validators import (
    Validator,
    boolean,
    choice,
    either,
    integer,
    list_of,
    number,
    text,
)
from bpcli.training.synonyms import explain_name

KEEPS = ("last", "best")  # which state of a run becomes its model
WARMUP, ITERATIONS = "optimizer.warmup", "training.iterations"
WARMED = 5  # of a run the part that a warmup may well take
BATCH_SIZE, BATCH_NORM = "training.batch_size", "network.batch_norm"


def key(default: Any, kind: Validator, comment: str) -> Any:
    """Return the dataclass field of a key: its default, what it takes, and a word on it.

    `{words}` in the comment stands for the words that the kind takes.
    """
    words = " or ".join(", ".join(kind.words).rsplit(", ", 1))
    comment = comment.format(words=words)
    return field(default=default, metadata={"kind": kind, "comment": comment})


@dataclass(frozen=True)
class DatasetConfig:
    """Arguments of `bpcli.data.load_dataset`."""

    source: str = key(
        "mnist", text(), "the bundled MNIST, a folder of IDX files or CSV, or an .npz"
    )
    validation: float = key(
        0,
        either(integer(0), number(0, below=1, exclusive=True)),
        "training images, or a share as 0.1, held out and reported on, not test",
    )
    train: float = key(
        0,
        either(integer(0), number(0, below=1, exclusive=True)),
        "of the other training images so many, or a share, to learn from; 0 is all",
    )
    label: str = key("auto", text(), "where those of CSV are: first, last or NAME; auto finds them")
    size: int = key(0, integer(0, 1000), "images become so many pixels high and wide; 0 is as is")
    transpose: bool = key(False, boolean(), "whether rows become columns, as EMNIST's images want")
    deskew: bool = key(False, boolean(), "whether images are made upright first, test images too")


@dataclass(frozen=True)
class DistortionConfig:
    """Arguments of `bpcli.data.Distortion`: how far each training image is distorted, at random."""

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
    """Arguments of `bpcli.backprop.build_network`."""

    hidden: tuple[int, ...] = key(
        (50,),
        list_of(integer(1), "[50]", most=1000),  # drawing more takes minutes
        "units of each hidden layer; one entry is the two-layer net",
    )
    activation: str = key("relu", choice(*ACTIVATIONS), "{words}")
    weight_init: float | str = key(
        0.01,
        either(number(0, below=1e30), choice(*GAINS)),
        "a standard deviation, or {words}",
    )
    loss: str = key(
        "softmax",
        choice(*LOSSES),
        "{words}: with cross-entropy, or the error of sigmoids",
    )
    input_dropout: float = key(0.0, number(0, below=1), "share of pixels left out while training")
    dropout: float = key(0.0, number(0, below=1), "share of hidden units left out while training")
    weight_decay: float = key(0.0, number(0), "lambda; the loss gains lambda / 2 * sum of W ** 2")
    batch_norm: bool = key(
        False, boolean(), "whether units are normalised over the mini-batch before activation"
    )


@dataclass(frozen=True)
class OptimizerConfig:
    """Arguments of `bpcli.backprop.build_optimizer` and `build_schedule`."""

    method: str = key("sgd", choice(*METHODS), "{words}")
    learning_rate: float = key(0.1, number(0, exclusive=True), "its highest value")
    momentum: float = key(0.9, number(0, below=1), "for the methods momentum and nesterov")
    schedule: str = key(
        "constant",
        choice(*SCHEDULES),
        "{words}; the last two fall to 0 at the last iteration",
    )
    warmup: int = key(0, integer(0), "iterations in which the learning rate rises from 0")


@dataclass(frozen=True)
class TrainingConfig:
    """How a run of `bpcli.training.train` chooses mini-batches, how many, and when it evaluates."""

    batch_size: int = key(100, integer(1, 10**6), "images in a mini-batch")
    iterations: int = key(10_000, integer(1), "mini-batches to learn from")
    sampling: str = key(
        "shuffle",
        choice(*SAMPLINGS),
        "{words}: each image once an epoch, drawn as in the book, or classes evenly",
    )
    adversarial: float = key(
        0.0,
        number(0, below=1),
        "step of each pixel up the loss before it is learnt from; 0 is none",
    )
    evaluate_every: int = key(0, integer(0), "iterations; 0 is once an epoch")
    keep: str = key("last", choice(*KEEPS), "{words}: by accuracy on held-out images")
    patience: int = key(0, integer(0), "evaluations without a better one, then it ends; 0 is none")


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
KINDS = {dotted: item.metadata["kind"] for dotted, item in KEYS.items()}


def flatten(config: Config) -> dict[str, Any]:
    """Return every value of `config` under its dotted key, such as `training.batch_size`."""
    values: dict[str, Any] = {}
    for dotted in KEYS:
        section, _, name = dotted.rpartition(".")
        values[dotted] = getattr(getattr(config, section) if section else config, name)
    return values


def list_changes(config: Config) -> dict[str, Any]:
    """Return the values that are not the defaults, by dotted key."""
    defaults = flatten(Config())
    return {key: value for key, value in flatten(config).items() if value != defaults[key]}


def _unflatten(values: dict[str, Any]) -> Config:
    tree: dict[str, dict[str, Any]] = {name: {} for name in ("", *SECTIONS)}
    for dotted, value in values.items():
        section, _, name = dotted.rpartition(".")
        tree[section][name] = value
    return Config(**tree[""], **{name: type(SECTIONS[name])(**tree[name]) for name in SECTIONS})


def load_config(
    path: str | Path | None = None,
    overrides: Sequence[str] = (),
    base: Config | None = None,
) -> Config:
    """Read the YAML file at `path`, if any, and lay `SECTION.KEY=VALUE` overrides over it.

    What neither names keeps its value from `base`. Raises ConfigError with a line for each mistake.
    """
    for override in overrides:
        if "=" not in override:
            read_override(override)  # before what stands behind it is taken for a file
    return build_config(
        [] if path is None else [read_file(Path(path))], overrides, base or Config()
    )


def parse_config(document: str, name: str) -> Config:
    """Read a configuration from YAML text (JSON is YAML too); messages call the text `name`."""
    return build_config([read_text(document, name)], (), Config())


def build_config(documents: Sequence[Document], overrides: Sequence[str], base: Config) -> Config:
    """Lay documents and overrides over `base`. Raises ConfigError with a line for each mistake."""
    settings = lay_over(KINDS, flatten(base), documents, overrides, explain_name)
    if not settings.problems:
        for name, other, expected in _find_conflicts(settings.values):
            places = [settings.places[key] for key in (name, other) if key in settings.places]
            # What stands on the command line is the user's to mend, and not always a file.
            place = next((p for p in places if p.startswith("-s ")), [*places, "base"][0])
            settings.refuse(Entry(name, settings.values[name], place), expected)
    _check_held_out(settings)
    settings.check()
    return _unflatten(settings.values)


def change(config: Config, values: Mapping[str, Any]) -> Config:
    """Return a configuration with other values under some keys, each as `flatten` has it.

    Raises ConfigError if they do not go together.
    """
    changed = flatten(config) | dict(values)
    for name, _, expected in _find_conflicts(changed):
        raise ConfigError(f"{name}: found {changed[name]}, expected {expected}")
    return _unflatten(changed)


def _find_conflicts(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each key that does not go together with another: it, the other, what is expected."""
    warmup, iterations = values[WARMUP], values[ITERATIONS]
    if warmup > iterations:
        shorter = f"-s {ITERATIONS}={iterations} -s {WARMUP}={iterations // WARMED}"
        why = f"a shorter run needs a shorter warmup, as {shorter}"
        yield WARMUP, ITERATIONS, f"at most {ITERATIONS}, {iterations}; {why}"
    if values[BATCH_NORM] and values[BATCH_SIZE] == 1:
        why = f"as {BATCH_NORM} divides by the deviation over the mini-batch, of one image alone 0"
        yield BATCH_SIZE, BATCH_NORM, f"2 or more, {why}"


def _check_held_out(settings: Settings) -> None:
    """Refuse a choice among evaluations that the test images would make, or what is learnt from."""
    values = settings.values
    if settings.problems or values["dataset.validation"]:
        return
    for name, least in (("training.keep", KEEPS[0]), ("training.patience", 0)):
        if values[name] != least:
            places = settings.places
            place = places.get(name) or places.get("dataset.validation", "base")
            entry = Entry(name, values[name], place)
            settings.refuse(
                entry,
                f"{least} without held-out images, as the test images say nothing any more once "
                "something has been chosen by them: -s dataset.validation=0.1 holds some out",
            )


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
