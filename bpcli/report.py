"""results in -> text and JSON fields out, for people and for programs; nothing is printed here."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpcli.evaluation import Evaluation
    from bpcli.gradcheck import GradientCheck
    from bpcli.training import Record


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


def evaluation_fields(model: str, split: str, found: "Evaluation") -> dict[str, Any]:
    """Return the fields of `bpcli eval --json`."""
    pairs = zip(found.precision, found.recall, strict=True)
    return {
        "model": model,
        "split": split,
        "images": found.images,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "confusion": found.confusion.tolist(),
        "per_class": [{"precision": precision, "recall": recall} for precision, recall in pairs],
    }


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"


def check_text(found: "GradientCheck") -> str:
    """Return the table that `bpcli gradcheck` prints."""
    lines = ["layer    array  shape       checked  kinks    error  worst at  backprop    numerical"]
    for row in found.parameters:
        shape = " x ".join(map(str, row.shape))
        worst = ", ".join(map(str, row.worst_index))
        lines.append(
            f"{row.layer:<7}  {row.name:<5}  {shape:<10}  {row.checked:7,d}  {row.kinks:5d}  "
            f"{row.max_relative_error:.1e}  {worst:<8}  {row.backprop: .3e}  {row.numerical: .3e}"
            f"{'' if row.passed else '  FAILED'}"
        )
    failed = [row.name for row in found.parameters if not row.passed]
    verdict = f"{', '.join(failed)} differ" if failed else "all agree"
    size = f"{found.checked:,} gradients on {found.samples} images in {found.seconds:.1f} s"
    lines.append(f"{size}: {verdict} (relative errors to {found.tolerance:.0e} pass)")
    return "\n".join(lines)


def check_fields(found: "GradientCheck") -> dict[str, Any]:
    """Return the fields of `bpcli gradcheck --json`."""
    return {"passed": found.passed, "checked": found.checked} | asdict(found)
