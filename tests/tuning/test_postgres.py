"""Many workers on one PostgreSQL: whoever opens it first, dies, sleeps, or finds it gone."""

import os
import signal

import pytest
from signs import read_until, wait_until
from trials import check_arrays, trials_of

LONGER = ["-s", "training.iterations=6000", "-s", "training.evaluate_every=500"]


def check(bpcli, url, total):
    trials = trials_of(bpcli, url)
    assert [trial["slot"] for trial in trials] == list(range(total))
    assert {trial["state"] for trial in trials} == {"done"}


def test_four_workers_open_a_fresh_database_at_once(bpcli, search, database, tmp_path, shell):
    processes = [
        shell("tune", "-o", tmp_path / f"s{i}", *search, "--trials", 8, "--storage", database)
        for i in range(4)
    ]
    for process in processes:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0
        assert all(line.startswith("waiting for ") for line in stderr.splitlines())
    check(bpcli, database, 8)


def test_a_killed_worker_s_trial_is_run_by_another(bpcli, search, database, tmp_path, shell):
    command = ["tune", "-o", tmp_path / "s", *search, *LONGER, "--trials", 4, "--storage", database]
    first = shell(*command, start_new_session=True)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), first)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    _, stderr = shell(*command).communicate(timeout=150)
    assert stderr == ""
    check(bpcli, database, 4)
    assert list((tmp_path / "s").glob("trial-0000-try-4-seed-0.npz"))
    for trial in trials_of(bpcli, database):  # also of the first, which went on from its .part
        check_arrays(bpcli, trial, [*search, *LONGER], tmp_path / "s")


def test_a_worker_that_sleeps_too_long_drops_its_trial_and_goes_on(
    bpcli, search, database, tmp_path, shell, workers_of
):
    command = [*search, *LONGER, "--trials", 4, "--storage", database]
    one = shell("tune", "-o", tmp_path / "a", *command)
    wait_until(lambda: list((tmp_path / "a").glob("*.part")), one)
    (sleeper,) = workers_of(one)
    os.kill(sleeper, signal.SIGSTOP)
    try:
        other = shell("tune", "-o", tmp_path / "b", *command)
        _, stderr = other.communicate(timeout=150)
        assert (other.returncode, stderr) == (0, "")
    finally:
        os.kill(sleeper, signal.SIGCONT)
    _, stderr = one.communicate(timeout=60)
    assert (one.returncode, stderr) == (0, "")
    check(bpcli, database, 4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR2])
def test_a_signal_ends_the_wait_for_a_server_that_is_away(
    number, bpcli, search, database, server, tmp_path, shell
):
    command = ["tune", "-o", tmp_path / "s", *search, *LONGER, "--trials", 4, "--jobs", 2,
               "--storage", database]  # fmt: skip
    process = shell(*command)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), process)
    server.stop()
    try:
        read_until(process.stderr, f"waiting for the database at {database.rpartition('@')[2]} (")
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    finally:
        server.start()
    assert process.returncode == 128 + number
    assert "stopped and saved in " in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
    _, stderr = shell(*command).communicate(timeout=150)
    check(bpcli, database, 4)


def test_workers_behind_a_pooler(bpcli, search, pooler, tmp_path, shell):
    commands = [
        shell(
            "tune",
            "-o",
            tmp_path / f"s{i}",
            *search,
            "--trials",
            8,
            "--jobs",
            2,
            "--storage",
            pooler,
        )
        for i in range(2)
    ]
    for process in commands:
        _, stderr = process.communicate(timeout=150)
        assert process.returncode == 0, stderr
        assert all(line.startswith("waiting for ") for line in stderr.splitlines())
    check(bpcli, pooler, 8)


def test_a_server_with_few_connections_serves_many_workers(
    bpcli, search, database, server, tmp_path, shell
):
    name = database.rpartition("/")[2]
    server.ask(f"ALTER DATABASE {name} CONNECTION LIMIT 4")
    server.ask(f"CREATE ROLE few{name} LOGIN")  # as no limit holds for whoever made the database
    server.ask(f"ALTER DATABASE {name} OWNER TO few{name}")
    url = database.replace(f"//{server.user}@", f"//few{name}@")
    commands = [
        shell(
            "tune", "-o", tmp_path / f"s{i}", *search, "--trials", 6, "--jobs", 2, "--storage", url
        )
        for i in range(3)
    ]
    for process in commands:
        _, stderr = process.communicate(timeout=150)
        assert process.returncode == 0, stderr
        assert all(line.startswith("waiting for ") for line in stderr.splitlines())
    check(bpcli, database, 6)


def test_workers_wait_for_a_server_that_is_restarted(
    bpcli, search, database, server, tmp_path, shell
):
    command = ["tune", "-o", tmp_path / "s", *search, *LONGER, "--trials", 4, "--jobs", 2,
               "--storage", database]  # fmt: skip
    process = shell(*command)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), process)
    server.stop()
    read_until(process.stderr, "waiting for the database")
    server.start()
    _, stderr = process.communicate(timeout=150)
    assert process.returncode == 0
    where = database.rpartition("@")[2]
    assert all(
        line.startswith(f"waiting for the database at {where}") for line in stderr.splitlines()
    )
    check(bpcli, database, 4)


def test_a_password_on_the_command_line_is_warned_of(bpcli, search, database, tmp_path, shell):
    url = database.replace("@", ":secret@")
    process = shell("tune", "-o", tmp_path / "s", *search, "--trials", 1, "--storage", url)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "others see the password" in stderr


@pytest.mark.parametrize("change", [("/study", "/nothing"), ("127.0.0.1", "127.0.0.1.invalid")])
def test_a_database_that_is_not_there_is_told(
    change, bpcli, search, database, tmp_path, monkeypatch
):
    from bpcli.tuning import postgres

    monkeypatch.setattr(postgres, "IMPATIENT", 0.5)  # which is looked up when it is called
    url = database.replace(*change)
    message = bpcli("tune", "-o", tmp_path / "s", *search, "--storage", url, code=2).stderr
    *waiting, last = message.splitlines()
    assert "the database cannot be had" in last
    assert all(line.startswith("waiting for the database at ") for line in waiting)
