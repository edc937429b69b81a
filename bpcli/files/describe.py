"""a file that holds no data in -> what it is, and what would make it data, out."""

import re
from pathlib import Path

from bpcli.errors import DatasetError
from bpcli.files.archive import ZIP
from bpcli.files.idx import DAMAGE, GZIP, unpacked
from bpcli.files.path import link_target, look, read_start, say_path

# What makes data of a file that is not read here: of columns of pixels, or of one of pictures that
# is called image, with a label; and of what is called train_img and so on, or is three pairs of
# images and labels, as mnist.pkl.gz.
PARQUET = (
    "import io, numpy, pandas, PIL.Image as I; d = pandas.read_parquet('{path}'); "
    "p = [numpy.ravel(I.open(io.BytesIO(i['bytes'])).convert('L')) for i in d.get('image', ())]; "
    "(pandas.DataFrame(p).assign(label=d['label']) if p else d).to_csv('{target}.csv', index=False)"
)
PICKLE = (
    "import gzip, pickle, numpy as np; d = pickle.load({open}('{path}', 'rb'), encoding='latin1'); "
    "np.savez('{target}.npz', **(d if isinstance(d, dict) else {{f'{{a}}_{{p}}': v for p, pair in "
    "zip(('train', 'val', 'test'), d) for a, v in zip('xy', pair)}}))"
)

# What a file begins with, what it is then, and what to do.
BEGINNINGS = (
    (b"version https://git-lfs", "a pointer of Git LFS and not the file itself: run git lfs pull"),
    (b"<!doctype", "a web page: what was to be downloaded is something else"),
    (b"<html", "a web page: what was to be downloaded is something else"),
    (b"\x93numpy", "an array alone: put images and labels into one .npz as x_train, y_train, ..."),
    (b"\x89hdf", "an HDF5 file: save its arrays as an .npz of x_train, y_train, x_test and y_test"),
    (b"matlab", "a file of MATLAB: save its arrays as an .npz of x_train, y_train, x_test, y_test"),
    (b"@relation", "an ARFF file: save it as CSV, the label first"),
    (b"%", "an ARFF file or one of TeX: save data as CSV, the label first"),
    (b"\x89png", "a picture: data are many, in one file, with their labels"),
    (b"\xff\xd8\xff", "a picture: data are many, in one file, with their labels"),
    (b"bzh", "packed by bzip2: unpack it"),
    (b"\xfd7zxz", "packed by xz: unpack it"),
    (b"7z\xbc\xaf", "packed by 7-Zip: unpack it"),
    (b"\x1f\x8b", "packed by gzip: unpack it, and name the folder that it is in"),
)
PARQUET_START = b"par1"
PICKLED = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
PLAIN = re.compile(r"[\w./ -]+")  # a name that stands in quotes as it is
PICKLES = (".pkl", ".pickle", ".joblib")
TORCH = (".pt", ".pth")


def describe_file(path: Path) -> str:
    """Say what a file, or what stands in its place, is, by its beginning and its name.

    Raises DatasetError where that cannot be known.
    """
    found = look(path, DatasetError)
    if found == "nothing":
        target = link_target(path)
        return f"a link to {say_path(target)}, where nothing is" if target else "nothing there"
    if found != "file":
        return f"a {found}"
    start = read_start(path, 64, DatasetError).lstrip().lower()
    if path.suffix in TORCH:
        return "a file of PyTorch, which may run code: save its arrays as an .npz"
    if start.startswith(PARQUET_START):
        return f"a Parquet file: where a row is a label and an image, {_make(PARQUET, path)}"
    inside = _unpack_start(path) if start.startswith(GZIP) else start
    if set(path.suffixes[-2:]) & set(PICKLES) or inside.startswith(PICKLED):
        opener = "open" if inside is start else "gzip.open"
        return f"a pickle, which may run code: if you trust it, {_make(PICKLE, path, opener)}"
    if start.startswith(ZIP.lower()):
        return "a zip: unpack it, and name the folder"
    words = [what for beginning, what in BEGINNINGS if start.startswith(beginning)]
    return words[0] if words else "a file" if start else "an empty file"


def _unpack_start(path: Path) -> bytes:
    try:
        with unpacked(path) as (file, _):
            return file.read(2)
    except DAMAGE:
        return b""


def _make(program: str, path: Path, opener: str = "open") -> str:
    """Return the command that makes data of a file, whose name may need no quotes in it."""
    name = str(path)
    if not PLAIN.fullmatch(name):
        name = "FILE"
    target = re.sub(r"(\.\w+){1,2}$", "", name)
    return f'python -c "{program.format(path=name, target=target, open=opener)}" makes data of it'
