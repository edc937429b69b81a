"""Pictures of any format and kind, as pixels, and folders of them as data."""

import json
import os
import sys

import numpy as np
import pytest
from tiny import make_images

from bpcli.data import load_dataset
from bpcli.errors import BpcliError, PictureError
from bpcli.files.image import read_image, to_grey

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


def write_classes(folder, count, rng, names="0123", suffix=".png"):
    """Write the small data set as pictures, in a folder for each class."""
    for number, (image, label) in enumerate(zip(*make_images(count, rng), strict=True)):
        place = folder / names[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.astype(np.uint8)).save(place / f"{number}{suffix}")
    return folder


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "I;16", "I", "F", "CMYK", "P", "1"])
def test_every_mode_has_the_same_greys(mode, tmp_path):
    picture = Image.fromarray(GREY)
    if mode == "I;16":
        picture = Image.fromarray(GREY.astype(np.uint16) * 257)
    elif mode in "IF":
        picture = Image.fromarray(GREY.astype(np.int32 if mode == "I" else np.float32))
    elif mode == "1":
        picture = Image.fromarray(GREY > 99)
    else:
        picture = picture.quantize(24) if mode == "P" else picture.convert("RGB").convert(mode)
    path = tmp_path / ("picture.tif" if mode in ("F", "I", "CMYK") else "picture.png")
    picture.save(path)
    expected = np.where(GREY > 99, 255, 0) if mode == "1" else GREY
    found = to_grey(read_image(path)).astype(int)
    assert np.abs(found - expected).max() <= 1


def test_what_is_transparent_lies_on_white(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (0, 0, 0, 255)
    pixels[0, 1] = (0, 0, 0, 51)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert to_grey(read_image(tmp_path / "a.png")).tolist() == [[0, 204], [255, 255]]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.save(tmp_path / "b.png", transparency=0)
    assert to_grey(read_image(tmp_path / "b.png")).tolist() == [[255, 9]]


def test_a_camera_that_was_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(to_grey(read_image(tmp_path / "a.png")), np.rot90(GREY, -1))


def test_colours_become_grey_by_their_brightness(tmp_path):
    Image.fromarray(np.diag([255] * 3).astype(np.uint8)[None]).save(tmp_path / "rgb.png")
    assert to_grey(read_image(tmp_path / "rgb.png")).tolist() == [[76, 150, 29]]


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty", "cut", "svg", "huge"])
def test_what_is_no_picture_is_told(kind, tmp_path):
    path = tmp_path / "a.png"
    if kind == "folder":
        path.mkdir()
    elif kind in ("cut", "huge"):
        Image.fromarray(np.zeros((9000, 9000) if kind == "huge" else (99, 99), np.uint8)).save(path)
        if kind == "cut":
            path.write_bytes(path.read_bytes()[:60])
    elif kind != "missing":
        path.write_text({"text": "no picture", "empty": "", "svg": "<svg/>"}[kind])
    with pytest.raises(
        PictureError, match=r"a\.png: (found .*, expected |cannot be read: No such file)"
    ):
        read_image(path)


def test_folders_of_pictures_are_data(bpcli, tiny_options, folder, rng):
    write_classes(folder / "p/train", 120, rng, names=["ant", "bee", "cat", "dog"])
    write_classes(folder / "p/test", 40, rng, names=["ant", "bee", "cat", "dog"], suffix=".bmp")
    (folder / "p/train/ant/.DS_Store").write_text("")
    (folder / "p/train/ant/notes.txt").write_text("an ant")
    dataset = load_dataset("p")
    assert (dataset.size, dataset.names) == ((6, 6), ("ant", "bee", "cat", "dog"))
    assert (len(dataset.train), len(dataset.held_out)) == (120, 40)
    bpcli("train", *tiny_options, "-s", "dataset.source=p", "-q")
    result = bpcli("eval", "model.npz", "--data", "p/test")  # one folder for each class
    assert "accuracy 100.00%" in result.stdout
    assert "  dog    100.00%" in result.stdout


def test_any_part_of_pictures_is_of_all_classes(bpcli, tiny_options, folder, rng):
    write_classes(folder / "archive/pictures", 120, rng)  # as unpacking makes them
    options = [*tiny_options, "-s", "dataset.source=archive", "--json", "-q"]
    assert "there are no others to measure on" in bpcli("train", *options).stderr
    dataset = load_dataset("archive", validation=40)
    assert np.bincount(dataset.held_out.labels).tolist() == [10] * 4
    found = json.loads(bpcli("train", *options, "-s", "dataset.validation=40").stdout)
    assert found["validation_accuracy"] > 0.9


def test_pictures_of_another_size_are_named(bpcli, folder, rng):
    write_classes(folder / "p", 8, rng)
    Image.fromarray(GREY).save("p/1/z.png")
    result = bpcli("data", "p", code=2)
    assert " 6 pixels, expected " in result.stderr
    assert result.stderr.endswith(", or set dataset.size, as -s dataset.size=28\n")


def test_a_damaged_picture_is_named(bpcli, folder, rng):
    write_classes(folder / "p", 8, rng)
    (folder / "p/2/2.png").write_text("none")
    result = bpcli("data", "p", code=2)
    assert result.stderr.startswith("p/2/2.png: found no picture that can be read, or a damaged")


def test_without_pillow_the_extra_is_named(bpcli, folder, rng, monkeypatch):
    write_classes(folder / "p", 8, rng)
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = bpcli("data", "p", code=2)
    assert result.stderr.endswith(
        ": reading a picture needs Pillow, which is not installed: "
        "pip install 'bpcli-mnist[image]'\n"
    )


def test_pictures_without_folders_for_classes(bpcli, folder):
    (folder / "p").mkdir()
    Image.fromarray(GREY).save("p/1.png")
    result = bpcli("data", "p", code=2)
    assert result.stderr.startswith(
        "p: found images without labels, expected a label for each, of "
    )
    assert "of pictures a folder for each class" in result.stderr


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("train/9", "gone", r"9: found a link to gone, where nothing is, expected a folder of pic"),
        (
            "train/0/x.png",
            "gone",
            r"x\.png: cannot be read: it is a link to gone, where nothing is",
        ),
        ("train/0/x.png", "/dev/zero", r"x\.png: found a device, expected a file"),
        ("train/0/x.png", "x.png", r"x\.png: cannot be read: Too many levels of symbolic links"),
    ],
)
def test_links_in_folders_of_pictures_that_lead_to_none(name, target, words, tmp_path, rng):
    write_classes(tmp_path / "train", 20, rng)
    write_classes(tmp_path / "test", 20, rng)
    (tmp_path / name).symlink_to(target)
    with pytest.raises(BpcliError, match=words):
        load_dataset(str(tmp_path))


def test_a_picture_that_is_a_pipe_is_not_waited_for(tmp_path, rng):
    write_classes(tmp_path / "train", 20, rng)
    write_classes(tmp_path / "test", 20, rng)
    os.mkfifo(tmp_path / "train/0/x.png")
    with pytest.raises(PictureError, match=r"x\.png: found a pipe, expected a file"):
        load_dataset(str(tmp_path))


def test_a_library_says_nothing_of_a_damaged_picture(tmp_path, capfd):
    path = tmp_path / "a.tif"
    Image.fromarray(np.tile(GREY, (20, 20))).save(path, compression="tiff_lzw")
    content = bytearray(path.read_bytes())
    content[8:40] = b"\xff" * 32
    path.write_bytes(content)
    with pytest.raises(PictureError):
        read_image(path)
    assert capfd.readouterr() == ("", "")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
