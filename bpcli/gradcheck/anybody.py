"""anybody's object or functions, and inputs, in -> how its gradients there compare, out."""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bpcli.arrays import check_classes, check_inputs, check_labels
from bpcli.backprop.adapter import adapt
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.errors import ArgumentError
from bpcli.gradcheck.alone import subject_of
from bpcli.gradcheck.calls import Examination, count_rows
from bpcli.gradcheck.comparer import Call, compare_calls
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.constant import are_excusable, correct_calls, correct_losses, excuse
from bpcli.gradcheck.elements import Build, Comparer
from bpcli.gradcheck.execution import BackwardError, cast
from bpcli.gradcheck.leaves import Where
from bpcli.gradcheck.raised import describe
from bpcli.gradcheck.recognition import make_subject, with_floats
from bpcli.gradcheck.rewind import make_rewind
from bpcli.gradcheck.subject import (
    PAIR,
    NoOutputError,
    Outputs,
    Subject,
    name_of,
)

BACKWARD = "backward"  # what a row is about that has no array
SECOND = (
    "forward gives something else at a second call, by random numbers or by what it keeps; here "
    "each call was as the first"
)


@dataclass(frozen=True)
class Compared:
    """The gradients of what goes by a name; `notes` say what was taken for granted."""

    name: str
    rows: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there are any, and all are right."""
        return bool(self.rows) and all(row.passed for row in self.rows)


def compare_anything(
    thing: Any,
    inputs: Sequence[Any],
    gradient: Callable[..., Any] | None,
    params: Mapping[str, str | int] | None,
    comparer: Callable[[Build], Comparer],
) -> Compared:
    """Compare the gradients of what `check` may be given, other than a Network.

    Raises ArgumentError where it is nothing that can be checked, ArrayError for labels that a loss
    of ours does not take, and for a layer of ours that was not initialised.
    """
    if isinstance(thing, LossLayer) and len(inputs) == 2:
        check_inputs(inputs[0])
        check_labels(inputs[1], len(inputs[0]))
        check_classes(inputs[1], inputs[0].shape[1])
    where: Where | None = None
    subject = make_subject(thing, inputs, gradient)
    if params is not None:
        where = {name: (name, place) for name, place in params.items()}
    elif isinstance(thing, Layer):
        subject, where = subject_of(adapt(thing), *inputs)
    try:
        subject, outputs = _start(subject)
    except (ArgumentError, MemoryError):
        raise
    except NoOutputError as error:
        return Compared(subject.name, (Comparison(subject.name, "", problem=str(error)),))
    except Exception as error:  # noqa: BLE001 - it may raise whatever it likes
        return _unknown(subject, f"forward: {describe(error)}")
    if not all(np.isfinite(y).all() for y in outputs.arrays):
        return _unknown(subject, "forward gives numbers that are not finite")
    compare = partial(_compare, where=where, comparer=comparer)
    found = _read(subject, outputs, compare)
    return found if _repeats(subject) else replace(found, notes=(*found.notes, SECOND))


def _read(subject: Subject, outputs: Outputs, compare: Callable[[Subject], Compared]) -> Compared:
    """Compare the gradients of a subject in each of its readings, until they are right in one."""
    readings, found = list(subject.readings(outputs)), list[Compared]()
    for reading in readings:
        found.append(compare(reading))
        if found[-1].passed:
            return found[-1]
    given_as = next((reading.given_as for reading in readings if reading.given_as), None)
    if given_as:
        ((name, other),) = given_as.items()
        return _unknown(
            subject,
            f"whether {name} of {name_of(subject.backward)} is dout or {other or 'the input'} "
            f"cannot be told, and it is right as neither; {PAIR}",
        )
    if subject.derivative and compare(_of_output(subject)).passed:
        hint = "gradient=lambda *x: df(f(*x))"
        return _unknown(
            subject, f"right where it is given what the function returns, not x: {hint}"
        )
    called = getattr(subject.owner, "__call__", None)  # noqa: B004 - what keeps the inputs, perhaps
    if inspect.ismethod(called) and found[0].rows[0].name == BACKWARD:
        again = compare(replace(subject, forward=called))
        return again if again.rows[0].name != BACKWARD else found[0]
    return found[0]


def _of_output(subject: Subject) -> Subject:
    """Return a subject whose derivative is given what its forward returns."""

    def derivative(*inputs: Any) -> Any:
        return subject.backward and subject.backward(subject.forward(*inputs))

    return replace(subject, backward=derivative)


def _start(subject: Subject) -> tuple[Subject, Outputs]:
    """Return the subject with inputs that can be moved, if forward takes such, and its outputs.

    Raises what forward raises of the inputs as they are, and ArgumentError.
    """
    for name, value in subject.inputs.items():
        if isinstance(value, np.ndarray) and not value.size:
            raise ArgumentError(f"{subject.name}: {name} is empty, expected numbers")
    try:
        copy.deepcopy(subject)
    except Exception as error:
        raise ArgumentError(f"{subject.name}: cannot be copied, {error}; {PAIR}") from error
    moved, given = (with_floats(subject, whole=whole) for whole in (True, False))
    with contextlib.suppress(Exception):  # whole numbers may be meant, as of rows of a table
        return moved, _outputs(moved)
    return given, _outputs(given)


def _outputs(subject: Subject) -> Outputs:
    make_rewind(None)()
    return cast(copy.deepcopy(subject), np.float64).call_forward()


def _repeats(subject: Subject) -> bool:
    """Tell whether the same object gives the same once more."""
    twin = cast(copy.deepcopy(subject), np.float64)
    with contextlib.suppress(Exception):
        first = [y.copy() for y in twin.call_forward().arrays]
        twin.inputs = copy.deepcopy(cast(copy.deepcopy(subject), np.float64).inputs)
        return all(map(np.array_equal, first, twin.call_forward().arrays))
    return True


def _compare(
    subject: Subject,
    where: Where | None,
    comparer: Callable[[Build], Comparer],
) -> Compared:
    """Compare the gradients of a subject in one reading of it."""
    try:
        examined = Examination(subject, where)
    except NoOutputError as error:
        return Compared(subject.name, (Comparison(subject.name, "", problem=str(error)),))
    except BackwardError as error:
        cause = error.__cause__ or error
        if isinstance(cause, ArgumentError):
            raise cause from error
        return Compared(
            subject.name, (Comparison(subject.name, BACKWARD, problem=describe(cause)),)
        )
    compare = partial(
        compare_calls,
        subject.name,
        comparer=comparer,
        samples=count_rows(subject.inputs),
        thorough=True,
        may_add=() if isinstance(subject.owner, Layer) else examined.parameters,
    )
    rows = tuple(compare(calls=examined.calls))
    if examined.outputs.arrays[0].ndim == 0 and len(subject.inputs) > 1 and are_excusable(rows):
        rows = _excuse(subject, where, examined, rows, compare)
    if not rows:
        return _unknown(subject, "nothing was given that it could be differentiated by")
    notes = tuple(f"{name} is taken as given" for name in examined.constants)
    return Compared(subject.name, rows, notes)


def _excuse(
    subject: Subject,
    where: Where | None,
    examined: Examination,
    rows: tuple[Comparison, ...],
    compare: Callable[..., Iterator[Comparison]],
) -> tuple[Comparison, ...]:
    """Return the comparisons of a loss, with a note where it has a constant in its logarithm."""
    owner, c = correct_losses(subject.owner) if subject.is_object else (None, 0.0)
    with contextlib.suppress(Exception):  # one image alone may be less than it takes
        if owner is not None:
            method = name_of(subject.forward)
            corrected = replace(subject, owner=owner, forward=getattr(owner, method))
            if subject.backward:
                corrected.backward = getattr(owner, name_of(subject.backward))
            calls: Sequence[Call] = Examination(corrected, where).calls
        else:
            calls, c = correct_calls(examined.calls, examined.images)
        return excuse(rows, tuple(compare(calls=calls)), c) if c else rows
    return rows


def _unknown(subject: Subject, words: str) -> Compared:
    return Compared(subject.name, (Comparison(subject.name, "", problem=words, unknown=True),))
