"""`bpcli tune` on one machine: its total holds, it stops and goes on, and it says how sure it is."""

import re
import shlex
import subprocess
import sys

import pytest
from trials import trials_of

from bpcli.training import load, load_config


def test_the_best_of_a_study(bpcli, search, tmp_path, capfd):
    folder = tmp_path / "study"
    command = ["tune", "-o", folder, *search, "--trials", 4, "--seeds", 2, "--jobs", 2]
    stdout = bpcli(*command).stdout
    assert capfd.readouterr() == ("", "")  # of the processes that ran the trials
    trials = trials_of(bpcli, folder)
    assert [trial["slot"] for trial in trials] == list(range(4))
    assert {trial["state"] for trial in trials} == {"done"}
    assert all(len(trial["accuracies"]) == 2 for trial in trials)
    best = max(trials, key=lambda trial: trial["mean"])
    assert f"{best['mean']:.2%} of held-out images" in stdout
    text = (folder / "best.yaml").read_text()
    assert text.startswith(
        f"# The best of 4 trials: {best['mean']:.2%} of 30 held-out images of 2 seeds"
    )
    config = load_config(folder / "best.yaml")
    assert config.dataset.validation == 0
    assert list(config.network.hidden) == best["values"]["network.hidden"]
    assert config.optimizer.learning_rate == best["values"]["optimizer.learning_rate"]
    saved = [load(path) for path in sorted(folder.glob("trial-*-seed-1.npz"))]
    assert {one.config.seed for one in saved} == {1}
    table = bpcli("tune", "--show", folder).stdout
    assert table.splitlines()[1].split()[0] == str(best["slot"])
    bpcli("tune", "--show", folder, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"Trial {best['slot']} is the best of 4: {best['mean']:.2%}" in page
    assert page.count('<tr><th scope="row">') == 4
    assert not re.search(r'(src|href)="(?!data:image/)|http:|https:|<script', page)
    for key in ("network.hidden", "optimizer.learning_rate"):
        assert f"of each trial by {key}; the table has the numbers" in page


def test_more_trials_extend_a_study_and_no_more_are_none(bpcli, search, tmp_path, tune):
    folder = tmp_path / "study"
    for total in (2, 3, 3):
        assert tune("-o", folder, *search, "--trials", total).stderr == ""
        assert len(trials_of(bpcli, folder)) == total
    assert len(list(folder.glob("*.npz"))) == 3


def test_a_trial_that_diverges_is_a_result(bpcli, search, tmp_path, tune):
    folder = tmp_path / "study"
    rates = ["-s", "optimizer.learning_rate=choice(0.05, 1e30)", "--method", "grid"]
    assert tune("-o", folder, *search, *rates, "--trials", 99).stderr == ""
    states = [trial["state"] for trial in trials_of(bpcli, folder)]
    assert states.count("diverged") == 3
    assert states.count("done") == 3  # and the grid has six points


def test_pruned_trials_end_early_where_the_schedule_is_constant(bpcli, search, tmp_path, tune):
    options = ["-s", "optimizer.learning_rate=log(1e-9, 1)", "--method", "random"]
    for schedule, pruned, trials in (("constant", True, 12), ("linear", False, 3)):
        folder = tmp_path / schedule
        done = tune("-o", folder, *search, *options, "--trials", trials, "--prune", "-s",
                    f"optimizer.schedule={schedule}", "-s", "training.evaluate_every=5")  # fmt: skip
        assert done.stderr == ""
        states = {trial["state"] for trial in trials_of(bpcli, folder)}
        assert ("pruned" in states) == pruned


def test_another_space_is_another_study(bpcli, search, tmp_path, tune):
    folder = tmp_path / "study"
    tune("-o", folder, *search, "--trials", 1)
    for change in ("network.dropout=uniform(0.0, 0.5)", "training.iterations=50", "seed=4"):
        message = bpcli("tune", "-o", folder, *search, "-s", change, code=2).stderr
        key, value = change.split("=")
        assert message.startswith(f"{key}: found {value}, but the study has begun with ")
        assert "choose another folder" in message
    assert (
        "--seeds: found 2, but" in bpcli("tune", "-o", folder, *search, "--seeds", 2, code=2).stderr
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "Missing option '-o'"),
        (["-o", "s", "--storage", "sqlite:///x.db"], "found SQLite, which is for one machine"),
        (["-o", "s", "--storage", "mysql://x"], "expected postgresql://USER@HOST/DATABASE"),
        (["--show", "nowhere"], "found no study there"),
        (["-o", "file"], "file: found a file, expected a folder"),
        (["-o", ""], "Missing option '-o'"),
        (
            ["-o", "s", "-s", "optimizer.learning_rat=log(0.01, 1)"],
            "did you mean optimizer.learning_rate?",
        ),
        (
            ["-o", "s", "-s", "network=choice(a, b)"],
            "network: found 'choice(a, b)', expected its keys",
        ),
        (["-o", "s", "-s", "network.hidden=int(10, 50)"], "or choice(...) of its values"),
        (
            ["-o", "s", "-s", "optimizer.learning_rate=loguniform(0.1, 1)"],
            "expected uniform(a, b), log(a, b)",
        ),
        (
            ["-o", "s", "-s", "optimizer.learning_rate=log(0.1, 1"],
            "expected uniform(a, b), log(a, b)",
        ),
        (["-o", "s", "-s", "dataset.validation=choice(10, 20)"], "it is not searched"),
        (["-o", "s", "-s", "network.hidden=choice()"], "one value or more, each once"),
    ],
)
def test_mistakes(args, words, bpcli, search, folder):
    (folder / "file").write_text("")
    given = [] if "--show" in args else search
    assert words in bpcli("tune", *given, *args, code=2).stderr


def test_optuna_is_named_where_it_is_missing(bpcli, search, tmp_path, monkeypatch):
    for package in ("optuna", "sqlalchemy", "sqlalchemy.exc"):  # which comes with it
        monkeypatch.setitem(sys.modules, package, None)
    for command in (["-o", tmp_path / "s", *search], ["--show", "postgresql://x"]):
        message = bpcli("tune", *command, code=2).stderr
        assert "pip install 'bpcli-mnist[tune]'" in message
    assert not (tmp_path / "s").exists()


def test_help_and_train_do_not_import_optuna():
    code = "import sys; from bpcli.cli.main import main; import bpcli.training; print('optuna' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_the_same_study_is_the_same_again(bpcli, search, tmp_path, tune):
    found = []
    for name in ("a", "b"):
        assert tune("-o", tmp_path / name, *search, "--trials", 11).stderr == ""
        found.append(trials_of(bpcli, tmp_path / name))
    assert found[0] == found[1]
    rates = [trial["values"]["optimizer.learning_rate"] for trial in found[0]]
    assert len(set(rates)) == len(rates)


def test_random_trials_are_the_same_with_any_number_of_workers(bpcli, search, tmp_path, tune):
    command = [*search, "--trials", 3, "--method", "random"]
    tune("-o", tmp_path / "one", *command)
    bpcli("tune", "-o", tmp_path / "two", *command, "--jobs", 2)
    assert trials_of(bpcli, tmp_path / "one") == trials_of(bpcli, tmp_path / "two")


@pytest.mark.parametrize("content", [b"my own notes", b"SQLite format 3\0 and then none"])
def test_a_file_that_is_no_study(content, bpcli, search, tmp_path):
    (tmp_path / "study.db").write_bytes(content)
    for args in (["-o", tmp_path, *search], ["--show", tmp_path]):
        message = bpcli("tune", *args, code=2).stderr
        assert message.startswith(f"{tmp_path / 'study.db'}: ")
        assert message.count("\n") == 1
    assert (tmp_path / "study.db").read_bytes() == content


def test_any_name_of_a_folder(bpcli, search, tmp_path, tune):
    for name in ("what?1", "what?2", "a b%41#x=1"):
        done = tune("-o", tmp_path / name, *search, "--trials", 1)
        assert done.stderr == ""
        command = done.stdout.partition("; bpcli ")[2]
        assert shlex.split(command) == ["train", str(tmp_path / name / "best.yaml")]
        assert (tmp_path / name / "study.db").is_file()
        assert len(trials_of(bpcli, tmp_path / name)) == 1


def test_files_of_somebody_s_own_stay(bpcli, search, tmp_path):
    (tmp_path / "best.yaml").write_text("mine")
    command = ["tune", "-o", tmp_path, *search]
    assert "best.yaml: found a file that is not of" in bpcli(*command, code=2).stderr
    assert (tmp_path / "best.yaml").read_text() == "mine"
    (tmp_path / "best.yaml").unlink()
    (tmp_path / "trial-0000-try-0-seed-0.npz").write_text("")
    assert "found trials without their study" in bpcli(*command, code=2).stderr


def test_values_that_do_not_go_together_are_a_result(bpcli, search, tmp_path, tune):
    options = ["-s", "optimizer.warmup=choice(0, 30)", "-s", "training.iterations=choice(10, 50)",
               "-s", "optimizer.learning_rate=0.1", "-s", "network.hidden=[4]",
               "-s", "optimizer.schedule=linear"]  # fmt: skip
    assert tune("-o", tmp_path / "s", *search, *options, "--method", "grid").stderr == ""
    states = [trial["state"] for trial in trials_of(bpcli, tmp_path / "s")]
    assert (states.count("invalid"), states.count("done")) == (1, 3)


def test_a_grid_that_is_not_tried_whole_is_told(search, tmp_path, tune):
    options = ["-s", "network.hidden=choice([4], [5], [6])", "-s", "optimizer.learning_rate=0.1"]
    done = tune("-o", tmp_path / "s", *search, *options, "--method", "grid", "--trials", 2)
    assert "2 of the 3 points of the grid are tried" in done.stderr


def test_images_that_cannot_be_held_out_are_told_before_anything_is_made(bpcli, search, tmp_path):
    message = bpcli("tune", "-o", tmp_path / "s", *search, "-s", "dataset.validation=500", code=2)
    assert message.stderr.count("\n") == 1
    assert not (tmp_path / "s").exists()
