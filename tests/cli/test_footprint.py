"""What commands leave behind them: the files that they are told to write, and no connection."""

import os
import subprocess
import sys
from pathlib import Path

# Python tells of all that it opens, moves, removes or connects to, in the children too.
WATCHED = """
import os, sys

log = os.open(os.environ["EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOVING = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")

def watch(event, args):
    if event == "open" and not isinstance(args[0], int) and args[2] & WRITING:
        note("write", args[0])
    elif event in MOVING:
        note("write", *(path for path in args if isinstance(path, (str, bytes, os.PathLike))))
    elif event == "sqlite3.connect":
        note("write", args[0].removeprefix("file://").partition("?")[0])
    elif event.startswith("socket.") and event != "socket.__new__":
        note("network", event)

def note(kind, *words):
    for word in words:
        os.write(log, f"{kind} {os.path.abspath(word)}\\n".encode(errors="backslashreplace"))

sys.addaudithook(watch)
"""


def test_commands_write_what_they_are_told_to_and_reach_for_no_network(
    one_by_one, every_command, tmp_path
):
    home, site = tmp_path / "home", tmp_path / "site"
    for folder in (home, site, tmp_path / "temporary"):
        folder.mkdir()
    (site / "sitecustomize.py").write_text(WATCHED)
    environment = os.environ | {
        "EVENTS": str(tmp_path / "events"),
        "HOME": str(home),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONPATH": os.pathsep.join([str(site), str(Path(__file__).parents[2])]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    connecting = "import socket; socket.socket().bind(('127.0.0.1', 0)); open('x', 'w')"
    subprocess.run([sys.executable, "-c", connecting], env=environment, cwd=tmp_path)
    seen = f"network {tmp_path}/socket.bind\nwrite {tmp_path}/x\n"
    assert (tmp_path / "events").read_text() == seen  # it would be told
    (tmp_path / "events").write_text("")
    before = files(tmp_path)
    done = one_by_one(*(c for c, _ in every_command), env=environment, cwd=tmp_path)
    assert {one.code for one in done} == {0}
    told = {str(tmp_path / name) for _, names in every_command for name in names}
    cache = {
        path for path in files(tmp_path) if "/matplotlib/" in path and path.startswith(str(home))
    }
    assert files(tmp_path) - before == told | cache
    events = set((tmp_path / "events").read_text().splitlines())
    assert {event for event in events if event.startswith("network ")} == set()
    folders = {os.path.dirname(name) for name in told}
    for path in {event.removeprefix("write ") for event in events}:
        is_hidden = os.path.dirname(path) in folders and ".bpcli." in os.path.basename(path)
        is_told = path in told or path.removesuffix(".part") in told or path in folders
        is_cache = path.startswith((f"{home}/.cache", f"{home}/.config"))  # matplotlib's
        assert is_hidden or is_told or is_cache or path == os.devnull, path


def files(folder):
    return {str(path) for path in folder.rglob("*") if path.is_file()}
