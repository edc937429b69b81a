"""Damages good files at random and sees to it that each is read or refused in a sentence.

`python tests/fuzz/fuzz.py` does so for 10 minutes for each of the parsers; names of some of
them, and a number of minutes, as arguments do less. What hypothesis finds it keeps in .hypothesis
and tries first the next time; it then belongs into a test of its own.
"""

import gzip
import io
import json
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
from studies import damaged_studies, read_study
from tiny import ROOT, write_folder

from bpcli.backprop import Expression
from bpcli.data import Dataset, load_dataset, load_split, prepare
from bpcli.errors import CheckpointError, ConfigError, DatasetError, ExpressionError, PictureError
from bpcli.files.idx import read_idx
from bpcli.files.image import read_frames
from bpcli.show import (
    draw_comparison,
    draw_figure,
    draw_info,
    figure_svg,
    graph_fields,
    graph_figure,
    info_fields,
)
from bpcli.training import Config, compare, load, load_config, save, set_up, train

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
def damaged_archives(draw, good):
    """An archive with damaged bytes, or with damaged contents of a member, whose checksum fits."""
    if draw(st.booleans()):
        return draw(damaged(good))
    with zipfile.ZipFile(io.BytesIO(draw(st.sampled_from(good)))) as archive:
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
        for extra in (
            [],
            ["optimizer.method=adam", "network.dropout=0.5", "network.batch_norm=true"],
        ):
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
    files = []
    images, labels = np.zeros((4, 3, 3), np.uint8), np.arange(4, dtype=np.uint8)
    for x, y in (
        (images, labels),
        (images / 3, labels.astype("U9")),
        (images[..., None], np.eye(4)),
    ):
        file = io.BytesIO()
        np.savez_compressed(file, x_train=x, y_train=y, x_test=x, y_test=y)
        files.append(file.getvalue())
    return files


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
    shares = b"".join(b'"%d";0.0;.5;1e-1;1\n' % i for i in range(9))
    return [plain, plain.partition(b"\n")[2], gzip.compress(plain), shares]


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


@cache
def good_pictures():
    """A small digit in each format that is read, and in each way of packing pixels in it."""
    from PIL import Image

    grey = np.zeros((18, 14), np.uint8)
    grey[4:14, 6:8] = 200
    plain = Image.fromarray(grey)
    colour, faded = plain.convert("RGB"), Image.merge("LA", (plain, plain))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    ways = [
        (plain, "PNG", {}), (colour, "PNG", {"exif": exif}), (faded, "PNG", {}), (deep, "PNG", {}),
        (plain.quantize(4), "PNG", {"transparency": 0}), (plain.convert("1"), "PNG", {}),
        (plain, "JPEG", {}), (colour, "JPEG", {"progressive": True, "exif": exif}),
        (colour.convert("CMYK"), "JPEG", {}), (plain, "BMP", {}), (colour, "BMP", {}),
        (plain.quantize(4), "GIF", {}), (plain, "GIF", {"save_all": True, "append_images": [plain]}),
        (plain, "PPM", {}), (colour, "PPM", {}), (deep, "PPM", {}),
        *((plain, "TIFF", {"compression": way}) for way in (None, "tiff_lzw", "packbits", "tiff_adobe_deflate")),
        (Image.fromarray(grey.astype(np.float32) / 255), "TIFF", {}),
        *((plain, form, {"save_all": True, "append_images": [plain]}) for form in ("TIFF", "PNG", "WEBP")),
        (colour, "WEBP", {"lossless": True}), (faded.convert("RGBA"), "WEBP", {}),
    ]  # fmt: skip
    return [_save(image, form, options) for image, form, options in ways]


def _save(image, form, options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def picture(folder, data):
    path = folder / "p.png"
    path.write_bytes(data)
    try:
        for found in read_frames(path, is_reduced=True):
            pixels = found.pixels
            assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
            assert all(digit.image.shape == (28, 28) for digit in prepare(pixels))
    except PictureError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([-0.0, 10**400, -(10**30), 2**63, 1e308, "\x1b[2J", "x" * 1000, "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def changed_metadata(draw):
    """A model some of whose metadata are anything that JSON can say."""
    with np.load(io.BytesIO(draw(st.sampled_from(good_models())))) as archive:
        arrays = dict(archive)
    fields = json.loads(str(arrays["metadata"]))
    for _ in range(draw(st.integers(1, 3))):
        at = fields
        while True:
            key = draw(st.sampled_from(sorted(at)) | st.sampled_from(["names", "size", "white"]))
            if not isinstance(at.get(key), dict) or not at[key] or draw(st.booleans()):
                break
            at = at[key]
        if draw(st.integers(0, 9)):
            at[key] = draw(JSON)
        else:
            at.pop(key, None)
    file = io.BytesIO()
    np.savez(file, **arrays | {"metadata": np.array(json.dumps(fields))})
    return file.getvalue()


def metadata(folder, data):
    path = folder / "m.npz"
    path.write_bytes(data)
    try:
        saved = load(path)
    except CheckpointError as error:
        assert str(error).startswith(f"{path}: ")
        assert len(str(error)) < 2000 + len(str(path))
    else:
        assert saved.network().parameters.size
        assert draw_info("", {}, saved, 80).isascii() or saved.names
        json.dumps(info_fields("", {}, saved), allow_nan=False)
        assert draw_comparison(compare([saved]), 80, history=True)


TOKENS = ["x", "apple", "1", "2.5", "1e300", "+", "-", "*", "/", "**", "(", ")", ",", " ", "exp", "log", "max", "relu", "sigmoid", "tanh", "0", "y", "é", "\0", "_", "."]  # fmt: skip
PARSERS = {
    "config": (config, lambda: damaged(good_configurations())),
    "model": (model, lambda: damaged_archives(good_models())),
    "images": (images, lambda: damaged(good_images())),
    "csv": (table, lambda: damaged(good_tables())),
    "npz": (npz, lambda: damaged_archives(good_npz())),
    "picture": (picture, lambda: damaged(good_pictures())),
    "metadata": (metadata, changed_metadata),
    "expression": (
        expression,
        lambda: st.text(max_size=30) | st.lists(st.sampled_from(TOKENS), max_size=25).map("".join),
    ),
}


# Of which the suite tries few, in a test of their own.
SLOW_PARSERS = {"study": (read_study, lambda: damaged_studies(damaged))}


def fuzz(name, examples, start=0):
    """Try so many damaged inputs on a parser; raise what it should not have raised."""
    parser, inputs = (PARSERS | SLOW_PARSERS)[name]
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
    names = [a for a in sys.argv[1:] if not a.isdigit()] or [*PARSERS, *SLOW_PARSERS]
    minutes = next((int(a) for a in sys.argv[1:] if a.isdigit()), 10)
    for name in names:
        end, tried = time.monotonic() + 60 * minutes, 0
        while time.monotonic() < end:
            size = 50 if name in SLOW_PARSERS else 1000
            fuzz(name, size, start=time.time_ns())
            tried += size
        print(f"{name}: {tried:,} inputs in {minutes} minutes, each read or refused")


if __name__ == "__main__":
    main()
