"""results in -> text and JSON fields out, for people and for programs; nothing is printed here."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bpcli import picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bpcli.comparison import Comparison
    from bpcli.dataset import Split
    from bpcli.evaluation import Evaluation, Mistake
    from bpcli.gradcheck import GradientCheck
    from bpcli.training import Record

MANY_KINKS = 0.01  # a share of the gradients above which the user is told


def record_text(record: "Record") -> str:
    """Return one line on an evaluation during training."""
    return (
        f"iteration {record.iteration:6d}  epoch {record.epoch:6.2f}  loss {record.loss:.4f}  "
        f"train {record.train_accuracy:6.2%}  {record.held_out} {record.accuracy:6.2%}  "
        f"{record.images_per_second:9,.0f} images/s"
    )


def model_text(model: str, record: "Record") -> str:
    """Return the last evaluation of a finished run, and a line on the model."""
    line = f"{model}: {record.held_out} accuracy {record.accuracy:.2%} after {record.seconds:.1f} s"
    return f"{record_text(record)}\n{line}"


def record_fields(record: "Record") -> dict[str, Any]:
    """Return the fields of `bpcli train --json`, without the accuracy that was not measured."""
    return {name: value for name, value in asdict(record).items() if value is not None}


def model_fields(model: str, record: "Record") -> dict[str, Any]:
    """Return the fields of the last line of `bpcli train --json`."""
    return record_fields(record) | {"done": True, "model": model}


def evaluation_text(model: str, split: str, found: "Evaluation") -> str:
    """Return the page that `bpcli eval` prints."""
    width = max(5, len(str(found.confusion.max())) + 1)
    classes = range(len(found.confusion))
    lines = [
        f"{model}: {found.images:,} {split} images",
        f"accuracy {found.accuracy:.2%}, loss {found.loss:.4f}",
        "",
        "class  precision  recall  predicted as",
        " " * 24 + "".join(f"{c:{width}d}" for c in classes),
    ]
    for c, precision, recall, counts in zip(
        classes, found.precision, found.recall, found.confusion.tolist(), strict=True
    ):
        cells = "".join(f"{count:{width}d}" for count in counts)
        lines.append(f"{c:5d}  {_percent(precision):>9}  {_percent(recall):>6}  {cells}")
    return "\n".join(lines)


def evaluation_fields(
    model: str, split: str, found: "Evaluation", mistakes: "Sequence[Mistake] | None"
) -> dict[str, Any]:
    """Return the fields of `bpcli eval --json`; `mistakes` only where they were asked for."""
    pairs = zip(found.precision, found.recall, strict=True)
    asked = {} if mistakes is None else {"mistakes": [_fields(mistake) for mistake in mistakes]}
    return {
        "model": model,
        "split": split,
        "images": found.images,
        "accuracy": found.accuracy,
        "loss": _finite(found.loss),
        "confusion": found.confusion.tolist(),
        "per_class": [{"precision": precision, "recall": recall} for precision, recall in pairs],
        **asked,
    }


def mistakes_text(
    mistakes: "Sequence[Mistake]", split: "Split", width: int, *, ascii_only: bool
) -> str:
    """Return a small picture of each mistake, as many side by side as `width` columns hold."""
    gap = 3
    pictures = []
    for mistake in mistakes:
        image = split.images[mistake.index].reshape(split.size)
        caption = f"#{mistake.index}: {mistake.label}, taken for {mistake.predicted}"
        lines = [caption, *picture.draw(image, ascii_only=ascii_only)]
        block = max(map(len, lines)) + gap
        pictures.append([line.ljust(block) for line in lines])
    across = max(1, width // max((len(p[0]) for p in pictures), default=width))
    rows = [pictures[i : i + across] for i in range(0, len(pictures), across)]
    return "\n\n".join(
        "\n".join("".join(line).rstrip() for line in zip(*row, strict=True)) for row in rows
    )


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"


def check_text(found: "GradientCheck") -> str:
    """Return the page that `bpcli gradcheck` prints: a table, then a verdict."""
    lines = [
        f"each layer alone: {', '.join(_verdicts(found.layers))}",
        "layer    array  shape       checked  kinks    error  worst at  backprop    numerical",
        *map(_comparison_text, found.parameters),
        *(f"{row.layer}: {_failure_text(row)}" for row in found.failures),
    ]
    if found.kinks > MANY_KINKS * found.checked:
        lines.append(
            f"{found.kinks:,} of the gradients lie at kinks of ReLU, where a difference says "
            "little; try another seed, or fewer --samples"
        )
    verdict = f"all agree ({found.method}, relative errors to {found.tolerance:.0e} pass)"
    if not found.passed:
        culprits = ", ".join(dict.fromkeys(row.layer for row in found.failures))
        unknown = all(row.verdict == "not checked" for row in found.failures)
        verdict = f"{culprits} {'could not be checked' if unknown else 'FAILED'}"
        if not unknown and all(row.passed for row in found.layers):
            verdict += (
                "; each layer is right alone, twice in a row: look at what joins them "
                "(network.py), or at what a layer keeps or shares for longer"
            )
    size = f"{found.checked:,} gradients on {found.samples} images in {found.seconds:.1f} s"
    return "\n".join([*lines, f"{size}: {verdict}"])


def _verdicts(rows: "Iterable[Comparison]") -> list[str]:
    """Return each layer's name with the worst verdict on any of its arrays."""
    worst: dict[str, str] = {}
    for row in rows:
        known = worst.setdefault(row.layer, row.verdict)
        worst[row.layer] = max(known, row.verdict, key=("ok", "not checked", "FAILED").index)
    return [f"{layer} {verdict}" for layer, verdict in worst.items()]


def _comparison_text(row: "Comparison") -> str:
    shape = " x ".join(map(str, row.shape))
    return (
        f"{row.layer:<7}  {row.name:<5}  {shape:<10}  {row.checked:7,d}  {row.kinks:5d}  "
        f"{_number(row.max_relative_error, '7.1e')}  {_index(row):<8}  "
        f"{_number(row.backprop, ' .3e')}  {_number(row.numerical, ' .3e')}"
        f"{'' if row.passed else '  ' + row.verdict}"
    )


def _failure_text(row: "Comparison") -> str:
    """Return where a comparison failed, by how much, and what it looks like."""
    if row.worst_index is None:
        return f"{row.name}{': ' * bool(row.name)}{row.problem}"
    ratio = f", ratio {row.ratio:.4g}" if row.ratio else ""
    return (
        f"the gradient by {row.name} is wrong, worst at [{_index(row)}]: backprop "
        f"{_number(row.backprop, '.6g')}, numerical {_number(row.numerical, '.6g')}{ratio}; "
        f"{row.problem}"
    )


def _index(row: "Comparison") -> str:
    return ", ".join(map(str, row.worst_index or ()))


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def check_fields(found: "GradientCheck") -> dict[str, Any]:
    """Return the fields of `bpcli gradcheck --json`; numbers that JSON has not are null."""
    return {
        "passed": found.passed,
        "method": found.method,
        "samples": found.samples,
        "tolerance": found.tolerance,
        "checked": found.checked,
        "kinks": found.kinks,
        "seconds": found.seconds,
        "layers": [_comparison_fields(row) for row in found.layers],
        "parameters": [_comparison_fields(row) for row in found.parameters],
    }


def _comparison_fields(row: "Comparison") -> dict[str, Any]:
    return _fields(row) | {"ratio": _finite(row.ratio), "passed": row.passed}


def _fields(record: "Comparison | Mistake") -> dict[str, Any]:
    return {name: _finite(value) for name, value in asdict(record).items()}


def _finite(value: Any) -> Any:
    """Return None for a number that JSON has not."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
