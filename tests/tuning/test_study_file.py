"""study.db in every state that it can be met in: locked, damaged, of others, cut off in a commit."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys

import fuzz
import pytest
import studies
from signs import read_until, wait_until
from trials import trials_of

from bpcli.files import atomic
from bpcli.tuning import sqlite

pytest.importorskip("optuna")


@pytest.fixture
def folder(tmp_path):
    """The folder of a study that has ended, which nobody has trained for."""
    (tmp_path / "study").mkdir()
    (tmp_path / "study/study.db").write_bytes(studies.good_studies()[0])
    return tmp_path / "study"


def change(folder, command, *values):
    with contextlib.closing(sqlite3.connect(folder / "study.db")) as connection:
        connection.execute(command, values)
        connection.commit()


GO_ON = [part for override in studies.OVERRIDES for part in ("-s", override)]


def refusal(bpcli, folder):
    """The one sentence that it is refused in when it is shown."""
    result = bpcli("tune", "--show", folder, code=2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"{folder}/study.db: found a study that is damaged, or not of ")
    assert result.stderr.endswith("; move it away, or choose another\n")
    return result.stderr


def test_a_good_study_is_shown(bpcli, folder):
    before = (folder / "study.db").read_bytes()
    trials = trials_of(bpcli, folder)
    assert [trial["slot"] for trial in trials] == list(range(6))
    assert {trial["state"] for trial in trials} == {"done", "diverged"}
    assert (folder / "study.db").read_bytes() == before
    assert os.listdir(folder) == ["study.db"]


OUTCOME = '{"accuracies": %s, "failure": "%s", "words": %s}'
FIGURES = '{"accuracies": [0.5], "failure": "", "words": "", "figures": %s}'


@pytest.mark.parametrize(
    "outcome",
    [
        "null", "3", '"x"', "[]", "{}", "{", "", "[" * 9999, OUTCOME % ("[2.0]", "", '""'),
        OUTCOME % ("[NaN]", "", '""'), OUTCOME % ('["a"]', "", '""'), OUTCOME % ("[true]", "", "3"),
        OUTCOME % ("[]", "", '""'), OUTCOME % ("[0.5]", "diverged", '""'), OUTCOME % ("[]", "lost", '""'),
        OUTCOME % ("[1e999]", "", '""'), OUTCOME % ("[0.123]", "", '""'), OUTCOME % (10**400, "", '""'), FIGURES % "[]",
        FIGURES % "[0.5, 0.5]", FIGURES % "[NaN]", FIGURES % "3", FIGURES % "[7.0]", FIGURES % "[0.4]",
    ],
)  # fmt: skip
def test_an_outcome_that_is_none_is_refused(outcome, bpcli, folder):
    command = (
        "UPDATE trial_user_attributes SET value_json = ? WHERE key = 'outcome' AND trial_id = 1"
    )
    change(folder, command, outcome)
    refusal(bpcli, folder)


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (
            "UPDATE trial_user_attributes SET value_json = ? WHERE key = 'slot' AND trial_id = 1",
            slot,
        )
        for slot in ("null", '"a"', "-1", "1.5", "1e300", "true", "[]", str(2**70))
    ]
    + [
        ("UPDATE trials SET number = ? WHERE trial_id = 1", number)
        for number in (None, "x", -1, 3, 1.5, 2**62, b"\xff")
    ]
    + [
        ("UPDATE trials SET state = ? WHERE trial_id = 1", state)
        for state in ("LOST", "", 3, "\x1b[31m")
    ]
    + [
        ("UPDATE trial_values SET value = ? WHERE trial_id = 1", value)
        for value in (None, "nan", float("inf"), 7.0, 0.123)
    ]
    + [
        ("UPDATE trial_params SET param_value = ? WHERE param_name LIKE 'opt%'", value)
        for value in ("x", float("inf"))
    ]
    + [
        ("UPDATE trial_params SET distribution_json = ?", text)
        for text in ("", "{}", "null", '{"name": "Nothing", "attributes": {}}')
    ]
    + [
        (
            "UPDATE trial_params SET param_name = ? WHERE trial_id = 1 AND param_name LIKE 'opt%'",
            "a",
        ),
        ("UPDATE trial_intermediate_values SET intermediate_value = ?", 1e300),
        ("UPDATE trial_intermediate_values SET step = ? WHERE step = 0", -1),
        ("UPDATE study_directions SET direction = ?", "MINIMIZE"),
        ("UPDATE study_directions SET direction = ?", "UP"),
        ("UPDATE trials SET datetime_start = ?", "yesterday"),
        ("DELETE FROM trial_values WHERE ?", 1),
        ("DELETE FROM study_directions WHERE ?", 1),
        ("UPDATE alembic_version SET version_num = ?", "v9.9.9.z"),
        ("UPDATE alembic_version SET version_num = ?", "v0.9.0.a"),
    ],
)
def test_cells_that_no_study_has_are_refused(command, value, bpcli, folder):
    change(folder, command, value)
    refusal(bpcli, folder)


@pytest.mark.parametrize("table", ["trials", "trial_params", "studies", "trial_heartbeats"])
def test_a_table_that_is_missing_is_named(table, bpcli, folder):
    change(folder, f"DROP TABLE {table}")
    said = refusal(bpcli, folder)
    assert f"found no table {table}" in said
    assert bpcli("tune", "-o", folder, *GO_ON, code=2).stderr == said  # and it is not made again


@pytest.mark.parametrize("question", ["3", '"3"', '"[]"', '"{"', '"{\\"seed\\": 3}"', "null", "{"])
def test_a_question_that_is_none_is_refused(question, bpcli, folder):
    change(folder, "UPDATE study_user_attributes SET value_json = ?", question)
    result = bpcli("tune", "-o", folder, *GO_ON, code=2)
    assert "found a study that is damaged, or not of bpcli tune" in result.stderr
    assert result.stderr.count("\n") == 1


def test_text_that_is_none_is_refused_in_a_sentence(bpcli, folder):
    data = (folder / "study.db").read_bytes()
    (folder / "study.db").write_bytes(data.replace(b"COMPLETE", b"COMP\xff\xfeTE"))
    result = bpcli("tune", "--show", folder, code=2)
    assert result.stderr.startswith(f"{folder}/study.db: ")
    assert result.stderr.count("\n") == 1


def test_a_database_of_something_else_is_no_study(bpcli, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("CREATE TABLE songs (title)")
        connection.commit()
    before = (tmp_path / "study.db").read_bytes()
    result = bpcli("tune", "--show", tmp_path, code=2)
    assert "found no table " in result.stderr
    assert (tmp_path / "study.db").read_bytes() == before


def test_damaged_studies_are_read_or_refused(request):
    fuzz.fuzz("study", 5_000 if request.config.getoption("--long") else 15)


CUT = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")  # so that it writes before it commits
connection.execute("UPDATE trials SET state = 'WAITING'")
connection.execute("CREATE TABLE more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                   "WHERE i < 20000) SELECT i, hex(randomblob(50)) FROM n")
os._exit(0)
"""


def test_a_study_that_was_cut_off_in_a_commit_is_shown_as_it_was(bpcli, folder):
    before = trials_of(bpcli, folder)
    subprocess.run([sys.executable, "-c", CUT, folder / "study.db"], check=True)
    left = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    assert set(left) == {"study.db", "study.db-journal"}
    assert trials_of(bpcli, folder) == before
    assert {name: (folder / name).read_bytes() for name in os.listdir(folder)} == left


def test_what_cannot_be_copied_is_told(bpcli, folder, monkeypatch):
    subprocess.run([sys.executable, "-c", CUT, folder / "study.db"], check=True)

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_create", full)
    message = bpcli("tune", "--show", folder, code=1).stderr
    assert message.endswith("study.db: could not be written: No space left on device\n")


@pytest.fixture
def locked(folder):
    """A connection that has locked the study, as another program may."""
    with contextlib.closing(
        sqlite3.connect(folder / "study.db", isolation_level=None)
    ) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


WAITING = "waiting for another program that has locked"


def go_on(shell, folder, tiny, trials=6):
    options = [f"dataset.source={tiny}", *studies.OVERRIDES]
    arguments = [part for option in options for part in ("-s", option)]
    return shell("tune", "-o", folder, *arguments, "--trials", trials)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        *(pytest.param(n, marks=pytest.mark.long) for n in (signal.SIGTERM, signal.SIGUSR1)),
    ],
)
def test_a_locked_study_is_waited_for_aloud_and_a_signal_ends_it(
    number, locked, shell, folder, tiny
):
    process = go_on(shell, folder, tiny)
    assert read_until(process.stderr, WAITING).startswith(f"{WAITING} {folder}/study.db, since ")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stderr.splitlines()[-1].startswith(f"stopped and saved in {folder}; go on with: ")


def test_workers_that_cannot_write_are_heard(shell, folder, tiny, workers_of):
    process = go_on(shell, folder, tiny, trials=99)
    wait_until(lambda: workers_of(process), process)
    with contextlib.closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # which lets others read
        assert str(folder / "study.db") in read_until(process.stderr, WAITING)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stderr


def test_a_study_that_is_unlocked_goes_on(locked, shell, bpcli, folder, tiny):
    process = go_on(shell, folder, tiny)
    read_until(process.stderr, WAITING)
    locked.execute("ROLLBACK")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (folder / "best.yaml").exists()


def test_a_locked_study_is_not_shown(locked, bpcli, folder, monkeypatch):
    monkeypatch.setattr(sqlite, "IMPATIENT", 0.1)
    message = bpcli("tune", "--show", folder, code=2).stderr
    assert message == f"{folder}/study.db: the study cannot be used: database is locked\n"


def test_a_database_that_never_answers_is_waited_for_aloud(shell, search, tmp_path):
    pytest.importorskip("psycopg")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        where = f"127.0.0.1:{silent.getsockname()[1]}/study"
        for command in (["-o", tmp_path / "s", *search, "--storage"], ["--show"]):
            process = shell("tune", *command, f"postgresql://somebody@{where}")
            line = read_until(process.stderr, "waiting for the database")
            assert line.startswith(f"waiting for the database at {where}, since ")
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate(timeout=60)
            assert process.returncode == 128 + signal.SIGTERM
            assert "stopped" in stderr.splitlines()[-1]


def test_a_full_disk_is_told_as_such(bpcli, folder, tiny, monkeypatch):
    connect = sqlite.connect

    def full(*args, **options):
        connection = connect(*args, **options)
        pages = connection.cursor().execute("PRAGMA page_count").fetchone()[0]
        connection.cursor().execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(sqlite, "connect", full)
    options = [f"dataset.source={tiny}", *studies.OVERRIDES]
    result = bpcli("tune", "-o", folder, *(part for o in options for part in ("-s", o)),
                   "--trials", 500, code=1)  # fmt: skip
    assert result.stderr == (
        f"{folder}/study.db: could not be written: database or disk is full; what was saved is there, "
        "and the same command goes on once there is room\n"
    )
    assert json.loads(bpcli("tune", "--show", folder, "--json").stdout)["trials"]
