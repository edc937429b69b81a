"""A new notebook with the layers of chapter 5 and the README's lines runs from nothing to a page."""

import inspect
import os
import re
import subprocess
import sys

import chapter
import pytest
from photographs import Strokes, colour, lay
from tiny import ROOT

from bpcli.data import load_split
from bpcli.training import load

LAYERS = "\n".join(["import numpy as np", *map(inspect.getsource, (chapter.Affine, chapter.Relu))])
RUN = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in sys.argv[1:]:
    done = shell.run_cell(cell, store_history=False)
    done.raise_error()
    if done.result is not None:
        print(sorted(shell.display_formatter.format(done.result)[0]))
"""


def test_the_readme_takes_few_lines_from_layers_to_a_page(tmp_path):
    pytest.importorskip("IPython")
    (cell,) = [b for b in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
               if "bpcli.train(" in b]  # fmt: skip
    assert len(cell.splitlines()) < 15
    short = cell.replace('"fast", ', '"fast", iterations=600, warmup=50, ')
    assert short != cell
    shown = ["model", "model.curve", "model.evaluate()", "bpcli.compare(model, model)"]
    ink = Strokes(load_split("mnist", "test").images[0]).draw(120, 9)
    page = colour(lay(ink, (300, 280), at=(70, 80)), [236, 232, 220], [40, 45, 70])
    page.save(tmp_path / "seven.jpg", quality=90)
    done = subprocess.run(
        [sys.executable, "-c", RUN, LAYERS, short, *shown],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"IPYTHONDIR": str(tmp_path / "i")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy, label, *others = done.stdout.splitlines()
    kinds = [line for line in others if line.startswith("['text")]
    assert float(accuracy) > 0.95
    assert label == "7"
    assert kinds == ["['text/html', 'text/plain']"] * len(shown)
    saved = load(tmp_path / "mine.npz")
    assert saved.learnt_with.layers.startswith("Affine1, Affine2: Affine of ")
    assert "<html" in (tmp_path / "mine.html").read_text()
