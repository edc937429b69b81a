"""Whatever stands at a path, and whatever a path is, it is opened or refused in a sentence."""

import os
import re
import socket
import threading
from pathlib import Path

import pytest

from bpcli.errors import DatasetError, FileError
from bpcli.files.path import (
    expand,
    is_same_file,
    link_target,
    list_folder,
    look,
    open_file,
    read_start,
    resolve,
)
from bpcli.files.source import read_split

NAMES = {
    "too long": "x" * 300,
    "a NUL": "a\0b",
    "a lone surrogate": "a\ud800b",
    "all too long": "y" * 200_000,
}


@pytest.fixture
def places(tmp_path, monkeypatch):
    """One of each kind of thing that can stand in a folder, by name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    (tmp_path / "device").symlink_to(os.devnull)
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize("name", ["file", "folder", "pipe", "socket", "device"])
def test_what_stands_there_is_told(places, name):
    assert look(name) == name
    assert look(places / name) == name


def test_nothing_is_told(places):
    assert look("none") == look("file/none") == look("dangling") == "nothing"


@pytest.mark.parametrize("name", ["folder", "pipe", "socket", "device"])
def test_only_files_are_opened(places, name):
    with pytest.raises(DatasetError, match=rf"^{name}: found a {name}, expected a file$"):
        open_file(name, DatasetError)


def test_what_takes_the_place_of_a_file_is_not_waited_for(places, monkeypatch):
    monkeypatch.setattr("bpcli.files.path.look", lambda _path, _kind: "file")
    with pytest.raises(DatasetError, match=r"^pipe: found a pipe, expected a file$"):
        open_file("pipe", DatasetError)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("ask", [look, open_file, list_folder, resolve])
def test_what_no_file_can_be_called_is_a_sentence(places, ask, name):
    if ask is resolve and len(name) > 100:
        return  # it needs not be there
    with pytest.raises(FileError) as caught:
        ask(places / name)
    words = str(caught.value)
    assert (
        re.search("cannot be rea.*: File name too long$", words)
        or "that no name of a file has" in words
    )
    assert "\n" not in words
    assert len(words) < 1200


def test_a_link_to_nothing_says_where_it_leads(places):
    assert link_target("dangling") == "nowhere"
    assert not link_target("file")
    with pytest.raises(FileError, match="^dangling: .*it is a link to nowhere, where nothing is$"):
        open_file("dangling")


def test_links_that_go_round_are_a_sentence(places):
    assert look("loop") == "nothing"
    for ask in (open_file, resolve, list_folder):
        with pytest.raises(FileError, match=r"^loop: cannot be re.*: Too many levels"):
            ask(Path("loop"))


def test_an_unreadable_file_is_a_sentence(places, monkeypatch):
    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(FileError, match=r"^file: cannot be read: Permission denied$"):
        open_file("file")


def test_a_disk_that_fails_while_reading_is_a_sentence(places):
    with open_file("file") as file, open_file("file") as other:
        for opened in (file, other):
            folder = os.open(".", os.O_RDONLY)
            os.dup2(folder, opened.fileno())  # of which the system says no less
            os.close(folder)
        with pytest.raises(FileError, match=r"^file: cannot be read: Is a directory$"):
            file.read()
        with pytest.raises(FileError, match=r"^file: cannot be read: Is a directory$"):
            other.read(1)


def test_a_folder_is_listed_in_order(places):
    assert [path.name for path in list_folder(places)][:2] == ["dangling", "device"]
    with pytest.raises(FileError, match="none: cannot be read: No such file or directory"):
        list_folder(places / "none")


def test_a_file_that_grows_is_read_as_it_was(places):
    with open_file("file") as file, open("file", "ab") as writer:
        writer.write(b" and more" * 10_000)
        writer.flush()
        assert file.read(3) == b"con"
        assert file.read() == b"tent"
        assert file.seek(-2, os.SEEK_END) == 5
        assert file.read(99) == b"nt"
        assert file.seek(3) == 3
        assert list(file) == [b"tent"]
        file.seek(99)
        assert file.read() == file.read(1) == b""


def test_a_file_that_never_stops_growing_has_an_end(places):
    stop = threading.Event()

    def grow():
        with open("file", "ab") as writer:
            while not stop.is_set():
                writer.write(b"1" * 4096)
                writer.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with open_file("file") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            assert len(file.read()) == size
    finally:
        stop.set()
        writer.join()


def test_a_file_that_has_become_shorter_ends_earlier(places):
    with open_file("file") as file:
        os.truncate("file", 3)
        assert file.read() == b"con"


def test_the_start_of_a_file(places):
    assert read_start("file", 3) == b"con"
    assert read_start("file", 300) == b"content"


def test_homes(places, monkeypatch):
    monkeypatch.setenv("HOME", str(places))
    assert expand("~/file") == places / "file"
    with pytest.raises(DatasetError, match="^~nosuch/x: cannot be reached: found no such home$"):
        expand("~nosuch/x", DatasetError)


def test_one_file_by_two_names(places):
    (places / "link").symlink_to("file")
    assert is_same_file("file", places / "link")
    assert not is_same_file("file", "folder")
    assert not is_same_file("file", "none")
    assert not is_same_file("file", "a\0b")
    assert resolve("link") == (places / "file").resolve()


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs /proc")
def test_what_says_nothing_of_its_size_is_refused(places):
    with pytest.raises(FileError, match="maps: found a file of the system's own, expected a file$"):
        open_file("/proc/self/maps")
    open("empty", "w").close()
    assert read_start("empty", 9) == b""


def test_a_working_directory_that_is_gone(places, monkeypatch):
    (places / "gone").mkdir()
    monkeypatch.chdir(places / "gone")
    (places / "gone").rmdir()
    with pytest.raises(FileError, match=r"^\.: cannot be reached: No such file or directory$"):
        resolve(".")
    assert look("file") == "nothing"
    with pytest.raises(
        DatasetError, match=r"^data: found nothing there \(looked for in a folder that is"
    ):
        read_split("data", "train", places)
