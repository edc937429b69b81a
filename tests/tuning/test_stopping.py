"""A study that is stopped, killed or left alone goes on, and its total holds."""

import os
import signal

import pytest
from signs import catches, wait_until
from trials import check_arrays, trials_of

SLOW = ["-s", "training.iterations=12000", "-s", "training.evaluate_every=200"]


def test_a_study_that_is_stopped_goes_on_to_the_same_arrays(bpcli, search, tmp_path, shell, tune):
    folder = tmp_path / "study"
    command = ["tune", "-o", folder, *search, *SLOW, "--trials", 2, "--jobs", 2]
    process = shell(*command)
    wait_until(lambda: len(list(folder.glob("*.part"))) == 2, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "go on with: " in stderr
    assert {trial["state"] for trial in trials_of(bpcli, folder)} == {"waiting"}
    fewer = [*command[:-4], "--trials", 2]
    assert tune(*fewer[1:]).stderr == ""
    trials = trials_of(bpcli, folder)
    assert [trial["state"] for trial in trials] == ["done", "done"]
    for trial in trials:
        check_arrays(bpcli, trial, [*search, *SLOW], folder)


@pytest.mark.long
def test_a_killed_worker_has_a_successor_and_the_total_holds(
    bpcli, search, tmp_path, shell, workers_of
):
    folder = tmp_path / "study"
    options = ["-s", "training.iterations=4000", "-s", "training.evaluate_every=500"]
    process = shell("tune", "-o", folder, *search, *options, "--trials", 4, "--jobs", 2)
    killed = set()
    for _ in range(2):
        wait_until(
            lambda: set(workers_of(process)) - killed and list(folder.glob("*.part")), process
        )
        killed.add(victim := min(set(workers_of(process)) - killed))
        os.kill(victim, signal.SIGKILL)
    _, stderr = process.communicate()
    assert (process.returncode, stderr) == (0, "")
    trials = trials_of(bpcli, folder)
    assert [trial["slot"] for trial in trials] == list(range(4))
    assert {trial["state"] for trial in trials} == {"done"}
    for trial in trials:  # also of those that were begun by a worker that died
        check_arrays(bpcli, trial, [*search, *options], folder)


def test_one_folder_has_one_command_at_a_time(bpcli, search, tmp_path, shell):
    folder = tmp_path / "study"
    process = shell("tune", "-o", folder, *search, *SLOW, "--trials", 2)
    wait_until(lambda: list(folder.glob("*.part")), process)
    assert "another bpcli tune works there" in bpcli("tune", "-o", folder, *search, code=2).stderr
    process.send_signal(signal.SIGINT)
    process.communicate()


def test_workers_that_are_always_killed_are_an_error(bpcli, search, tmp_path, shell, workers_of):
    process = shell("tune", "-o", tmp_path / "study", *search, *SLOW, "--trials", 2)

    def kill_all():
        for worker in workers_of(process):
            os.kill(worker, signal.SIGKILL)
        return process.poll() is not None

    wait_until(kill_all)
    assert process.returncode == 2
    assert "killed by signal 9 again and again" in process.communicate()[1]


def is_alive(group):
    """Whether a process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def has_handlers(process, _folder, _workers_of):
    return catches(process, signal.SIGTERM)  # as Python has a handler for Ctrl-C


def has_a_study(_process, folder, _workers_of):
    return (folder / "study.db").exists()


def has_workers(process, _folder, workers_of):
    return bool(workers_of(process))


def has_trials(_process, folder, _workers_of):
    return bool(list(folder.glob("*.part")))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize(
    "moment",
    [pytest.param(has_handlers, marks=pytest.mark.long), pytest.param(has_a_study, marks=pytest.mark.long),
     has_workers, pytest.param(has_trials, marks=pytest.mark.long)],
)  # fmt: skip
def test_ctrl_c_in_a_terminal_is_for_all_its_processes(
    moment, bpcli, search, tmp_path, shell, workers_of
):
    command = ["tune", "-o", tmp_path / "s", *search, *SLOW, "--trials", 4, "--jobs", 2]
    process = shell(*command, start_new_session=True)
    wait_until(lambda: moment(process, tmp_path / "s", workers_of), process)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.startswith(("stopped and saved in ", "stopped by SIGINT before the study "))
    assert stderr.count("\n") == 1
    wait_until(lambda: not is_alive(process.pid))


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGUSR1,
        *(pytest.param(n, marks=pytest.mark.long) for n in (signal.SIGUSR2, signal.SIGTERM)),
    ],
)
def test_signals_of_batch_systems_save(number, bpcli, search, tmp_path, shell):
    command = ["tune", "-o", tmp_path / "s", *search, *SLOW, "--trials", 1]
    process = shell(*command)
    wait_until(lambda: list((tmp_path / "s").glob("*.part")), process)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == 128 + number
    assert stderr.startswith(f"stopped and saved in {tmp_path / 's'}; go on with: ")
    assert [trial["state"] for trial in trials_of(bpcli, tmp_path / "s")] == ["waiting"]


def test_workers_end_with_the_command_that_has_started_them(bpcli, search, tmp_path, shell, tune):
    command = ["tune", "-o", tmp_path / "s", *search, *SLOW, "--trials", 2, "--jobs", 2]
    process = shell(*command, start_new_session=True)
    wait_until(lambda: len(list((tmp_path / "s").glob("*.part"))) == 2, process)
    process.kill()
    process.communicate()
    wait_until(lambda: not is_alive(process.pid))
    assert tune(*command[1:]).stderr == ""
    for trial in trials_of(bpcli, tmp_path / "s"):
        check_arrays(bpcli, trial, [*search, *SLOW], tmp_path / "s")
