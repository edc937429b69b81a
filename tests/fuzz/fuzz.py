"""Damages good files at random and sees to it that each is read or refused in a sentence.

`python tests/fuzz/fuzz.py` does so for 10 minutes for each of the parsers; names of some of
them, and a number of minutes, as arguments do less. What hypothesis finds it keeps in .hypothesis
and tries first the next time; it then belongs into a test of its own.
"""

import gzip
import io
import struct
import sys
import tempfile
import time
import zipfile
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from tiny import ROOT, write_folder

from bpcli.backprop import Expression
from bpcli.data import Dataset, load_dataset, load_split
from bpcli.errors import CheckpointError, ConfigError, DatasetError, ExpressionError
from bpcli.files.idx import read_idx
from bpcli.show import draw_figure, figure_svg, graph_fields, graph_figure
from bpcli.training import Config, load, load_config, save, set_up, train

INTERESTING = [b"\0", b"\xff", b"\n", b"\t", b"'", b'"', b"&a ", b"*a", b"!!python/object:os ", b"1e400", b"-", b": ", b"[", b"{", b"999999999999999999", b"\xed\xa0\x80", b"\xfe\xff"]  # fmt: skip


@st.composite
def damaged(draw, good):
    """Bytes of one of `good`, with a few pieces changed, taken out, repeated or put in."""
    data = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([0, 1, 1, 2, 4, 8, 64, 1000]))
        piece = draw(
            st.sampled_from(INTERESTING)
            | st.binary(max_size=8)
            | st.just(bytes(data[at : at + length]) * 2)
        )
        data[at : at + length] = piece
    return bytes(data)


def good_configurations():
    return [path.read_bytes() for path in sorted((ROOT / "configs").rglob("*.yaml"))]


@st.composite
def damaged_models(draw):
    """A model with damaged bytes, or with damaged contents of a member, whose checksum fits."""
    models = good_models()
    if draw(st.booleans()):
        return draw(damaged(models))
    with zipfile.ZipFile(io.BytesIO(draw(st.sampled_from(models)))) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(sorted(contents)))
    contents[name] = draw(damaged([contents[name]]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in contents.items():
            archive.writestr(member, content)
    return file.getvalue()


@cache
def good_models():
    """Two models, one of them with the state of an optimizer and of dropout."""
    models = []
    with tempfile.TemporaryDirectory() as name:
        folder = write_folder(Path(name) / "data", np.random.default_rng(0))
        for extra in ([], ["optimizer.method=adam", "network.dropout=0.5"]):
            values = [f"dataset.source={folder}", "network.hidden=[3]", "training.iterations=1"]
            run = set_up(load_config(overrides=[*values, *extra]))
            list(train(run))
            save(Path(name) / "m.npz", run)
            models.append((Path(name) / "m.npz").read_bytes())
    return models


def good_images():
    shape = 5, 4, 3
    plain = struct.pack(">HBB3I", 0, 8, 3, *shape) + bytes(range(60))
    return [plain, gzip.compress(plain)]


def good_npz():
    file = io.BytesIO()
    images, labels = np.zeros((4, 3, 3), np.uint8), np.arange(4, dtype=np.uint8)
    np.savez_compressed(file, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return [file.getvalue()]


def config(folder, data):
    path = folder / "c.yaml"
    path.write_bytes(data)
    try:
        assert isinstance(load_config(path), Config)
    except ConfigError as error:
        assert all(line.startswith(f"{path}:") for line in str(error).splitlines())


def model(folder, data):
    path = folder / "m.npz"
    path.write_bytes(data)
    try:
        load(path).network()
    except CheckpointError as error:
        assert str(error).startswith(f"{path}: ")


def images(folder, data):
    for name in ("images", "images.gz"):
        path = folder / name
        path.write_bytes(data)
        try:
            assert read_idx(path, 3).ndim == 3
        except DatasetError as error:
            assert str(error).startswith(f"{path}: ")


def npz(folder, data):
    path = folder / "data.npz"
    path.write_bytes(data)
    try:
        assert isinstance(load_dataset(str(path)), Dataset)
    except DatasetError as error:
        assert str(error).startswith(str(path))


def good_tables():
    plain = b"label,1x1,1x2,2x1,2x2\n" + b"".join(b"%d,0,9,128,255\n" % i for i in range(9))
    return [plain, plain.partition(b"\n")[2], gzip.compress(plain)]


def table(folder, data):
    path = folder / "data.csv"
    path.write_bytes(data)
    try:
        assert load_split(str(path), "train").images.ndim == 2
    except DatasetError as error:
        assert str(error).startswith(str(path))


def expression(_folder, text):
    try:
        graph = Expression(text, {"x": 2.0, "apple": 100.0}).graph
    except ExpressionError as error:
        assert str(error)
    else:
        assert draw_figure(graph_figure(graph), 80)
        assert figure_svg(graph_figure(graph))
        assert graph_fields(graph)


TOKENS = ["x", "apple", "1", "2.5", "1e300", "+", "-", "*", "/", "**", "(", ")", ",", " ", "exp", "log", "max", "relu", "sigmoid", "tanh", "0", "y", "é", "\0", "_", "."]  # fmt: skip
PARSERS = {
    "config": (config, lambda: damaged(good_configurations())),
    "model": (model, damaged_models),
    "images": (images, lambda: damaged(good_images())),
    "csv": (table, lambda: damaged(good_tables())),
    "npz": (npz, lambda: damaged(good_npz())),
    "expression": (
        expression,
        lambda: st.text(max_size=30) | st.lists(st.sampled_from(TOKENS), max_size=25).map("".join),
    ),
}


def fuzz(name, examples, start=0):
    """Try so many damaged inputs on a parser; raise what it should not have raised."""
    parser, inputs = PARSERS[name]
    with tempfile.TemporaryDirectory() as folder:

        @seed(start)
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs())
        def check(data):
            parser(Path(folder), data)

        check()


def main():
    names = [a for a in sys.argv[1:] if not a.isdigit()] or list(PARSERS)
    minutes = next((int(a) for a in sys.argv[1:] if a.isdigit()), 10)
    for name in names:
        end, tried = time.monotonic() + 60 * minutes, 0
        while time.monotonic() < end:
            fuzz(name, 1000, start=time.time_ns())
            tried += 1000
        print(f"{name}: {tried:,} inputs in {minutes} minutes, each read or refused")


if __name__ == "__main__":
    main()
