"""What a notebook shows of the house, after no more than an import."""

import os
import subprocess
import sys
import types

import pytest

import bpcli
from bpcli import show
from bpcli.backprop import Graph, Variable

# A notebook that remembers who draws what, as IPython does.
NOTEBOOK = """
import sys, types
drawn = {}
class Formatter:
    def __init__(self, kind): self.kind = kind
    def for_type_by_name(self, room, name, draw): drawn[room, name] = self.kind, draw
class Formatters(dict):
    def __missing__(self, kind): return Formatter(kind)
notebook = types.SimpleNamespace(display_formatter=types.SimpleNamespace(formatters=Formatters()))
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: notebook)
"""


def python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("how", ["import bpcli", "from bpcli.backprop import Graph"])
def test_a_plain_import_is_enough(how):
    code = f"""{NOTEBOOK}
{how}
from bpcli.backprop import Graph, Variable
assert "bpcli.show" not in sys.modules
kind, draw = drawn["bpcli.backprop.graph", "Graph"]
print(kind, draw(Graph(Variable(100, "apple") * 2))[:4])
"""
    assert python(code) == "image/svg+xml <svg\n"


@pytest.mark.parametrize(("room", "name", "kind", "draw"), bpcli.PICTURES)
def test_what_is_drawn_is_there(room, name, kind, draw):
    assert isinstance(getattr(sys.modules[room], name), type)
    assert draw in show.__all__


def test_without_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    bpcli._show_in_notebook()
    monkeypatch.delitem(sys.modules, "IPython")
    bpcli._show_in_notebook()
    assert not hasattr(Graph(Variable(1) * 2), "_repr_svg_")


def test_ipython_itself_draws_a_graph_a_network_and_kinds_of_them(tmp_path):
    pytest.importorskip("IPython")
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in (
    "from bpcli.backprop import Graph, Variable\\nclass Mine(Graph): ...\\nMine(Variable(2) * 3)",
    "import bpcli, numpy\\nbpcli.backprop.build_network(9, 4, numpy.random.default_rng(0))",
):
    shown, _ = shell.display_formatter.format(shell.run_cell(cell, store_history=False).result)
    assert shown["image/svg+xml"].startswith("<svg")
    assert shown["text/plain"].startswith("<")
"""
    python(code, IPYTHONDIR=str(tmp_path))
