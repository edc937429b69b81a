"""Where a model is written: whole or not there, by one run, and never over what is no model."""

import errno
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from bpcli.errors import (
    CheckpointError,
    SaveError,
)
from bpcli.training.checkpoint import load
from bpcli.training.loop import train
from bpcli.training.output import Output, save


@pytest.fixture
def run(make_run):
    run = make_run("optimizer.method=momentum", "network.dropout=0.2")
    list(train(run))
    return run


@pytest.fixture
def model(run, tmp_path):
    path = tmp_path / "model.npz"
    save(path, run)
    return path


def test_find_prefers_the_unfinished_run(run, tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(CheckpointError, match=r"m.npz.part: found neither it nor .*m.npz; train"):
        Output(path).find()
    save(path, run)
    assert Output(path).find().path == path
    Output(path).save(run)
    assert Output(path).find().path == Output(path).part
    Output(path).finish(run)
    assert set(os.listdir(tmp_path)) == {"tiny", "m.npz"}


def test_a_failed_write_leaves_the_old_model(model, run, monkeypatch, tmp_path):
    before = model.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(
        SaveError, match=r"model.npz: could not be written: No space left on device"
    ):
        save(model, run)
    assert model.read_bytes() == before
    assert set(os.listdir(tmp_path)) == {"tiny", "model.npz"}


def test_a_symbolic_link_stays_one(run, tmp_path):
    (tmp_path / "link.npz").symlink_to("target.npz")
    save(tmp_path / "link.npz", run)
    assert (tmp_path / "link.npz").is_symlink()
    assert load(tmp_path / "target.npz").iteration == 60


def test_where_nothing_can_be_written_is_known_before(tmp_path):
    with Output(tmp_path / "m.npz").reserved():
        pass
    assert os.listdir(tmp_path) == []
    for name, expected in (
        ("no/m.npz", "no model can be written there: No such file or directory"),
        ("x" * 300, "no model can be written there: File name too long"),
        ("x" * 253, "no model can be written there: File name too long"),
        (".", "found a folder, expected a file name"),
    ):
        with pytest.raises(CheckpointError, match=expected), Output(tmp_path / name).reserved():
            pass
    (tmp_path / "m.npz.part").mkdir()
    with (
        pytest.raises(CheckpointError, match=r"m.npz.part: found a folder, expected a file name"),
        Output(tmp_path / "m.npz").reserved(),
    ):
        pass


def test_a_second_run_to_the_same_output_is_refused(bpcli, tiny_options, tmp_path):
    model = tmp_path / "model.npz"
    for held in (model, Output(model).part):
        with Output(held).reserved():
            result = bpcli("train", *tiny_options, "-o", model, code=2)
        assert result.stderr == (
            f"{model}: another run is writing there; wait for its end, or choose another file "
            "with -o\n"
        )
    bpcli("train", *tiny_options, "-o", model)


def outcome(path):
    """The arrays of a model file, or None where there is none."""
    if not path.exists():
        return None
    saved = load(path)  # it is whole, or this raises
    return {name: array.tobytes() for name, array in saved.arrays.items()}


def kill_at_random(shell, bpcli, options, folder, times, rng):
    """Kill a run that saves all the time at so many moments; check what is left after each.

    Returns how many of the runs were killed before their end.
    """
    options = [*options, "-s", "training.evaluate_every=1"]
    whole, model = folder / "whole.npz", folder / "model.npz"
    start = time.perf_counter()
    with shell("train", *options, "-o", whole) as process:
        assert process.wait() == 0
    took = time.perf_counter() - start
    expected, old, killed = outcome(whole), None, 0
    for _ in range(times):
        with shell("train", *options, "-o", model) as process:
            time.sleep(rng.uniform(0.3, 1) * took)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert outcome(model) in (old, expected)
        if outcome(Output(model).part):
            bpcli("eval", Output(model).part)
            bpcli("train", *options, "-o", model, "--resume")
            assert outcome(model) == expected
        old = outcome(model)
        left = [name for name in os.listdir(folder) if name.startswith(".")]
        assert len(left) <= 4, left  # at most one of each kind, however many runs were killed
    bpcli("train", *options, "-o", model)
    assert outcome(model) == expected
    assert sorted(os.listdir(folder)) == ["model.npz", "tiny", "whole.npz"]
    return killed


def test_a_run_that_is_killed_loses_nothing(shell, bpcli, tiny_options, tmp_path, rng, request):
    times = 200 if request.config.getoption("--long") else 12
    killed = kill_at_random(shell, bpcli, tiny_options, tmp_path, times, rng)
    assert killed > times / 2


def test_archives_of_others_are_not_taken_for_models(bpcli, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, x=np.zeros(3), metadata="mine")
    before = path.read_bytes()
    result = bpcli("train", "-o", path, code=2)
    assert "found a file that is no model" in result.stderr
    assert path.read_bytes() == before


def test_a_file_that_appears_during_a_run_is_not_replaced(make_run, tmp_path):
    run = make_run()
    list(train(run))
    (tmp_path / "m.npz").write_text("precious")
    save(tmp_path / "m.npz.part", run)
    with pytest.raises(CheckpointError, match="found a file that is no model"):
        Output(tmp_path / "m.npz").finish(run)
    assert (tmp_path / "m.npz").read_text() == "precious"
    assert load(tmp_path / "m.npz.part").iteration == run.iteration
    (tmp_path / "m.npz.part").unlink()
    for stands_there in ("file", "folder"):
        if stands_there == "folder":
            (tmp_path / "m.npz").unlink()
            (tmp_path / "m.npz").mkdir()
        with pytest.raises(CheckpointError, match=r"the finished run is in .*m.npz.part$"):
            Output(tmp_path / "m.npz").finish(run)
        assert load(tmp_path / "m.npz.part").iteration == run.iteration
        (tmp_path / "m.npz.part").unlink()


def test_a_file_that_cannot_be_read_is_not_replaced(make_run, tmp_path, monkeypatch):
    run = make_run("training.iterations=1")
    list(train(run))
    path = tmp_path / "m.npz"
    path.write_text("precious")
    opened = Path.open

    def refuse(self, *args):
        if self == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(
            SaveError, match="could not be written: Permission denied; the finished"
        ):
            Output(path).finish(run)
    assert path.read_text() == "precious"
    assert load(tmp_path / "m.npz.part").iteration == run.iteration


def test_no_file_of_others_is_removed_or_replaced_for_an_unfinished_run(make_run, tmp_path):
    run = make_run()
    part = tmp_path / "m.npz.part"
    part.write_text("precious")
    for _ in train(run):
        with pytest.raises(CheckpointError, match="found a file that is no model"):
            save(part, run)
        break
    list(train(run))
    Output(tmp_path / "m.npz").finish(run)
    assert part.read_text() == "precious"
    assert load(tmp_path / "m.npz").iteration == run.iteration
