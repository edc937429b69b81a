"""`bpcli train`: what it prints and writes, stopping it and going on."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from signs import catches, holds_back, wait_for_change, wait_until
from tiny import ROOT

from bpcli import machine
from bpcli.errors import DivergedError
from bpcli.training import load, serialization, start
from bpcli.training.loop import check_finite, train
from bpcli.training.output import Output

SLOW = ["-s", "training.iterations=2000000", "-s", "training.evaluate_every=500"]


def arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        others = {"metadata", "history.seconds"}  # the clock never says the same twice
        return {name: archive[name].tobytes() for name in archive.files if name not in others}


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
        "test_loss",
        "test_balanced_accuracy",
        "test_macro_f1",
    ]
    assert [list(record) for record in records[:-1]] == [fields] * 4
    assert list(records[-1]) == [
        *fields,
        "done",
        "model",
        "seed",
        "digest",
        "changed",
        "iterations",
        "learnt_with",
    ]
    changed = dict(part.split("=") for part in map(str, tiny_options[1::2]))
    assert records[-1]["changed"].keys() == changed.keys()
    assert records[-1]["changed"]["network.hidden"] == [8]
    assert records[-1]["seed"] == 0
    measured = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert (measured["digest"], measured["seed"]) == (records[-1]["digest"], 0)
    assert re.fullmatch("[0-9a-f]{64}", measured["digest"])
    other = bpcli("train", *tiny_options, "--json", "-q", "-s", "seed=3").stdout
    assert json.loads(other)["digest"] != measured["digest"]
    assert (records[-1]["done"], records[-1]["model"]) == (True, "model.npz")
    assert 0 <= records[0]["test_accuracy"] <= 1
    held_out = bpcli("train", *tiny_options, "--json", "-s", "dataset.validation=20")
    assert "validation_accuracy" in json.loads(held_out.stdout.splitlines()[0])
    assert "test_accuracy" not in json.loads(held_out.stdout.splitlines()[0])


def test_quiet_prints_the_end_only(bpcli, tiny_options, folder):
    assert len(bpcli("train", *tiny_options, "-q").stdout.splitlines()) == 1
    (line,) = bpcli("train", *tiny_options, "-q", "--json").stdout.splitlines()
    assert json.loads(line)["done"] is True


def test_a_seed_gives_the_same_arrays_in_the_file(bpcli, tiny_options, folder):
    for name in ("a.npz", "b.npz"):
        bpcli("train", *tiny_options, "-o", name)
    assert arrays("a.npz") == arrays("b.npz")


def wait_for(process, path):
    wait_until(path.exists, process)


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_training_has_begun_is_obeyed(
    number, tiny_options, folder, bpcli, monkeypatch
):
    def interrupted(**_options):
        os.kill(os.getpid(), number)
        raise AssertionError("it went on")

    monkeypatch.setattr(start, "load_dataset", interrupted)
    result = bpcli("train", *tiny_options, code=128 + number)
    assert result.stderr == f"stopped by {number.name} before training has begun\n"
    assert os.listdir(folder) == ["tiny"]
    assert signal.getsignal(number) != interrupted  # and handlers are as they were


def test_a_signal_that_is_taken_for_damage_is_obeyed_too(
    tiny_options, model, bpcli, monkeypatch, folder
):
    def interrupted(*_args, **_options):
        os.kill(os.getpid(), signal.SIGTERM)  # within what calls every exception a damage

    monkeypatch.setattr(np.lib.format, "read_array", interrupted)
    result = bpcli("train", "--init", model, "-o", "n.npz", code=128 + signal.SIGTERM)
    assert result.stderr == "stopped by SIGTERM before training has begun\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("sign", [holds_back, catches])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_once_is_obeyed(number, sign, shell, folder):
    process = shell("train", "-", stdin=subprocess.PIPE)  # it waits for its configuration
    handled = signal.SIGTERM  # as are all of them at once, and Python has a handler for Ctrl-C
    wait_until(lambda: sign(process, handled) or catches(process, handled), process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stderr == f"stopped by {number.name} before training has begun\n"
    assert os.listdir(folder) == []


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_saves_and_says_how_to_go_on(shell, bpcli, tiny_options, folder, number):
    process = shell("train", *tiny_options, *SLOW, "-o", "a b.npz")
    wait_for(process, folder / "a b.npz.part")
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == 128 + number
    done = load(folder / "a b.npz.part").iteration
    assert stderr == (
        f"stopped at iteration {done} and saved in a b.npz.part; "
        f"go on with: {sys.executable} -m bpcli train -o 'a b.npz' --resume\n"
    )
    assert set(os.listdir(folder)) == {"tiny", "a b.npz.part"}


def test_resume_goes_on_to_the_same_arrays(shell, bpcli, tiny_options, folder):
    options = [*tiny_options, "-s", "optimizer.method=adam", "-s", "optimizer.learning_rate=0.001"]
    process = shell("train", *options, *SLOW)
    wait_for(process, folder / "model.npz.part")
    process.send_signal(signal.SIGINT)
    process.communicate()
    done = load(folder / "model.npz.part").iteration
    last = f"training.iterations={done + 100}"
    lines = bpcli("train", "--resume", "--json", "-s", last).stdout.splitlines()
    bpcli("train", *options, *SLOW, "-s", last, "-o", "whole.npz")
    assert arrays("model.npz") == arrays("whole.npz")
    assert json.loads(lines[-1])["iteration"] == done + 100
    assert not (folder / "model.npz.part").exists()
    resumed, whole = (load(folder / name).record for name in ("model.npz", "whole.npz"))
    assert resumed.loss == whole.loss


def test_resume_extends_a_finished_model_and_refuses_other_changes(bpcli, model, tiny_options):
    result = bpcli("train", *tiny_options, "--resume", "-s", "training.iterations=72")
    assert result.stdout.split()[:2] == ["iteration", "72"]
    result = bpcli("train", "--resume", "-s", "optimizer.learning_rate=0.2", code=2)
    assert "optimizer.learning_rate is 0.2 but was 0.1" in result.stderr
    assert load(model).record.iteration == 72
    again = bpcli("train", "--resume")
    assert again.stdout.splitlines()[-1].startswith("model.npz: test accuracy 100.00%")


def test_a_run_that_was_stopped_where_it_now_ends_is_evaluated(shell, bpcli, tiny_options, folder):
    process = shell("train", *tiny_options, *SLOW)
    wait_for(process, folder / "model.npz.part")
    process.send_signal(signal.SIGINT)
    process.communicate()
    saved = load(folder / "model.npz.part")
    last = f"training.iterations={saved.iteration}"
    found = json.loads(bpcli("train", "--resume", "--json", "-s", last).stdout)
    assert found["iteration"] == saved.iteration >= saved.record.iteration >= 500
    assert found["seconds"] > saved.record.seconds or saved.iteration == saved.record.iteration


def test_extending_a_falling_schedule_is_said(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", "optimizer.schedule=linear")
    result = bpcli("train", "--resume", "-s", "training.iterations=72")
    assert "the linear schedule now ends at iteration 72 and not 60" in result.stderr


def test_a_new_run_keeps_an_unfinished_one_that_can_go_on(unfinished, bpcli, tiny_options, folder):
    for number in (1, 2):  # and one more each time
        left, digest = unfinished.read_bytes(), load(unfinished).digest
        result = bpcli("train", *tiny_options, "-s", "seed=7")
        name = f"model-{number}.npz"
        assert result.stderr.startswith(
            f"model.npz.part: found an unfinished run, which is kept as {name}.part; go on with it: "
        )
        assert result.stderr.endswith(f"train -o {name} --resume\n")
        assert (folder / f"{name}.part").read_bytes() == left
        bpcli("train", "-o", name, "--resume")
        assert load(name).iteration == 60
        assert load(name).digest != digest
        unfinished.write_bytes(left)


def test_an_unfinished_run_that_does_not_fit_is_kept_too(unfinished, bpcli, tiny_options, folder):
    left = unfinished.read_bytes()
    result = bpcli("train", *tiny_options, "-s", "seed=7", "--resume-if-possible")
    first, second = result.stderr.splitlines()
    assert "which is kept as model-1.npz.part" in first
    assert second.endswith("; beginning anew")
    assert (folder / "model-1.npz.part").read_bytes() == left


def test_an_unfinished_run_that_fits_is_gone_on_with(unfinished, bpcli, tiny_options, folder):
    result = bpcli("train", *tiny_options, "--resume-if-possible")
    assert result.stderr == ""
    assert set(os.listdir(folder)) == {"tiny", "model.npz"}


@pytest.mark.parametrize("problem", ["training.iterations=x", "dataset.source=nowhere"])
def test_a_run_that_cannot_begin_moves_nothing(problem, unfinished, bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", problem, code=2)
    assert set(os.listdir(folder)) == {"tiny", "model.npz.part"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--resume", "m.npz"],
            "a model is no configuration; bpcli train -o m.npz --resume goes on",
        ),
        (["m.npz"], "and --init m.npz begins with its weights"),
        (["M.NPZ.part", "--resume"], "bpcli train -o M.NPZ --resume goes on with its run"),
        (["training.iterations=5"], "set by -s training.iterations=5"),
        (["fast", "seed=5"], "set by -s seed=5"),
        (["--config", "x.yaml"], "named without an option: bpcli train x.yaml"),
        (["--cfg=x.yaml"], "named without an option: bpcli train x.yaml"),
        (["my nb.ipynb"], "a notebook is no configuration; bpcli gradcheck my nb.ipynb checks"),
        (["layers.py"], "bpcli gradcheck layers.py checks its layers"),
        (["tiny"], "data are no configuration; they are named by -s dataset.source=tiny"),
        (["train.csv.gz"], "named by -s dataset.source=train.csv.gz"),
        (["fast", "98"], "found 2 configurations, expected one"),
    ],
)
def test_what_is_no_configuration_is_told_where_it_belongs(words, expected, bpcli, tiny, folder):
    message = bpcli("train", *words, code=2).stderr
    assert expected in message
    assert message.count("Error: ") == 1
    assert set(os.listdir(folder)) == {"tiny"}


@pytest.mark.parametrize("command", ["config", "tune"])
def test_other_commands_tell_where_words_belong_too(command, bpcli, folder):
    for word, expected in (("a.b=5", "-s a.b=5"), ("x.py", "bpcli gradcheck x.py")):
        assert expected in bpcli(command, word, code=2).stderr


def test_a_signal_while_the_model_is_saved_does_not_lose_it(
    tiny_options, folder, monkeypatch, bpcli
):
    write = serialization.write

    def interrupted(file, run):
        os.kill(os.getpid(), signal.SIGTERM)
        write(file, run)

    monkeypatch.setattr(serialization, "write", interrupted)
    bpcli("train", *tiny_options, "-s", "training.evaluate_every=60")
    assert load(folder / "model.npz").iteration == 60


def test_a_second_signal_does_not_wait(tiny_options, folder, monkeypatch, bpcli):
    write = serialization.write

    def interrupted(file, run):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        write(file, run)

    monkeypatch.setattr(serialization, "write", interrupted)
    bpcli("train", *tiny_options, code=128 + signal.SIGTERM)
    assert os.listdir(folder) == ["tiny"]


def test_an_ignored_signal_stays_ignored(shell, tiny_options, folder):
    ignore = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    command = [sys.executable, "-m", "bpcli", "train", *map(str, tiny_options), *SLOW]
    process = subprocess.Popen(
        [sys.executable, "-c", f"{ignore}os.execv(sys.executable, {command})"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    part = folder / "model.npz.part"
    wait_for(process, part)
    process.send_signal(signal.SIGHUP)
    for _ in range(3):  # whoever heeds it saves once more, or twice
        wait_for_change(folder / "model.npz.part", process)
    process.terminate()
    process.communicate()
    assert process.returncode == 143


@pytest.mark.parametrize("method", ["adam", "rmsprop", "adagrad"])
def test_an_optimizer_that_overflows_diverges(bpcli, tiny_options, folder, method):
    options = ["-s", f"optimizer.method={method}", "-s", "network.weight_decay=1e25"]
    result = bpcli("train", *tiny_options, *options, code=1)
    assert "training diverged" in result.stderr
    assert not (folder / "model.npz").exists()


def test_a_batch_of_many_epochs(bpcli, tiny_options, folder):
    options = ["-s", "training.batch_size=100000", "-s", "training.iterations=2"]
    found = json.loads(bpcli("train", *tiny_options, *options, "--json").stdout.splitlines()[-1])
    assert (found["iteration"], found["epoch"]) == (2, 200_000 / 120)


def test_classes_that_are_held_out_altogether(bpcli, tiny_options, folder):
    found = bpcli("train", *tiny_options, "-s", "dataset.validation=119", "--json").stdout
    assert json.loads(found.splitlines()[-1])["train_accuracy"] == 1
    measured = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert np.shape(measured["confusion"]) == (4, 4)
    assert [row["recall"] for row in measured["per_class"]].count(1.0) == 1


@pytest.mark.parametrize("rate", ["1e-30", "1", "1e30"])
def test_the_command_saves_no_nan_and_shows_no_warning(shell, tiny_options, tmp_path, rate):
    model = tmp_path / "m.npz"
    options = ["-s", f"optimizer.learning_rate={rate}", "-o", model]
    with shell("train", *tiny_options, *options) as process:
        _, stderr = process.communicate()
    assert "Warning" not in stderr
    assert "Traceback" not in stderr
    if process.returncode:
        assert (process.returncode, stderr.count("\n")) == (1, 1)
        assert not model.exists()
    else:
        assert all(np.isfinite(a).all() for a in load(model).arrays.values())


def test_an_interrupted_run_does_not_save_what_is_not_finite(make_run, tmp_path):
    run = make_run()
    run.network.parameters[3] = np.inf
    with pytest.raises(DivergedError):
        check_finite(run)
    with pytest.raises(DivergedError):
        Output(tmp_path / "m.npz").save(run)
    assert os.listdir(tmp_path) == ["tiny"]


@pytest.fixture
def unfinished(make_run, folder):
    """An unfinished run of the small data set, in the working directory."""
    run = make_run()
    next(record for record in train(run) if record)
    Output("model.npz").save(run)
    return folder / "model.npz.part"


RECIPE = """
model.npz: c.yaml
	{bpcli} train $< -o $@ --resume-if-possible
"""


def test_the_recipe_goes_on_and_begins_anew_after_an_edit(unfinished, tiny_options, bpcli, folder):
    (folder / "c.yaml").write_text(bpcli("config", *tiny_options).stdout)
    (folder / "Makefile").write_text(RECIPE.format(bpcli=f"{sys.executable} -m bpcli"))

    def make():
        done = subprocess.run(["make"], capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stderr, [
            line.split()[1] for line in done.stdout.splitlines() if "epoch" in line
        ]

    left = unfinished.read_bytes()
    assert make() == ("", ["24", "36", "48", "60"])
    unfinished.write_bytes(left)
    (folder / "model.npz").unlink()
    (folder / "c.yaml").write_text(bpcli("config", *tiny_options, "-s", "seed=5").stdout)
    stderr, iterations = make()
    assert "seed is 5 but was 0; only training.iterations may change" in stderr
    assert stderr.endswith("; beginning anew\n")
    assert iterations == ["12", "24", "36", "48", "60"]
    assert not unfinished.exists()


@pytest.mark.parametrize("cut", [50, 2000])
def test_an_unfinished_run_that_is_damaged_has_ways_out(cut, unfinished, tiny_options, bpcli):
    unfinished.write_bytes(unfinished.read_bytes()[:-cut])
    result = bpcli("train", *tiny_options, "--resume", code=2)
    assert result.stderr.startswith("model.npz.part: not a model file, or damaged: ")
    assert result.stderr.endswith("; delete it, or train without --resume\n")
    result = bpcli("train", *tiny_options, "--resume-if-possible")
    assert result.stderr.endswith("; beginning anew\n")
    assert result.stdout.split()[1] == "12"


def test_what_is_not_ours_is_never_replaced_for_an_unfinished_run(unfinished, tiny_options, bpcli):
    unfinished.write_bytes(b"precious")
    for option in ("--resume", "--resume-if-possible", "-q"):
        result = bpcli("train", *tiny_options, option, code=2)
        assert result.stderr == (
            "model.npz.part: found a file that is no model, expected a model to replace, or none; "
            "delete it, or choose another with -o\n"
        )
    assert unfinished.read_bytes() == b"precious"


def test_without_an_unfinished_run_it_begins(tiny_options, bpcli, folder):
    result = bpcli("train", *tiny_options, "--resume-if-possible")
    assert result.stderr == ""
    assert result.stdout.split()[1] == "12"


def test_going_on_elsewhere_is_told(unfinished, tiny_options, bpcli, monkeypatch):
    monkeypatch.setattr(machine, "kernel", lambda: "Zen9")
    monkeypatch.setattr(machine, "threads", lambda: "64")
    stderr = bpcli("train", *tiny_options, "--resume").stderr
    assert re.fullmatch(
        r"model.npz.part: it was made otherwise \(blas threads 64 and not 1; blas kernel Zen9 and not "
        r"\w+\): the last bits of the result are not those of one uninterrupted run\n",
        stderr,
    )


def test_the_bundled_data_beside_a_folder_of_their_name_are_told(bpcli, folder):
    (folder / "mnist").mkdir()
    options = ["-s", "training.iterations=1", "-s", "network.weight_init=he", "-q"]
    stderr = bpcli("train", *options).stderr.splitlines()
    assert stderr[0] == "mnist: these are the bundled data; for what is beside you write ./mnist"


def test_the_command_to_go_on_works_from_where_it_is_told(shell, tiny_options, folder, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # as under make, without an active environment
    process = shell("train", *tiny_options, *SLOW)
    wait_for(process, folder / "model.npz.part")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    command = stderr.partition("go on with: ")[2].strip()
    assert command.startswith(sys.executable)
    done = load(folder / "model.npz.part").iteration
    command += f" -s training.iterations={done + 5}"
    assert subprocess.run(command, shell=True, capture_output=True).returncode == 0


def test_a_run_can_begin_with_the_weights_of_a_model(bpcli, model, tiny_options, folder):
    first = json.loads(bpcli("eval", model, "--json", "--split", "train").stdout)["loss"]
    options = ["--init", model, "-o", "tuned.npz", "-s", "optimizer.learning_rate=0.01"]
    lines = bpcli("train", *options, "--json").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["iteration"] for record in records] == [12, 24, 36, 48, 60]  # its own history
    assert records[0]["loss"] < first
    assert records[-1]["changed"]["optimizer.learning_rate"] == 0.01
    assert records[-1]["changed"]["network.hidden"] == [8]
    assert load(model).digest != load("tuned.npz").digest


def test_weights_that_do_not_fit_are_refused(bpcli, model, tiny_options):
    options = ["--init", model, "-o", "tuned.npz"]
    result = bpcli("train", *options, "-s", "network.hidden=[9]", code=2)
    assert result.stderr.startswith(f"{model}: W1: found (36, 8), expected (36, 9) by the config")
    result = bpcli("train", *options, "--resume", code=2)
    assert "expected either --init or --resume, not both" in result.stderr


@pytest.mark.parametrize("value", ["0", "auto", "-1", "abc", "1.5"])
def test_a_number_of_threads_that_is_none_is_told(value, shell, tiny_options, folder):
    clean = {name: text for name, text in os.environ.items() if not name.endswith("_THREADS")}
    process = shell("train", *tiny_options, "-q", env=clean | {"OMP_NUM_THREADS": value})
    _, stderr = process.communicate()
    assert process.returncode == 0
    assert stderr == (
        f"OMP_NUM_THREADS: found {value}, expected a number of threads; BLAS gets one\n"
    )


def test_more_threads_than_cores_are_told(shell, tiny_options, folder):
    process = shell("train", *tiny_options, "-q", "--threads", "1000")
    _, stderr = process.communicate()
    cores = os.cpu_count()
    assert stderr == f"1000 BLAS threads on {cores} cores are slower than {cores}\n"
    clean = {name: text for name, text in os.environ.items() if not name.endswith("_THREADS")}
    process = shell("train", *tiny_options, "-q", env=clean | {"OMP_NUM_THREADS": "1,2"})
    assert process.communicate()[1] == ""


def test_a_configuration_that_comes_with_bpcli_is_known_by_its_name(bpcli, folder):
    own = bpcli("config", ROOT / "configs/fast.yaml").stdout
    assert bpcli("config", "fast").stdout == own
    assert "did you mean fast?" in bpcli("config", "fsat", code=2).stderr
    (folder / "fast").mkdir()
    assert bpcli("config", "fast").stdout == own
    (folder / "fast").rmdir()
    (folder / "fast").write_text("seed: 7")
    assert "seed: 7" in bpcli("config", "fast").stdout


def test_overfitting_is_one_command(bpcli, folder):
    """Section 6.4.1: what it learns from is known by heart, and others are not."""
    options = ["-s", "training.iterations=420", "-s", "training.evaluate_every=420"]
    result = bpcli("train", "overfit", *options, "--json")
    record = json.loads(result.stdout.splitlines()[-1])
    assert record["train_accuracy"] == 1
    assert 0.7 < record["test_accuracy"] < 0.9
    assert record["test_loss"] > 10 * record["loss"]
    assert (
        json.loads(bpcli("eval", "model.npz", "--split", "train", "--json").stdout)["images"] == 300
    )


def test_what_is_found_before_learning_is_no_line(bpcli, tiny_options, folder):
    lines = bpcli("train", *tiny_options).stdout.splitlines()
    assert re.findall(r"^iteration +(\d+)", "\n".join(lines), re.M) == [
        "12",
        "24",
        "36",
        "48",
        "60",
    ]
    records = [
        json.loads(line) for line in bpcli("train", *tiny_options, "--json").stdout.splitlines()
    ]
    assert [record["iteration"] for record in records] == [12, 24, 36, 48, 60]
