"""a model, of a run or of a file, in -> what one asks of it, which shows itself in a cell, out."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bpcli import __version__, show
from bpcli.arrays import MATRIX, WHITE, Bytes
from bpcli.data.preparation import lies_on_light
from bpcli.data.split import SplitName
from bpcli.errors import PictureError
from bpcli.files import atomic
from bpcli.files.model import open_model
from bpcli.files.result import check_result, write_result
from bpcli.notebook.curve import curve_html
from bpcli.show.page.report import draw_report
from bpcli.training.analysis import analyze
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.evaluation import Evaluation, evaluate
from bpcli.training.history import Point
from bpcli.training.prediction import Prediction, Reader, spell
from bpcli.training.run import Run
from bpcli.training.serialization import check_replaceable, read, write
from bpcli.training.side_by_side import ModelComparison
from bpcli.training.side_by_side import compare as compare_models
from bpcli.training.unseen import Measured, find_images

CALLED = "model"  # what has no file yet
WIDTH = 100  # columns of text
COLOURS = 3


@dataclass(frozen=True, repr=False)
class Measurement(Evaluation):
    """How a model does on images; `measured` says which, and `saved` is the model."""

    saved: Checkpoint
    measured: Measured

    def __repr__(self) -> str:
        return show.draw_evaluation(self.saved, self.measured, self, WIDTH)

    def _repr_html_(self) -> str:
        return show.evaluation_html(self.saved, self.measured, self)


@dataclass(frozen=True, repr=False)
class Answer:
    """What a picture (height, width, 3) shows: `digits` as they are read.

    `white` is the brightest grey level of what the net sees.
    """

    name: str
    picture: Bytes
    digits: tuple[Prediction, ...]
    white: int

    @property
    def label(self) -> str:
        """The names of the likeliest classes, a line for each row of them."""
        return "\n".join(spell(self.digits))

    def __repr__(self) -> str:
        return show.draw_prediction(self.name, self.digits, pictures=True, ascii_only=False)

    def _repr_html_(self) -> str:
        return show.prediction_html(self.name, self.digits, self.white, self.picture)


@dataclass(frozen=True, repr=False)
class Curve:
    """The evaluations of a model's run."""

    saved: Checkpoint

    @property
    def points(self) -> list[Point]:
        """What each evaluation found."""
        return self.saved.history

    def __repr__(self) -> str:
        return show.draw_history(self.saved, WIDTH)

    def _repr_html_(self) -> str:
        if not self.saved.history:
            return show.lines_html([repr(self)])
        split = self.saved.record.split if self.saved.record else "train"
        return curve_html(self.saved.history, split, self.saved.iteration)


@dataclass(frozen=True, repr=False)
class Comparison:
    """Models side by side, as `bpcli compare` has them."""

    found: ModelComparison

    def __repr__(self) -> str:
        return show.draw_comparison(self.found, WIDTH, history=False)

    def _repr_html_(self) -> str:
        return show.comparison_html(self.found)


class Model:
    """A model: what `bpcli train` writes into a file, at hand.

    `content` are the bytes of such a file, `path` is what it is called. Raises CheckpointError.
    """

    def __init__(self, content: bytes, path: str | Path) -> None:
        self._content = content
        self.saved = read(BytesIO(content), Path(path))

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return what a run has come to, which has no name until it is saved."""
        content = BytesIO()
        write(content, run)
        return cls(content.getvalue(), CALLED)

    def __repr__(self) -> str:
        record = self.saved.record
        at, found = self.saved.own_iteration, ""
        if record:
            # A run that was interrupted has gone on since it was evaluated.
            when = "" if record.iteration == at else f" at iteration {record.iteration:,}"
            found = f"{record.split} accuracy {record.accuracy:.2%}{when}, "
        return f"<Model {self.saved.path}: {found}iteration {at:,}>"

    def _repr_html_(self) -> str:
        return show.lines_html([repr(self)[1:-1]]) + self.curve._repr_html_()

    @property
    def curve(self) -> Curve:
        """How it has learnt."""
        return Curve(self.saved)

    def evaluate(self, data: str | None = None, split: SplitName | None = None) -> Measurement:
        """Measure it on images that it has not learnt from, as `bpcli eval` does.

        Raises DatasetError.
        """
        measured = find_images(self.saved, split, data)
        if measured.doubt:
            warnings.warn(measured.doubt, stacklevel=2)
        found = evaluate(self.saved.network(), measured.images)
        return Measurement(found.loss, found.confusion, self.saved, measured)

    def predict(
        self, picture: str | Path | npt.NDArray[Any], *, as_is: bool | None = None
    ) -> Answer:
        """Say what a picture shows: a file, or an array of grey levels or of red, green and blue.

        An array is (height, width) or (height, width, 3), whole numbers from 0 to 255 or real ones
        from 0 to 1. It is prepared as `bpcli predict` prepares a picture; one that is as an image
        of the data is, of the net's own size or just so many pixels, and dark or light along its
        edges as these are, is taken as it is, unless `as_is` says otherwise. Raises PictureError.
        """
        saved = self.saved
        reader = Reader(saved)
        if isinstance(picture, str | Path):
            file, digits = reader.read_file(Path(picture), as_is=bool(as_is))
            return Answer(str(picture), file.pixels, tuple(digits), saved.white)
        name, pixels = "the picture", _to_pixels(np.asarray(picture), saved.size, saved.white)
        as_is = _is_image_of(saved, pixels) if as_is is None else as_is
        digits = reader.read(pixels, as_is=as_is, name=name)
        return Answer(name, pixels, tuple(digits), saved.white)

    def report(self, path: str | Path, data: str | None = None) -> None:
        """Write the page that `bpcli report` writes.

        Raises DatasetError, PlaceError, SaveError, and ExtraError without what pages are made with.
        """
        check_result(path, (".html",))
        analysis = analyze(self.saved, data)
        page = draw_report(analysis, [self.saved], __version__, canvas=True)
        write_result(path, page.encode(errors="backslashreplace"))

    def save(self, path: str | Path) -> None:
        """Write the file that `load`, and every command, reads. Raises SaveError, PlaceError.

        An older model there gives way; anything else does not: CheckpointError.
        """
        check_replaceable(path)
        with atomic.replacing(path) as file:
            file.write(self._content)
        self.saved = replace(self.saved, path=Path(path))


def load(path: str | Path) -> Model:
    """Read a model file. Raises CheckpointError."""
    with open_model(Path(path)) as file:
        return Model(file.read(), path)


def compare(*models: Model) -> Comparison:
    """Lay models side by side: what their configurations differ in, and what they reached."""
    return Comparison(compare_models([model.saved for model in models]))


def _is_image_of(saved: Checkpoint, pixels: Bytes) -> bool:
    """Tell whether pixels (height, width, 3) may be an image of what a model has learnt from."""
    if pixels.shape[:2] != saved.size:
        return False
    return lies_on_light(pixels[np.newaxis, ..., 0], saved.white) == saved.is_dark


def _to_pixels(array: npt.NDArray[Any], size: Sequence[int], white: int) -> Bytes:
    """Return the pixels (height, width, 3) of an array. Raises PictureError for what is none."""
    if array.ndim == 1 and array.size == size[0] * size[1]:
        array = array.reshape(*size)
    is_picture = array.ndim == MATRIX or (array.ndim == COLOURS and array.shape[2] == COLOURS)
    if not (is_picture and array.size and array.dtype.kind in "uif"):
        raise PictureError(
            f"found an array {array.shape} of {array.dtype}, expected the grey levels (height, "
            "width) of one picture, or (height, width, 3) of its colours"
        )
    is_whole = array.dtype.kind in "ui"
    lowest, highest = array.min(), array.max()
    if not (lowest >= 0 and highest <= (WHITE if is_whole else 1)):
        raise PictureError(
            f"found {array.dtype} from {lowest:g} to {highest:g}, expected whole numbers from 0 to "
            f"{WHITE}, or real ones from 0 to 1"
        )
    brightest = white if array.shape[:2] == tuple(size) else WHITE
    levels = (array if is_whole else np.round(array * brightest)).astype(np.uint8)
    return levels if levels.ndim == COLOURS else np.repeat(levels[..., np.newaxis], COLOURS, axis=2)
