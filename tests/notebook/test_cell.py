"""A cell of a notebook shows a bar and a curve while a model learns, and can be interrupted."""

import re
import sys
import types

import pytest

import bpcli


class Handle:
    """What a notebook gives to show a thing anew by."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, thing):
        self.shown.append((repr(thing), thing._repr_html_()))


@pytest.fixture
def cell(monkeypatch):
    """What a notebook shows, in order; it is a kernel that asks, and no terminal."""
    shown = []

    def display(thing, *, display_id):
        handle = Handle(shown)
        handle.update(thing)
        return handle

    kernel = types.SimpleNamespace(kernel=True)
    # matplotlib asks for the version.
    ipython = types.SimpleNamespace(version_info=(9, 0), get_ipython=lambda: kernel)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    return shown


@pytest.fixture
def values(tiny):
    return {
        "source": str(tiny), "hidden": [8], "batch_size": 10, "iterations": 60,
        "evaluate_every": 12,
    }  # fmt: skip


def test_a_bar_and_a_curve_grow(cell, values):
    bpcli.train(**values)
    texts, pages = zip(*cell, strict=True)
    assert texts[0] == "0 of 60 iterations"
    assert texts[-1].startswith("60 of 60 iterations, loss ")
    assert [page.count("<progress") for page in pages] == [1] * len(pages)
    points = [page.count("<circle") for page in pages]
    assert points == sorted(points)
    assert points[-1] > points[1] > 0
    assert "<svg" in pages[-1]


def test_without_matplotlib_a_cell_says_what_a_curve_needs_and_goes_on(cell, values, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    model = bpcli.train(**values)
    texts, pages = zip(*cell, strict=True)
    assert texts[-1].startswith("60 of 60 iterations, loss ")
    for page in (pages[-1], model.curve._repr_html_()):
        assert "matplotlib" in page
        assert "bpcli-mnist[report]" in page
        assert "<svg" not in page


def test_an_interrupted_cell_keeps_what_has_been_learnt(cell, values, monkeypatch):
    times = iter([False, False, False, True])

    def stop(_handle, _thing):
        if next(times):
            raise KeyboardInterrupt

    monkeypatch.setattr(Handle, "update", stop)
    with pytest.warns(UserWarning, match="interrupted at iteration 3 of 60"):
        model = bpcli.train(**values)
    assert model.saved.iteration == 3
    assert repr(model) == "<Model model: iteration 3>"
    assert model.evaluate().images == 40
    assert [point.iteration for point in model.curve.points] == [0]


def test_an_accuracy_is_of_the_iteration_that_it_was_measured_at(cell, values, monkeypatch):
    times = iter([False] * 15 + [True])
    monkeypatch.setattr(Handle, "update", lambda *_: next(times) and interrupt())
    with pytest.warns(UserWarning, match="interrupted at iteration 15 of 60"):
        model = bpcli.train(**values)
    assert model.saved.record.iteration == 12
    assert re.fullmatch(
        r"<Model model: test accuracy [\d.]+% at iteration 12, iteration 15>", repr(model)
    )


def test_in_a_script_an_interrupt_is_one(values, monkeypatch):
    monkeypatch.setattr("bpcli.notebook.training.Cell.look", lambda *_, **__: interrupt())
    with pytest.raises(KeyboardInterrupt):
        bpcli.train(**values)


def interrupt():
    raise KeyboardInterrupt


def test_a_terminal_is_no_notebook(values, monkeypatch):
    ipython = types.SimpleNamespace(get_ipython=types.SimpleNamespace)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert bpcli.train(**values).saved.iteration == 60
