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


@pytest.fixture
def share(bpcli, search, tmp_path, shell):
    """Run commands with two workers each on one study, at once, until they have ended it."""

    def call(url, commands, trials):
        options = [*search, "--trials", trials, "--jobs", 2, "--storage", url]
        folders = [tmp_path / f"s{i}" for i in range(commands)]
        for process in [shell("tune", "-o", folder, *options) for folder in folders]:
            _, stderr = process.communicate()
            assert process.returncode == 0, stderr
            assert all(line.startswith("waiting for ") for line in stderr.splitlines())
        check(bpcli, url, trials)

    return call


def test_commands_open_a_fresh_database_at_once(share, database):
    share(database, commands=2, trials=4)


@pytest.mark.long
def test_a_killed_worker_s_trial_is_run_by_another(bpcli, search, database, tmp_path, shell):
    command = ["tune", "-o", tmp_path / "s", *search, *LONGER, "--trials", 2, "--storage", database]
    first = shell(*command, start_new_session=True)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), first)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert shell(*command).communicate()[1] == ""
    check(bpcli, database, 2)
    assert list((tmp_path / "s").glob("trial-0000-try-2-seed-0.npz"))
    for trial in trials_of(bpcli, database):  # also of the first, which went on from its .part
        check_arrays(bpcli, trial, [*search, *LONGER], tmp_path / "s")


@pytest.mark.long
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
        _, stderr = other.communicate()
        assert (other.returncode, stderr) == (0, "")
    finally:
        os.kill(sleeper, signal.SIGCONT)
    _, stderr = one.communicate()
    assert (one.returncode, stderr) == (0, "")
    check(bpcli, database, 4)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR2])
def test_a_signal_ends_the_wait_for_a_server_that_is_away(
    number, bpcli, search, database, server, tmp_path, shell
):
    command = ["tune", "-o", tmp_path / "s", *search, *LONGER, "--trials", 2, "--jobs", 2,
               "--storage", database]  # fmt: skip
    process = shell(*command)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), process)
    server.stop()
    try:
        read_until(process.stderr, f"waiting for the database at {database.rpartition('@')[2]} (")
        process.send_signal(number)
        _, stderr = process.communicate()
    finally:
        server.start()
    assert process.returncode == 128 + number
    assert "stopped and saved in " in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
    _, stderr = shell(*command).communicate()
    check(bpcli, database, 2)


def test_workers_behind_a_pooler(share, pooler):
    share(pooler, commands=1, trials=3)


@pytest.mark.long
def test_a_server_with_few_connections_serves_many_workers(share, database, server):
    name = database.rpartition("/")[2]
    server.ask(f"ALTER DATABASE {name} CONNECTION LIMIT 4")
    server.ask(f"CREATE ROLE few{name} LOGIN")  # as no limit holds for whoever made the database
    server.ask(f"ALTER DATABASE {name} OWNER TO few{name}")
    share(database.replace(f"//{server.user}@", f"//few{name}@"), commands=3, trials=6)


@pytest.mark.long
def test_workers_wait_for_a_server_that_is_restarted(
    bpcli, search, database, server, tmp_path, shell
):
    command = ["tune", "-o", tmp_path / "s", *search, *LONGER, "--trials", 2, "--jobs", 2,
               "--storage", database]  # fmt: skip
    process = shell(*command)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), process)
    server.stop()
    read_until(process.stderr, "waiting for the database")
    server.start()
    _, stderr = process.communicate()
    assert process.returncode == 0
    where = database.rpartition("@")[2]
    assert all(
        line.startswith(f"waiting for the database at {where}") for line in stderr.splitlines()
    )
    check(bpcli, database, 2)


def test_a_password_on_the_command_line_is_warned_of(search, database, tmp_path, tune):
    url = database.replace("@", ":secret@")
    done = tune("-o", tmp_path / "s", *search, "--trials", 1, "--storage", url)
    assert "others see the password" in done.stderr


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
