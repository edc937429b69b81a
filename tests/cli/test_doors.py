"""Whatever a command is given where a file is expected, it ends at once, in one sentence."""

import errno
import json
import os
import re
import socket

import pytest

PLACES = ["pipe", "socket", "device", "folder", "none", "dangling", "loop", "x" * 300, "y/" * 3000]

READING = {
    "train": ["train", "{}"],
    "train on": ["train", "-s", "dataset.source={}"],
    "train from": ["train", "--init", "{}"],
    "resume": ["train", "--resume", "-o", "{}"],
    "tune show": ["tune", "--show", "{}"],
    "tune": ["tune", "{}", "-o", "study", "-s", "optimizer.learning_rate=log(0.1, 1)"],
    "eval": ["eval", "{}"],
    "eval on": ["eval", "model.npz", "--data", "{}"],
    "predict with": ["predict", "{}", "seven.png"],
    "predict": ["predict", "model.npz", "{}"],
    "config": ["config", "{}"],
    "graph": ["graph", "--config", "{}"],
    "graph of": ["graph", "--model", "{}"],
    "gradcheck": ["gradcheck", "{}"],
    "gradcheck of": ["gradcheck", "--model", "{}"],
    "data": ["data", "{}"],
    "report": ["report", "{}", "-o", "page.html"],
    "report on": ["report", "model.npz", "--data", "{}", "-o", "page.html"],
    "compare": ["compare", "{}"],
    "export": ["export", "{}", "-o", "digits.onnx"],
    "info": ["info", "{}"],
}
WRITING = {
    "train": ["train", "-o", "{}"],
    "graph": ["graph", "x", "x=1", "-o", "{}.svg"],
    "predict": ["predict", "model.npz", "seven.png", "-o", "{}.png"],
    "data": ["data", "tiny", "-o", "{}.npz"],
    "report": ["report", "model.npz", "-o", "{}.html"],
    "export": ["export", "model.npz", "-o", "{}.safetensors"],
}


@pytest.fixture
def place(model, folder):
    """Something of a kind by a name, in a folder with a model and a picture."""
    opened = []
    (folder / "seven.png").write_bytes(b"")

    def make(kind, name):
        if kind == "pipe":
            os.mkfifo(name)
        elif kind == "socket":
            listening = socket.socket(socket.AF_UNIX)
            opened.append(listening)
            listening.bind(name)
        elif kind == "folder":
            os.mkdir(name)
        elif kind in ("device", "dangling", "loop"):
            os.symlink({"device": "/dev/zero", "dangling": "nowhere", "loop": name}[kind], name)
        return name

    yield make
    for one in opened:
        one.close()


def refuse(bpcli, args):
    result = bpcli(*args, code=2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 or result.stderr.startswith("Usage: "), result.stderr
    assert "standard output" not in result.stderr
    assert len(result.stderr) < 3000
    return result.stderr


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind[:10])
def test_what_cannot_be_read_is_refused(command, kind, place, bpcli, tiny_options):
    name = place(kind, kind)
    words = refuse(bpcli, [arg.format(name) for arg in READING[command]])
    assert "Traceback" not in words
    expected = {"dangling": "nowhere, where nothing is", "loop": "Too many levels"}.get(kind)
    if expected and command not in (
        "gradcheck",
        "train on",
        "eval on",
        "report on",
        "data",
        "tune show",
    ):
        assert expected in words
    if kind in ("pipe", "socket", "device") and command not in ("gradcheck", "tune show"):
        assert f"{name}: found a {kind}" in words


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "~nobody/x", "x" * 50_000])
def test_names_that_a_configuration_can_have_and_no_file(name, bpcli, folder):
    (folder / "c.yaml").write_text(f"dataset: {{source: {json.dumps(name)}}}\n")
    for command in (["train"], ["gradcheck"], ["tune", "-o", "s", "-s", "seed=choice(1, 2)"]):
        assert "Traceback" not in refuse(bpcli, [*command, "c.yaml"])


@pytest.mark.parametrize("suffix", ["", ".npz", ".csv", ".yaml", ".png"])
def test_names_that_are_no_utf_8(suffix, bpcli, model, tiny, folder):
    name = os.fsdecode(b"caf\xe9" + suffix.encode())
    for command in (["train"], ["data"], ["eval"], ["predict", "model.npz"], ["config"]):
        refuse(bpcli, [*command, name])
    (folder / "c.yaml").write_text(f"dataset: {{source: {json.dumps(name)}}}\n")
    refuse(bpcli, ["train", "c.yaml"])


def test_what_is_called_so_is_read_all_the_same(bpcli, tiny_options, folder, tiny):
    data, model, config = (os.fsdecode(b"\xff" + name) for name in (b"data", b"m.npz", b"c.yaml"))
    os.rename(tiny, data)
    (folder / config).write_text(f"dataset: {{source: {json.dumps(data)}}}\n")
    bpcli("train", config, *tiny_options[2:], "-o", model)
    for command in (
        ["eval", model],
        ["info", model],
        ["compare", model],
        ["data", data],
        ["config", model],
    ):
        bpcli(*command)
    bpcli("train", "--resume", "-o", model)


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind[:10])
def test_where_nothing_can_be_written_is_refused(command, kind, place, bpcli, tiny_options):
    if kind in ("none", "dangling"):
        return  # there it can
    *args, output = [arg.format(kind) for arg in WRITING[command]]
    place(kind, output)
    options = tiny_options if command == "train" else []
    refuse(bpcli, [*args, output, *options])


def test_a_missing_picture_beside_an_output_that_is_there(bpcli, place, folder):
    (folder / "seen.png").write_bytes(b"\x89PNG")
    words = refuse(bpcli, ["predict", "model.npz", "none.png", "-o", "seen.png"])
    assert words == "none.png: cannot be read: No such file or directory\n"


def test_what_the_system_refuses_is_not_called_standard_output(bpcli, folder, monkeypatch):
    def refuse_it(_config):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("bpcli.training.config.to_yaml", refuse_it)
    words = refuse(bpcli, ["config"])
    assert words == "the system has refused what bpcli needs: Too many open files\n"


def test_folders_that_nobody_may_look_into(bpcli, place, monkeypatch):
    """As the tests may run as root, whom nothing is refused, the system's answers are replaced."""

    def refuse_it(path, *_args, **_options):
        if "closed" in os.fspath(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *_args, **_options)

    real = os.stat
    monkeypatch.setattr(os, "stat", refuse_it)
    for name, args in READING.items():
        words = refuse(bpcli, [arg.format("closed/it") for arg in args])
        assert re.match(r"closed/it(/study\.db)?: cannot be reached: Permission denied", words), (
            name
        )


@pytest.mark.parametrize(
    "kind", [kind for kind in PLACES if kind not in ("folder", "none")], ids=lambda k: k[:10]
)
def test_where_no_study_can_be_is_refused(kind, place, bpcli, search):
    pytest.importorskip("optuna")
    refuse(bpcli, ["tune", "-o", place(kind, kind), *search])


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder", "dangling", "loop"])
@pytest.mark.parametrize("name", ["study.db", "best.yaml"])
def test_what_cannot_be_a_file_of_a_study_is_refused(kind, name, place, bpcli, search, folder):
    pytest.importorskip("optuna")
    (folder / "study").mkdir()
    place(kind, f"study/{name}")
    refuse(bpcli, ["tune", "-o", "study", *search])
    if name == "study.db":
        refuse(bpcli, ["tune", "--show", "study"])
