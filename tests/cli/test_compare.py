"""`bpcli compare`: what tells runs apart, what seeds share, and their curves."""

import csv
import io
import json
import re
import statistics

import pytest

from bpcli.show import draw_comparison
from bpcli.training import compare, load


@pytest.fixture
def seeds(bpcli, tiny_options, tmp_path):
    """Models of three seeds, and one with more units."""
    paths = [tmp_path / f"seed-{seed}.npz" for seed in range(3)]
    for seed, path in enumerate(paths):
        bpcli("train", *tiny_options, "-s", f"seed={seed}", "-q", "-o", path)
    bpcli("train", *tiny_options, "-s", "network.hidden=[9]", "-q", "-o", tmp_path / "wide.npz")
    return [*paths, tmp_path / "wide.npz"]


def test_the_keys_that_differ_are_columns(bpcli, seeds):
    lines = bpcli("compare", *seeds).stdout.splitlines()
    found = json.loads(bpcli("compare", *seeds, "--json").stdout)
    assert [one["differs"] for one in found["models"]] == [
        {"seed": 0, "network.hidden": [8]}, {"seed": 1, "network.hidden": [8]},
        {"seed": 2, "network.hidden": [8]}, {"seed": 0, "network.hidden": [9]},
    ]  # fmt: skip
    assert "seed" in "".join(lines)
    assert str(seeds[3]) in "".join(lines)


def test_of_seeds_mean_and_deviation_are_told(bpcli, seeds):
    found = json.loads(bpcli("compare", *seeds, "--json").stdout)
    (shared,) = found["seeds"]
    accuracies = [one["accuracy"] for one in found["models"][:3]]
    assert shared["models"] == [str(path) for path in seeds[:3]]
    assert shared["mean"] == pytest.approx(statistics.fmean(accuracies))
    assert shared["deviation"] == pytest.approx(statistics.stdev(accuracies))
    last = bpcli("compare", *seeds).stdout.splitlines()[-1]
    assert last.startswith("3 seeds (")
    assert f"test accuracy {shared['mean']:.2%} on average" in last


def test_one_model_twice_is_no_other_seed(bpcli, seeds):
    assert json.loads(bpcli("compare", seeds[0], seeds[0], "--json").stdout)["seeds"] == []


def test_csv(bpcli, seeds):
    rows = list(csv.DictReader(io.StringIO(bpcli("compare", *seeds, "--csv").stdout)))
    assert [row["model"] for row in rows] == [str(path) for path in seeds]
    assert [row["network.hidden"] for row in rows] == ["[8]", "[8]", "[8]", "[9]"]
    assert [row["seed"] for row in rows] == ["0", "1", "2", "0"]


def test_history(bpcli, seeds):
    found = json.loads(bpcli("compare", seeds[0], "--history", "--json").stdout)
    (model,) = found["models"]
    assert [point["iteration"] for point in model["history"]][-1] == model["iteration"]
    assert model["history"][-1]["accuracy"] == pytest.approx(model["accuracy"])
    rows = list(csv.reader(io.StringIO(bpcli("compare", *seeds[:2], "--history", "--csv").stdout)))
    assert rows[0] == [
        "model", "iteration", "loss", "train_accuracy", "accuracy", "seconds", "held_out_loss",
    ]  # fmt: skip
    assert len(rows) == 1 + 2 * len(model["history"])
    drawn = bpcli("compare", seeds[0], "--history").stdout
    assert "iteration" in drawn
    assert drawn.count("\n") == 5 + len(model["history"])
    assert "test loss" in drawn
    assert model["history"][0]["iteration"] == 0
    assert [one["iteration"] for one in model["losses"]] == [*range(1, 61)]
    assert model["losses"][0]["loss"] > model["losses"][-1]["loss"]


def test_models_of_before_have_no_history_and_load(bpcli, old_model):
    assert "no history" in bpcli("compare", old_model, "--history").stdout
    assert bpcli("compare", old_model, "--history", "--csv").stdout.count("\n") == 1


def test_a_run_that_was_not_evaluated_has_no_figures(bpcli, make_run, tmp_path):
    from bpcli.training import save

    save(tmp_path / "m.npz", make_run())
    assert " - " in bpcli("compare", tmp_path / "m.npz").stdout
    found = json.loads(bpcli("compare", tmp_path / "m.npz", "--json").stdout)["models"][0]
    assert (found["accuracy"], found["loss"], found["iteration"]) == (None, None, 0)


def test_mistakes(bpcli, tmp_path):
    assert (
        "expected one of --csv and --json"
        in bpcli("compare", "a", "--csv", "--json", code=2).stderr
    )
    assert "cannot be read" in bpcli("compare", tmp_path / "no.npz", code=2).stderr
    bpcli("compare", code=2)


def test_keys_are_columns_where_there_is_room_for_them(bpcli, seeds, monkeypatch):
    paths = [path.rename(path.parent / f"{i}.npz") for i, path in enumerate(seeds)]
    monkeypatch.chdir(paths[0].parent)
    names = [path.name for path in paths]
    for columns, tables in (("120", 1), ("76", 2)):
        monkeypatch.setenv("COLUMNS", columns)
        drawn = bpcli("compare", *names).stdout.split("\n\n")
        assert len(drawn) == tables + 1
        assert ("network.hidden" in drawn[0]) == (tables == 1)


def test_thirty_models_are_sorted_as_people_count_and_narrow(bpcli, tiny_options, folder):
    for seed in range(1, 13):
        options = ["-s", f"seed={seed}", "-s", f"optimizer.learning_rate={seed / 100}"]
        bpcli("train", *tiny_options, *options, "-q", "-o", f"team-{seed}.npz")
    globbed = sorted(path.name for path in folder.glob("*.npz"))
    assert globbed[1] == "team-10.npz"
    natural = [f"team-{seed}.npz" for seed in range(1, 13)]

    def listed(*options):
        found = json.loads(bpcli("compare", *options, "--json").stdout)["models"]
        return [one["model"] for one in found], [one["accuracy"] for one in found]

    assert listed(*globbed)[0] == natural
    chosen = [*globbed[::-1]]
    assert listed(*chosen)[0] == chosen  # somebody has put them in this order
    names, accuracies = listed(*chosen, "--sort")
    assert accuracies == sorted(accuracies, reverse=True)
    assert names == sorted(names, key=lambda n: (-accuracies[names.index(n)], natural.index(n)))
    bpcli("report", *globbed, "-o", "board.svg")
    heads = re.findall(r">(team-\d+): ([\d.]+)%.test<", (folder / "board.svg").read_text())
    assert [f"{name}.npz" for name, _ in heads] == natural
    assert [figure for _, figure in heads] == [
        f"{100 * accuracies[names.index(name)]:.1f}" for name in natural
    ]
    printed = draw_comparison(compare([load(name) for name in names]), 80, history=False)
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.count("team-1.npz") == 2  # what it reached, and its keys


def test_what_was_measured_on_other_images_has_columns_of_its_own(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-q", "-o", "a.npz")
    bpcli("train", *tiny_options, "-s", "dataset.validation=0.2", "-q", "-o", "b.npz")
    printed = bpcli("compare", "a.npz", "b.npz").stdout
    found = json.loads(bpcli("compare", "b.npz", "a.npz", "--sort", "--json").stdout)["models"]
    assert {one["split"] for one in found} == {"test", "validation"}
    heads = [line for line in printed.splitlines() if "accuracy" in line]
    assert "test accuracy" in " ".join(heads)
    assert "validation accuracy" in " ".join(heads)
    for one in found:
        columns = [block for block in printed.split("\n\n") if f"{one['split']} accuracy" in block]
        head, *rows = columns[0].splitlines()
        end = head.index(f"{one['split']} accuracy") + len(f"{one['split']} accuracy")
        cells = {row.split()[0]: row[:end].split()[-1] for row in rows}
        assert cells[one["model"]] == f"{one['accuracy']:.2%}"
        assert set(cells.values()) == {f"{one['accuracy']:.2%}", "-"}
