"""The contract with the shell: exit codes, what goes to which stream, files, signals, pipes."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import time

import numpy as np
import pytest
from conftest import write_folder

from bpcli import __version__, checkpoint
from bpcli.cli import main

SLOW = ["-s", "training.iterations=2000000", "-s", "training.evaluate_every=500"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, empty but for the small data set."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options)
    return folder / "model.npz"


def arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].tobytes() for name in archive.files if name != "metadata"}


def test_train_prints_a_line_for_each_evaluation(bpcli, tiny_options, folder):
    result = bpcli("train", *tiny_options, "-o", "m.npz")
    lines = result.stdout.splitlines()
    assert result.stderr == ""
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["iteration", str(n)] for n in (12, 24, 36, 48, 60)
    ]
    line = r"iteration +12  epoch +1.00  loss \d\.\d{4}  train +\d+\.\d\d%  test +\d+\.\d\d% +[\d,]+ images/s"
    assert re.fullmatch(line, lines[0])
    assert re.fullmatch(r"m.npz: test accuracy 100.00% after \d+\.\d s", lines[-1])
    assert set(os.listdir(folder)) == {"tiny", "m.npz"}


def test_train_json(bpcli, tiny_options, folder):
    result = bpcli("train", *tiny_options, "--json")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    fields = [
        "iteration",
        "epoch",
        "loss",
        "train_accuracy",
        "test_accuracy",
        "images_per_second",
        "seconds",
    ]
    assert [list(record) for record in records[:-1]] == [fields] * 4
    assert list(records[-1]) == [*fields, "done", "model"]
    assert (records[-1]["done"], records[-1]["model"]) == (True, "model.npz")
    assert 0 <= records[0]["test_accuracy"] <= 1
    held_out = bpcli("train", *tiny_options, "--json", "-s", "dataset.validation=20")
    assert "validation_accuracy" in json.loads(held_out.stdout.splitlines()[0])
    assert "test_accuracy" not in json.loads(held_out.stdout.splitlines()[0])


def test_quiet_prints_the_end_only(bpcli, tiny_options, folder):
    assert len(bpcli("train", *tiny_options, "-q").stdout.splitlines()) == 2
    (line,) = bpcli("train", *tiny_options, "-q", "--json").stdout.splitlines()
    assert json.loads(line)["done"] is True


def test_a_seed_gives_the_same_arrays_in_the_file(bpcli, tiny_options, folder):
    for name in ("a.npz", "b.npz"):
        bpcli("train", *tiny_options, "-o", name)
    assert arrays("a.npz") == arrays("b.npz")


def test_eval_prints_accuracy_and_the_confusion_matrix(bpcli, model):
    lines = bpcli("eval", model).stdout.splitlines()
    assert lines[0] == f"{model}: 40 test images"
    assert re.fullmatch(r"accuracy 100.00%, loss 0\.\d{4}", lines[1])
    assert [line.split() for line in lines[4:]] == [
        ["0", "1", "2", "3"],
        ["0", "100.0%", "100.0%", "10", "0", "0", "0"],
        ["1", "100.0%", "100.0%", "0", "10", "0", "0"],
        ["2", "100.0%", "100.0%", "0", "0", "10", "0"],
        ["3", "100.0%", "100.0%", "0", "0", "0", "10"],
    ]


def test_eval_json(bpcli, model):
    found = json.loads(bpcli("eval", model, "--json", "--split", "train").stdout)
    assert list(found) == ["model", "split", "images", "accuracy", "loss", "confusion", "per_class"]
    assert (found["model"], found["split"], found["images"]) == (str(model), "train", 120)
    assert np.trace(found["confusion"]) == found["accuracy"] * 120
    assert found["per_class"][0] == {"precision": 1.0, "recall": 1.0}


def test_eval_shows_the_most_confident_mistakes(bpcli, tiny_options, folder, monkeypatch):
    bpcli("train", *tiny_options, "-s", "training.iterations=2")
    found = json.loads(bpcli("eval", "model.npz", "--json", "--mistakes", 3).stdout)
    wrong = 40 - np.trace(found["confusion"])
    assert len(found["mistakes"]) == min(3, wrong) == 3
    assert all(m["label"] == m["index"] % 4 != m["predicted"] for m in found["mistakes"])
    margins = [mistake["margin"] for mistake in found["mistakes"]]
    assert margins == sorted(margins, reverse=True)
    assert margins[-1] > 0
    every = bpcli("eval", "model.npz", "--json", "--mistakes", 99).stdout
    assert len(json.loads(every)["mistakes"]) == wrong

    monkeypatch.setenv("COLUMNS", "60")
    lines = bpcli("eval", "model.npz", "--mistakes", 3).stdout.splitlines()
    places = [i for i, line in enumerate(lines) if "taken for" in line]
    captions = [
        f"#{m['index']}: {m['label']}, taken for {m['predicted']}" for m in found["mistakes"]
    ]
    assert [re.split(r" {2,}", lines[i]) for i in places] == [captions[:2], captions[2:]]
    assert places[1] - places[0] == 1 + 6 // 2 + 1  # two rows of pixels in one of text


def test_eval_without_mistakes_shows_none(bpcli, model):
    assert "taken for" not in bpcli("eval", model, "--mistakes", 5).stdout
    assert json.loads(bpcli("eval", model, "--json", "--mistakes", 5).stdout)["mistakes"] == []


def test_a_model_of_upright_images_makes_those_upright_that_it_is_measured_on(
    bpcli, tiny_options, folder
):
    upright = ["-s", "dataset.deskew=true"]
    train = json.loads(bpcli("train", *tiny_options, *upright, "--json", "-q").stdout)
    found = json.loads(bpcli("eval", "model.npz", "--json", "--split", "train").stdout)
    assert found["loss"] == train["loss"]
    source = tiny_options[1].partition("=")[2]
    data = json.loads(
        bpcli("eval", "model.npz", "--json", "--split", "train", "--data", source).stdout
    )
    assert data == found


def test_eval_of_a_class_that_is_never_predicted(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "network.weight_init=0", "-s", "training.iterations=1")
    assert re.search(r"^ +\d +- +0\.0% ", bpcli("eval", "model.npz").stdout, re.MULTILINE)
    classes = json.loads(bpcli("eval", "model.npz", "--json").stdout)["per_class"]
    assert {"precision": None, "recall": 0.0} in classes


def test_eval_guards_accuracy(bpcli, model, folder, rng):
    bpcli("eval", model, "--min-accuracy", "1")
    noise = write_folder(folder / "noise", rng, test=39)
    images = noise / "t10k-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:16] + bytes(36 * 39))
    result = bpcli("eval", model, "--data", noise, "--min-accuracy", "0.97", code=1)
    assert re.search(r"model.npz: accuracy 0.2\d+ is below the 0.97 asked for", result.stderr)
    assert "accuracy 2" in result.stdout
    bpcli("eval", model, "--data", noise)


def test_gradcheck_checks_every_gradient(bpcli, tiny_options):
    result = bpcli("gradcheck", *tiny_options)
    alone = "each layer alone: Affine1 ok, ReLU1 ok, Affine2 ok, SoftmaxWithLoss ok"
    assert result.stdout.splitlines()[0] == alone
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[:2] for line in lines[2:-1]] == [
        ["Affine1", "W1"], ["Affine1", "b1"], ["Affine2", "W2"], ["Affine2", "b2"],
    ]  # fmt: skip
    assert result.stdout.splitlines()[-1].startswith("332 gradients on 3 images")
    assert "all agree" in result.stdout


def test_gradcheck_of_the_books_network(bpcli):
    found = json.loads(bpcli("gradcheck", "--json").stdout)
    assert (found["passed"], found["checked"], found["samples"]) == (True, 39_760, 3)
    assert [(row["layer"], row["name"], row["shape"], row["checked"]) for row in found["parameters"]] == [
        ("Affine1", "W1", [784, 50], 39_200), ("Affine1", "b1", [50], 50),
        ("Affine2", "W2", [50, 10], 500), ("Affine2", "b2", [10], 10),
    ]  # fmt: skip
    assert set(found) == {
        "passed", "method", "samples", "tolerance", "checked", "kinks", "seconds", "layers",
        "parameters",
    }  # fmt: skip
    assert set(found["parameters"][0]) == {
        "layer", "name", "shape", "checked", "kinks", "max_relative_error", "worst_index",
        "backprop", "numerical", "ratio", "passed", "problem",
    }  # fmt: skip
    assert [(row["layer"], row["name"]) for row in found["layers"]] == [
        ("Affine1", "x"), ("Affine1", "W1"), ("Affine1", "b1"), ("ReLU1", "x"),
        ("Affine2", "x"), ("Affine2", "W2"), ("Affine2", "b2"), ("SoftmaxWithLoss", "x"),
    ]  # fmt: skip
    assert found["kinks"] == 0
    assert all(row["max_relative_error"] < 1e-6 for row in found["parameters"])


def test_gradcheck_of_a_trained_model(bpcli, model):
    found = json.loads(bpcli("gradcheck", "--model", model, "--samples", 7, "--json").stdout)
    assert (found["passed"], found["samples"], found["checked"]) == (True, 7, 332)
    result = bpcli("gradcheck", "--model", model, "-s", "seed=1", code=2)
    assert "--model brings its own configuration" in result.stderr


def test_gradcheck_fails_when_a_gradient_is_wrong(bpcli, tiny_options, monkeypatch):
    from bpcli.layers import ReLU

    right = ReLU.backward
    monkeypatch.setattr(ReLU, "backward", lambda self, dout: right(self, dout) * 1.001)
    result = bpcli("gradcheck", *tiny_options, code=1)
    assert re.search(r"^Affine1 +W1 .* FAILED$", result.stdout, re.MULTILINE)
    assert re.search(r"^ReLU1: the gradient by x is wrong", result.stdout, re.MULTILINE)
    assert result.stdout.endswith(" s: ReLU1 FAILED\n")
    bpcli("gradcheck", *tiny_options, "--tolerance", "0.01")


def test_config_prints_what_loads_back(bpcli, folder):
    result = bpcli("config", "-s", "training.batch_size=7", "-s", "network.hidden=[3, 4]")
    (folder / "c.yaml").write_text(result.stdout)
    assert "batch_size: 7" in result.stdout
    assert bpcli("config", "c.yaml").stdout == result.stdout


ERRORS = [
    (["train", "no.yaml"], 2, "no.yaml: cannot be read: No such file or directory"),
    (["train", "-s", "training.batchsize=5"], 2, "unknown key; did you mean training.batch_size?"),
    (["train", "-s", "dataset.source=no"], 2, "no: found nothing there, expected mnist, a folder"),
    (["train", "-s", "dataset.validation=60000"], 2, "dataset.validation: found 60000, expected fewer"),
    (["train", "-o", "/nonexistent/x.npz"], 2, "/nonexistent/x.npz: no model can be written there"),
    (["train", "-o", "tiny"], 2, "tiny: found a folder, expected a file name for the model"),
    (["train", "-o", "."], 2, ".: found a folder, expected a file name for the model"),
    (["train", "-o", ""], 2, ".: found a folder, expected a file name for the model"),
    (["train", "-o", "/"], 2, "/: found a folder, expected a file name for the model"),
    (["train", "-o", ".", "--resume"], 2, ".: found a folder, expected a file name for the model"),
    (["train", "-o", "c.yaml"], 2, "c.yaml: found a file that is no model, expected a model to replace"),
    (["train", "--resume"], 2, "model.npz.part: found neither it nor model.npz"),
    (["train", "--threads", "0"], 2, "0 is not in the range x>=1"),
    (["train", "a.yaml", "b.yaml"], 2, "Got unexpected extra argument (b.yaml)"),
    (["train", "-s", "optimizer.learning_rate=1e30"], 1, "training diverged: the loss is nan at"),
    (["eval"], 2, "Missing argument 'MODEL'"),
    (["eval", "no.npz"], 2, "no.npz: cannot be read: No such file or directory"),
    (["eval", "c.yaml"], 2, "c.yaml: found no model, or a damaged one, expected an .npz"),
    (["eval", "model.npz", "--split", "x"], 2, "'x' is not one of 'test', 'train'"),
    (["eval", "model.npz", "--data", "mnist"], 2, "test images: found 784 pixels, expected 36"),
    (["eval", "model.npz", "--data", "no"], 2, "no: found nothing there, expected mnist"),
    (["gradcheck", "--model", "no.npz"], 2, "no.npz: cannot be read: No such file or directory"),
    (["eval", "model.npz", "--data", ""], 2, ".: found none of t10k-images"),
    (["gradcheck", "--model", ""], 2, ".: cannot be read: Is a directory"),
    (["config", "-s", "network=5"], 2, "network: found 5, expected its keys, as in network.hidden: [50]"),
    (["gradcheck", "--samples", "0"], 2, "0 is not in the range"),
    (["config", "c.yaml"], 2, "c.yaml:2: zeed: unknown key; did you mean seed?"),
    (["eval", "model.npz", "--min-accuracy", "nan"], 2, "'nan' is not a number"),
    (["gradcheck", "--tolerance", "1e-320"], 2, "1e-320 is not in the range 1e-15<=x<=1"),
    (["train", "-s", "dataset.source=~nosuch/x"], 2, "~nosuch/x: cannot be read: Could not determine"),
    (["train", "-s", "dataset.source=" + "x" * 300], 2, "cannot be read: [Errno 36] File name too long"),
    (["train", "-o", "x" * 300, "--resume"], 2, "no model can be written there: File name too long"),
    (["train", "-o", "/dev/null"], 2, "/dev/null: found a device or a pipe, expected a file name"),
    (["train", "-s", "network.hidden=[1000000, 1000000]"], 2, "network.hidden: this run needs 28,005.0 GB of memory, and there are "),
    (["trane"], 2, "No such command 'trane'"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "code", "message"), ERRORS)
def test_mistakes_are_said_in_a_sentence(args, code, message, bpcli, model, folder):
    (folder / "c.yaml").write_text("\nzeed: 1\n")
    before = model.read_bytes()
    if args[0] == "train" and "dataset.source" not in str(args) and "validation" not in str(args):
        args = [*args, "-s", "dataset.source=tiny"]
    if args == ["train", "--resume", *args[2:]]:
        model.rename(folder / "moved.npz")
    result = bpcli(*args, code=code)
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert (model if model.exists() else folder / "moved.npz").read_bytes() == before


def test_memory_that_runs_out_all_the_same(bpcli, tiny_options, folder, monkeypatch):
    monkeypatch.setattr("bpcli.memory.available", lambda: 2**60)
    result = bpcli("train", *tiny_options, "-s", "network.hidden=[1000000, 1000000]", code=2)
    assert result.stderr.startswith("out of memory: Unable to allocate")


def test_all_mistakes_in_a_file_are_said_at_once(bpcli, folder):
    (folder / "c.yaml").write_text("seed: x\ntraining:\n  batch_size: 0\n  iteration: 5\n")
    lines = bpcli("train", "c.yaml", code=2).stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["c.yaml:1:", "c.yaml:3:", "c.yaml:4:"]


def wait_for(process, path):
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_says_how_to_go_on(shell, bpcli, tiny_options, folder, number):
    process = shell("train", *tiny_options, *SLOW, "-o", "a b.npz")
    wait_for(process, folder / "a b.npz.part")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    done = checkpoint.load(folder / "a b.npz.part").iteration
    assert stderr == (
        f"stopped at iteration {done} and saved in a b.npz.part; "
        "go on with: bpcli train -o 'a b.npz' --resume\n"
    )
    assert set(os.listdir(folder)) == {"tiny", "a b.npz.part"}


def test_resume_goes_on_to_the_same_arrays(shell, bpcli, tiny_options, folder):
    options = [*tiny_options, "-s", "optimizer.method=adam", "-s", "optimizer.learning_rate=0.001"]
    process = shell("train", *options, *SLOW)
    wait_for(process, folder / "model.npz.part")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    done = checkpoint.load(folder / "model.npz.part").iteration
    last = f"training.iterations={done + 100}"
    lines = bpcli("train", "--resume", "--json", "-s", last).stdout.splitlines()
    bpcli("train", *options, *SLOW, "-s", last, "-o", "whole.npz")
    assert arrays("model.npz") == arrays("whole.npz")
    assert json.loads(lines[-1])["iteration"] == done + 100
    assert not (folder / "model.npz.part").exists()
    resumed, whole = (checkpoint.load(folder / name).record for name in ("model.npz", "whole.npz"))
    assert resumed.loss == whole.loss


def test_resume_extends_a_finished_model_and_refuses_other_changes(bpcli, model, tiny_options):
    result = bpcli("train", *tiny_options, "--resume", "-s", "training.iterations=72")
    assert result.stdout.split()[:2] == ["iteration", "72"]
    result = bpcli("train", "--resume", "-s", "optimizer.learning_rate=0.2", code=2)
    assert "optimizer.learning_rate is 0.2 but was 0.1" in result.stderr
    assert checkpoint.load(model).record.iteration == 72
    again = bpcli("train", "--resume")
    assert again.stdout.splitlines()[-1].startswith("model.npz: test accuracy 100.00%")


def test_a_run_that_was_stopped_where_it_now_ends_is_evaluated(shell, bpcli, tiny_options, folder):
    process = shell("train", *tiny_options, *SLOW, "-s", "training.evaluate_every=100000")
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    done = checkpoint.load(folder / "model.npz.part").iteration
    assert 0 < done < 100_000
    shown = bpcli("train", "--resume", "--json", "-s", f"training.iterations={done}").stdout
    assert json.loads(shown)["iteration"] == done


def test_extending_a_falling_schedule_is_said(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "optimizer.schedule=linear")
    result = bpcli("train", "--resume", "-s", "training.iterations=72")
    assert "the linear schedule now ends at iteration 72 and not 60" in result.stderr


def test_an_unfinished_run_is_not_replaced_in_silence(bpcli, tiny_options, model):
    model.rename(model.with_name("model.npz.part"))
    result = bpcli("train", *tiny_options)
    assert result.stderr == (
        "model.npz.part: this run replaces an unfinished one; --resume would go on with that\n"
    )


def test_a_closed_pipe_ends_quietly(shell, tiny_options, folder):
    process = shell("train", *tiny_options, *SLOW)
    assert process.stdout.readline().startswith("iteration")
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    assert process.stderr.read() == ""
    process.stderr.close()
    assert checkpoint.load(folder / "model.npz.part").iteration >= 500


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["train", "config"])
def test_a_full_standard_output_is_an_error(shell, tiny_options, folder, command):
    with open("/dev/full", "w") as full:
        process = shell(command, *tiny_options, stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr == "standard output: could not be written: No space left on device\n"


@pytest.mark.parametrize("after", [0.02, 0.1, 0.3, 1])
def test_ctrl_c_at_any_time_leaves_no_traceback(shell, after):
    process = shell("gradcheck", "-s", "network.hidden=[500]")
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT or after < 0.1  # Python itself may be starting
    assert "Traceback" not in stderr or after < 0.1


def test_a_signal_while_the_model_is_saved_does_not_lose_it(
    tiny_options, folder, monkeypatch, bpcli
):
    save = checkpoint.save

    def interrupted(path, run):
        os.kill(os.getpid(), signal.SIGTERM)
        save(path, run)

    monkeypatch.setattr(checkpoint, "save", interrupted)
    bpcli("train", *tiny_options, "-s", "training.evaluate_every=60")
    assert checkpoint.load(folder / "model.npz").iteration == 60


def test_a_second_signal_does_not_wait(tiny_options, folder, monkeypatch, bpcli):
    save = checkpoint.save

    def interrupted(path, run):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        save(path, run)

    monkeypatch.setattr(checkpoint, "save", interrupted)
    bpcli("train", *tiny_options, code=128 + signal.SIGTERM)
    assert os.listdir(folder) == ["tiny"]


def test_an_ignored_signal_stays_ignored(shell, tiny_options, folder):
    ignore = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    command = [sys.executable, "-m", "bpcli", "train", *map(str, tiny_options), *SLOW]
    process = subprocess.Popen(
        [sys.executable, "-c", f"{ignore}os.execv(sys.executable, {command})"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for(process, folder / "model.npz.part")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143


def terminal(*args):
    """Run with standard error on a terminal, and return what the terminal shows."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    command = [sys.executable, "-m", "bpcli", *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += (chunk := os.read(leader, 65536))
        except OSError:
            break
        if not chunk:
            break
    os.close(leader)
    assert process.wait(timeout=30) == 0
    return shown.decode()


def test_the_progress_bar_is_for_terminals(tiny_options, folder):
    shown = terminal("train", *tiny_options, "-s", "training.iterations=5000")
    assert "/5000 [" in shown
    assert re.search(r"loss 0\.\d{4}, accuracy \d+\.\d\d%", shown)
    assert terminal("train", *tiny_options, "-q") == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("MININTERVAL", "often"), ("BAR_FORMAT", "{foo}"), ("ITERABLE", "x"), ("ASCII", "1")],
)
def test_variables_that_tqdm_fails_on_are_not_read(name, value, tiny_options, folder, monkeypatch):
    monkeypatch.setenv(f"TQDM_{name}", value)
    assert "/5000 [" in terminal("train", *tiny_options, "-s", "training.iterations=5000")


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["train", "--help"]])
def test_help_and_version_import_neither_numpy_nor_yaml(args):
    code = (
        "import sys; from bpcli.cli import main\n"
        f"try: main({args})\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(repr({'numpy', 'yaml', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "set()"
    assert "bpcli" in done.stdout


@pytest.mark.parametrize("command", ["--help", "--version", "train --help", "config"])
def test_a_pipe_that_nobody_reads_ends_quietly(shell, command):
    reader, writer = os.pipe()
    os.close(reader)
    process = shell(*command.split(), stdout=writer)
    os.close(writer)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (141, "")


@pytest.mark.parametrize("command", ["--help", "--version", "train --help"])
def test_help_to_a_full_device_is_an_error(shell, command):
    with open("/dev/full", "w") as full:
        process = shell(*command.split(), stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr == "standard output: could not be written: No space left on device\n"


def test_closed_streams(tiny_options, folder):
    command = shlex.join([sys.executable, "-m", "bpcli", "train", *map(str, tiny_options)])
    done = subprocess.run(f"{command} 2>&-", shell=True, capture_output=True, text=True)
    assert done.returncode == 0
    assert "test accuracy" in done.stdout
    done = subprocess.run(f"{command} >&-", shell=True, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "standard output: could not be written: it is closed\n"
    done = subprocess.run(f"{command} -s x=1 2>/dev/full", shell=True)
    assert done.returncode == 2
    done = subprocess.run(
        f"{sys.executable} -m bpcli graph x x=1 >&-", shell=True, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("output", [[], ["--dot"], ["--json"]])
@pytest.mark.parametrize("expression", ["x ** 0 * y", "x ** y", "log(y + x) ** x"])
def test_infinite_derivatives_are_drawn_without_a_warning(shell, expression, output):
    with shell("graph", expression, "x=0", "y=2", *output) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert stdout


def test_names_that_the_terminal_cannot_show(shell, tiny_options, folder):
    process = shell("train", *tiny_options, "-q", "-o", "日.npz", env={"PYTHONIOENCODING": "ascii"})
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, "")
    assert "\\u65e5.npz: test accuracy" in stdout


@pytest.mark.parametrize("method", ["adam", "rmsprop", "adagrad"])
def test_an_optimizer_that_overflows_diverges(bpcli, tiny_options, folder, method):
    options = ["-s", f"optimizer.method={method}", "-s", "network.weight_decay=1e25"]
    result = bpcli("train", *tiny_options, *options, code=1)
    assert "training diverged" in result.stderr
    assert not (folder / "model.npz").exists()


def test_a_batch_of_many_epochs(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "training.batch_size=100000", "-s", "training.iterations=2")


def test_classes_that_are_held_out_altogether(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "dataset.validation=119")


def test_version(bpcli):
    assert bpcli("--version").stdout == f"bpcli {__version__}\n"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_helps_with_an_example(name, bpcli):
    for option in ("-h", "--help"):
        text = bpcli(name, option).stdout
        assert re.search(rf"^  bpcli {name}\b", text, re.MULTILINE)


def blas_threads(*args, **environment):
    """Return the BLAS threads that the environment says when numpy is first imported."""
    code = (
        "import os, sys\n"
        "class Spy:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'numpy':\n"
        "            names = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS')\n"
        "            print('spy', *(os.environ.get(name, '-') for name in names), flush=True)\n"
        "            sys.meta_path.remove(self)\n"
        "sys.meta_path.insert(0, Spy())\n"
        "from bpcli.cli import main\n"
        f"main({[str(arg) for arg in args]})"
    )
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=clean | environment
    )
    return re.search(r"^spy (.*)$", done.stdout, re.MULTILINE)[1]


def test_blas_threads(tiny_options, folder):
    command = ["train", *tiny_options]
    assert blas_threads(*command) == "1 1"
    assert blas_threads(*command, OMP_NUM_THREADS="2") == "- 2"
    assert blas_threads(*command, "--threads", "2") == "2 2"
    assert blas_threads(*command, "--threads", "2", OMP_NUM_THREADS="3") == "2 2"
    with np.load(folder / "model.npz") as archive:
        assert json.loads(str(archive["metadata"]))["blas_threads"] == "2"
