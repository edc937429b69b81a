"""Files are whole or not there, writers do not meet, and killed ones leave nothing."""

import errno
import fcntl
import io
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading

import pytest

from bpcli.errors import BusyError, FileError, PlaceError, SaveError
from bpcli.files import atomic, locks
from bpcli.files.atomic import copy_into_place, make_folder, remove, replacing, reserved

WRITES = 300
LOCK = fcntl.LOCK_EX | fcntl.LOCK_NB
SIZE = 200_000  # bytes: more than one write of the system's


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


def test_without_keeping_it_nothing_changes(tmp_path):
    (tmp_path / "file").write_text("old")
    with replacing(tmp_path / "file", keep=False):
        pass
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def write_often(path, byte, ready, failures, times=WRITES):
    ready.wait()
    for _ in range(times):
        try:
            with replacing(path) as file:
                file.write(byte * SIZE)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one too many
            failures.put(str(error))


def test_two_writers_do_not_meet_and_a_reader_sees_whole_files(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)  # to meet more often
    context = multiprocessing.get_context("fork")
    ready, failures = context.Barrier(3), context.SimpleQueue()
    path = tmp_path / "result"
    path.write_bytes(b"a" * SIZE)
    writers = [
        context.Process(target=write_often, args=(path, byte, ready, failures))
        for byte in (b"a", b"b")
    ]
    for writer in writers:
        writer.start()
    ready.wait()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        content = path.read_bytes()
        assert len(content) == SIZE
        assert len(set(content)) == 1
        seen.add(content[:1])
    for writer in writers:
        writer.join()
    assert failures.empty(), failures.get()
    assert path.read_bytes() in (b"a" * SIZE, b"b" * SIZE)
    assert os.listdir(tmp_path) == ["result"]


CHILD = """
import sys, time
from bpcli.files import atomic, locks
with atomic.replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def begin(tmp_path):
    """Begin to write a file in a process of its own, until that gets a line or a signal."""
    processes = []

    def start(name):
        command = [sys.executable, "-c", CHILD, str(tmp_path / name)]
        process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
        assert process.stdout.readline() == "begun\n"
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path, begin):
    killed, other = begin("file"), begin("other")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len(os.listdir(tmp_path)) == 2
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert len(os.listdir(tmp_path)) == 2  # what is of another file stays
    assert (tmp_path / "file").read_bytes() == b"new"
    other.communicate("\n")
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_what_a_living_writer_has_begun_stays(tmp_path, begin):
    living = begin("file")
    for _ in range(3):
        with replacing(tmp_path / "file") as file:
            file.write(b"first")
    assert (tmp_path / "file").read_bytes() == b"first"
    living.communicate("\n")
    assert living.returncode == 0
    assert (tmp_path / "file").read_bytes() == b"half"
    assert os.listdir(tmp_path) == ["file"]


def test_what_others_have_put_under_a_temporary_name_is_never_followed(tmp_path):
    with replacing(tmp_path / "file"):
        (left,) = os.listdir(tmp_path)
    (tmp_path / "other").write_text("precious")
    (tmp_path / left).symlink_to("other")
    (tmp_path / left.replace("-", "-1")).mkdir()
    os.mkfifo(tmp_path / left.replace("-", "-2"))
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "other").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == [left.replace("-", "-1"), "file", "other"]


def test_a_temporary_that_is_taken_for_a_killed_ones_is_made_again(tmp_path, monkeypatch):
    real, calls = locks.lock, []

    def lock(descriptor):
        if not calls:  # another writer was there first
            for name in os.listdir(tmp_path):
                os.unlink(tmp_path / name)
        calls.append(descriptor)
        if len(calls) == 2:
            raise BlockingIOError
        return real(descriptor)

    monkeypatch.setattr(locks, "lock", lock)
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert len(calls) == 3
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_disk_that_is_full_is_a_sentence_and_leaves_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")
    with (
        pytest.raises(
            SaveError, match=r"file: could not be written: No space left on device$"
        ) as caught,
        replacing(tmp_path / "file"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.exit_code == 1
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/file", "found no folder "),
        ("gone", "could not be written: No such file or directory"),
        ("x" * 300, "cannot be reached: File name too long"),
        ("a\0b", "that no name of a file has"),
        ("a\ud800b", "that no name of a file has"),
        ("loop", "cannot be reached: Too many levels of symbolic links"),
        ("folder", "found a folder, expected a file or nothing there"),
        ("pipe", "found a pipe, expected a file or nothing there"),
        ("device", "found a device, expected a file or nothing there"),
    ],
)
@pytest.mark.parametrize("use", [replacing, reserved])
def test_where_no_file_can_be_put_is_a_sentence(tmp_path, use, name, words):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("no/file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to(os.devnull)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(PlaceError) as caught, use(tmp_path / name):
        pass
    assert words in str(caught.value)
    assert caught.value.exit_code == 2
    assert sorted(os.listdir(tmp_path)) == before


def test_a_link_stays_one_and_what_it_names_is_replaced(tmp_path):
    (tmp_path / "link").symlink_to("new")
    with replacing(tmp_path / "link") as file:
        file.write(b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new").read_bytes() == b"content"


def test_a_copy_is_whole_or_not_there(tmp_path):
    (tmp_path / "source").write_bytes(b"content" * 100_000)
    copy_into_place(tmp_path / "source", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"content" * 100_000
    with pytest.raises(FileError, match="none: cannot be read: No such file"):
        copy_into_place(tmp_path / "none", tmp_path / "other")
    assert sorted(os.listdir(tmp_path)) == ["copy", "source"]


def test_a_copy_that_cannot_be_read_to_its_end_is_none(tmp_path, monkeypatch):
    class Failing(io.BytesIO):
        def read(self, _count):
            if self.tell():
                raise FileError("source: cannot be read: Input/output error")
            return super().read(4)

    monkeypatch.setattr(atomic, "open_file", lambda _path: Failing(b"content"))
    with pytest.raises(FileError, match="Input/output error"):
        copy_into_place(tmp_path / "source", tmp_path / "copy")
    assert os.listdir(tmp_path) == []


def test_files_are_removed_and_folders_made(tmp_path):
    make_folder(tmp_path / "a/b")
    make_folder(tmp_path / "a/b")
    (tmp_path / "a/b/file").write_text("")
    with pytest.raises(PlaceError, match=r"file: found a file, expected a folder or nothing there"):
        make_folder(tmp_path / "a/b/file")
    with pytest.raises(PlaceError, match=r"c: could not be made: Not a directory"):
        make_folder(tmp_path / "a/b/file/c")
    with pytest.raises(PlaceError, match=r"b: could not be removed: "):
        remove(tmp_path / "a/b")
    remove(tmp_path / "a/b/file")
    remove(tmp_path / "a/b/file")
    assert os.listdir(tmp_path / "a/b") == []


def test_a_path_is_held_once(tmp_path):
    with reserved(tmp_path / "file"):
        with pytest.raises(BusyError), reserved(tmp_path / "file"):
            pass
        with reserved(tmp_path / "other"):
            pass
        (tmp_path / "link").symlink_to("file")
        with pytest.raises(BusyError), reserved(tmp_path / "link"):
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
        with pytest.raises(BusyError), reserved(tmp_path / "file"):
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
        except BusyError:
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


def test_file_systems_without_locks_keep_what_may_be_a_living_writers(tmp_path, monkeypatch, begin):
    begin("file").send_signal(signal.SIGKILL)

    def flock(_descriptor, _how):
        raise OSError(errno.ENOLCK, "none here")

    monkeypatch.setattr("fcntl.flock", flock)
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert len(os.listdir(tmp_path)) == 2


def test_writers_take_turns_where_nothing_open_is_renamed(tmp_path, monkeypatch, begin):
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "CAN_MOVE_WHAT_IS_OPEN", False)
    monkeypatch.setattr(locks, "_lock_on_windows", lambda d: fcntl.flock(d, LOCK))
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
        left = [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
    (tmp_path / left[0]).write_text("of a killed writer")
    ready, failures = threading.Barrier(2), queue.SimpleQueue()
    threads = [
        threading.Thread(target=write_often, args=(tmp_path / "file", byte, ready, failures, 30))
        for byte in (b"a", b"b")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures.empty(), failures.get()
    assert os.listdir(tmp_path) == ["file"]
    assert len(set((tmp_path / "file").read_bytes())) == 1


def test_a_folder_that_cannot_be_listed_can_be_written_to(tmp_path, monkeypatch):
    def refuse(_folder):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("os.scandir", refuse)
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_folders_that_are_there_for_a_while(tmp_path, monkeypatch):
    with atomic.temporary_folder() as folder:
        (folder / "file").write_text("")
    assert not folder.exists()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with (
        pytest.raises(PlaceError, match="^no temporary folder could be made: No such file or dir"),
        atomic.temporary_folder(),
    ):
        pass
