"""Files are whole or not there, one process writes to a path, and killed ones leave nothing."""

import errno
import os
import subprocess
import sys
import threading

import pytest

from bpcli.files.atomic import replacing, reserved


def test_a_file_appears_when_it_is_whole(tmp_path):
    (tmp_path / "file").write_text("old")
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "file").read_text() == "old"
    assert (tmp_path / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_an_error_leaves_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file"):
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_what_a_killed_process_left_is_replaced_and_never_followed(tmp_path):
    with replacing(tmp_path / "file"):
        (left,) = os.listdir(tmp_path)
    (tmp_path / "other").write_text("precious")
    (tmp_path / left).symlink_to("other")
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "other").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_a_path_is_held_once(tmp_path):
    with reserved(tmp_path / "file"):
        with pytest.raises(BlockingIOError), reserved(tmp_path / "file"):
            pass
        with reserved(tmp_path / "other"):
            pass
        (tmp_path / "link").symlink_to("file")
        with pytest.raises(BlockingIOError), reserved(tmp_path / "link"):
            pass
    with reserved(tmp_path / "file"):
        pass
    assert os.listdir(tmp_path) == ["link"]


def test_a_killed_process_lets_go(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from bpcli.files.atomic import reserved\n"
        "with reserved(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), reserved(tmp_path / "file"):
            pass
        process.kill()
    with reserved(tmp_path / "file"):
        pass
    assert os.listdir(tmp_path) == []


def hold_and_let_go(path, times, held):
    for _ in range(times):
        try:
            with reserved(path):
                assert not held
                held.append(1)
                held.pop()
        except BlockingIOError:
            pass


def test_many_in_a_row_hold_it_one_at_a_time(tmp_path):
    held = []
    threads = [
        threading.Thread(target=hold_and_let_go, args=(tmp_path / "file", 300, held))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_file_systems_without_locks_let_all_pass(tmp_path, monkeypatch, code):
    def flock(_descriptor, _how):
        raise OSError(code, "none here")

    monkeypatch.setattr("fcntl.flock", flock)
    with reserved(tmp_path / "file"):
        pass
