"""Studies, good ones and damaged: bytes of study.db changed, or cells, rows and tables of it."""

import contextlib
import json
import sqlite3
import tempfile
import zlib
from functools import cache
from pathlib import Path
from unittest import mock

from hypothesis import strategies as st

from bpcli.errors import DivergedError, SaveError, TuningError
from bpcli.show.page.study import draw_study
from bpcli.show.tuning import draw_trials, trials_fields
from bpcli.tuning import (
    Interrupted,
    Tuning,
    Waiting,
    fill_slots,
    list_trials,
    look,
    open_study,
    read_space,
    slots,
    study,
    work,
    worker,
    write_best,
)
from bpcli.tuning.trial import Outcome

OVERRIDES = [
    "dataset.validation=30", "optimizer.learning_rate=log(0.001, 1)", "network.hidden=choice([4], [8, 4])",
    "training.batch_size=int(5, 9)",
]  # fmt: skip
FEW = 400  # looks at whether to stop, after which a study that goes on is taken for endless
# What a cell may hold in SQLite, whatever its column is called.
CELLS = [
    None, 0, 1, -1, 2, 7, 10**6, 2**62, -(2**62), 0.5, 1.5, -0.5, float("inf"), float("-inf"), 1e308,
    "", "0", "-1", "nan", "x", "COMPLETE", "FAIL", "RUNNING", "WAITING", "PRUNED", "MINIMIZE", "MAXIMIZE",
    "FINITE", "INF_POS", "INF_NEG", "NAN", "null", "[]", "{}", "true", '"x"', "1e999", "NaN", "[[[[[[", "[1]",
    '{"accuracies": [0.5], "failure": "", "words": ""}', '{"accuracies": ["a"], "failure": "", "words": ""}',
    '{"accuracies": [NaN], "failure": "", "words": 1}', '{"accuracies": [], "failure": "x", "words": ""}',
    '{"accuracies": 3}', '"{\\"seed\\": 1}"', '"[1]"', '"{"', "slot", "outcome", "question", "fixed_params",
    '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 1.0, "log": true}}',
    '{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 5, "high": 9}}',
    '{"name": "CategoricalDistribution", "attributes": {"choices": ["[4]"]}}', '{"name": "Nothing"}',
    "2026-11-29 12:00:00.000000", "9999-99-99", "bpcli", "v1.3.0.a", "[" * 5000, "\x1b[31m", "é" * 300,
    b"", b"\xff\xfe", b"\0" * 9,
]  # fmt: skip


def make_tuning(folder):
    space = read_space(None, OVERRIDES)
    return Tuning(space, 6, 1, folder, "tpe", "all")


def fake_run(configs, stem, earlier, watch, is_stopped, metric):
    """Reach something without training: each number of a try has an end of its own."""
    from bpcli.training import Record

    number = int(stem.name.rpartition("-")[2])
    for step in range(2):
        record = Record(step, 0.1, 2.0, 0.5, "validation", 0.5 + number / 100, 1.0, 1.0)
        watch(0, record, step)
    if number == 1:
        raise Interrupted
    if number == 2:
        return Outcome((), (), "diverged", str(DivergedError("the loss is nan")))
    return Outcome((0.5 + number / 100,), (0.5 + number / 100,))


def go_on(folder, waiting):
    """Go on with a study as a worker does, with no training."""
    tuning = make_tuning(folder)
    with (
        mock.patch.object(worker, "run_trial", fake_run),
        mock.patch.object(worker, "PAUSE", 0),
        open_study(folder, None, waiting=waiting, prune=True) as shared,
    ):
        study.keep_question(shared.study, tuning.space, tuning.seeds, tuning.method)
        slots.give_up_running(shared.study)
        fill_slots(shared, tuning)
        work(shared, tuning)
        write_best(folder, tuning.space, list_trials(shared.study, tuning.space))


def stopped_after(looks):
    """How somebody waits who does not for ever; what `Waiting` asks."""
    left = [looks]

    def is_stopped():
        left[0] -= 1
        return left[0] < 0

    return Waiting(is_stopped)


@cache
def good_studies():
    """A study that has ended, and one that was left in the middle."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        for i, looks in enumerate((FEW, 4)):
            folder = Path(name) / str(i)
            folder.mkdir()
            go_on(folder, stopped_after(looks))
            found.append((folder / "study.db").read_bytes())
    return found


def change_cells(data, changes):
    """The bytes of a study with changes to rows, of which each has a table, a row and a cell."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "study.db"
        path.write_bytes(data)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            tables = [row[0] for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]  # fmt: skip
            for which, row, column, value, kind in changes:
                with contextlib.suppress(sqlite3.Error):
                    change(connection, tables[which % len(tables)], row, column, value, kind)
        return path.read_bytes()


def change(connection, table, row, column, value, kind):
    if kind == "drop":
        connection.execute(f"DROP TABLE {table}")
        return
    rows = [found[0] for found in connection.execute(f"SELECT rowid FROM {table}")]
    columns = [found[1] for found in connection.execute(f"PRAGMA table_info({table})")]
    name, where = columns[column % len(columns)], rows[row % len(rows)] if rows else 0
    if kind == "cell":
        connection.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (value, where))
    elif kind == "column":
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {name} TO other")
    elif kind == "remove":
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (where,))
    else:
        others = ", ".join(columns[1:])
        connection.execute(
            f"INSERT INTO {table} ({others}) SELECT {others} FROM {table} WHERE rowid = ?", (where,)
        )


@st.composite
def damaged_studies(draw, damaged):
    """A study with damaged bytes, or changed cells, rows and tables."""
    if draw(st.integers(0, 3)) == 0:
        return draw(damaged(good_studies()))
    number = st.integers(0, 1000)
    kinds = st.sampled_from([*["cell"] * 12, "remove", "repeat", "column", "drop"])
    changes = st.lists(
        st.tuples(number, number, number, st.sampled_from(CELLS), kinds), min_size=1, max_size=3
    )
    return change_cells(draw(st.sampled_from(good_studies())), draw(changes))


def read_study(folder, data):
    """See to it that a study is shown, and gone on with, or refused in a sentence."""
    path = folder / "study.db"
    for name in ("-journal", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    (folder / "best.yaml").unlink(missing_ok=True)
    path.write_bytes(data)
    for act in (show, continue_study):
        try:
            act(folder)
        except (TuningError, SaveError) as error:
            asked = "but the study has begun with" in str(error)  # and the key that differs first
            assert str(error).startswith(str(folder)) or asked
            assert "\n" not in str(error)


def show(folder):
    found = look(str(folder))
    assert draw_trials(found.trials, found.importances, 80)
    assert json.dumps(trials_fields(found.trials, found.importances), allow_nan=False)
    if zlib.crc32(repr(found).encode()) % 20 == 0:  # as pictures take long
        assert draw_study("study", found.trials, found.importances, "1")


def continue_study(folder):
    waiting = stopped_after(FEW)
    with contextlib.suppress(Interrupted):
        go_on(folder, waiting)
    assert not waiting.is_stopped(), "it goes on for ever"
