"""What people hand to `bpcli predict`: large, old and odd files, folders, a pipe, an address."""

import io
import json

import numpy as np
import pytest
from photographs import colour, lay, strokes_of
from PIL import Image

from bpcli.cli.main import main
from bpcli.files.image import ENOUGH, read_frames, read_image


def page(size=(300, 280), high=150, at=(40, 60)):
    """The first test image, a 7."""
    ink = strokes_of(0).draw(high, high / 11)
    return colour(lay(ink, size, at=at), [250, 248, 240], [30, 40, 90])


@pytest.fixture
def read(bpcli, mnist_model):
    def call(*pictures, code=0):
        result = bpcli("predict", mnist_model, *pictures, "--json", code=code)
        return [json.loads(line) for line in result.stdout.splitlines()], result.stderr

    return call


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_and_its_boxes_are_not(form, read, tmp_path):
    path = tmp_path / "large"
    page((2500, 3400), 900, at=(700, 1100)).save(path, form)
    (small,) = read_frames(path, is_reduced=True)
    assert max(small.pixels.shape) in range(ENOUGH, 2 * ENOUGH)
    (found,), _ = read(path)
    assert found["answer"] == "7"
    left, top, width, height = found["digits"][0]["ink"]
    assert (left, top) == (pytest.approx(1100, abs=12), pytest.approx(700, abs=12))
    assert max(width, height) == pytest.approx(980, abs=100)


def test_what_is_reduced_is_as_before(tmp_path):
    page((900, 1700), 400).save(tmp_path / "p.png")
    (small,) = read_frames(tmp_path / "p.png", is_reduced=True)
    whole = read_image(tmp_path / "p.png")
    assert (small.reduced, small.pixels.shape) == (2, (450, 850, 3))
    means = whole.reshape(450, 2, 850, 2, 3).mean(axis=(1, 3))
    assert np.abs(small.pixels - means).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "transparent"])
def test_every_mode_is_as_dark_when_it_is_reduced(mode, tmp_path):
    grey = np.full((40, 1700), 250, np.uint8)
    grey[10:30, 400:1200] = 20
    picture = Image.fromarray(grey)
    if mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "CMYK":
        picture = picture.convert("RGB").convert(mode)
    elif mode != "transparent":
        picture = picture.convert(mode)
    path = tmp_path / ("p.tif" if mode == "CMYK" else "p.png")
    picture.save(path, **({"transparency": 250} if mode == "transparent" else {}))
    (small,) = read_frames(path, is_reduced=True)
    whole = read_image(path)
    assert whole.shape[1] == small.pixels.shape[1] * small.reduced
    assert abs(float(small.pixels.mean()) - float(whole.mean())) < 1


def test_of_several_frames_the_first_with_ink_is_read(read, bpcli, mnist_model, tmp_path):
    blank = Image.new("RGB", (280, 300), (250, 248, 240))
    for name, options in (("a.gif", {}), ("a.tif", {}), ("a.png", {}), ("a.webp", {})):
        blank.save(tmp_path / name, save_all=True, append_images=[page()], **options)
        (found,), told = read(tmp_path / name)
        assert found["answer"] == "7"
        assert told == f"{tmp_path / name}: found 2 frames; number 2 is the first with ink\n"
    blank.save(tmp_path / "b.gif")
    assert "nothing drawn on it" in read(tmp_path / "b.gif", code=2)[1]


def test_damaged_exif_is_left_alone(read, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    page().save(tmp_path / "p.jpg", exif=exif)
    content = (tmp_path / "p.jpg").read_bytes()
    start = content.index(b"Exif\0\0") + 6
    for at in range(start, start + 26):
        for value in (0, 0xFF):
            damaged = bytearray(content)
            damaged[at] = value
            file = io.BytesIO(damaged)
            assert next(read_frames(tmp_path / "p.jpg", file.getvalue())).pixels.size
    (tmp_path / "p.jpg").write_bytes(content[: start + 4] + b"\xff" * 4 + content[start + 8 :])
    assert read(tmp_path / "p.jpg")[0][0]["answer"] == "7"


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (
            b"\0\0\0\x18ftypheic",
            "a HEIC picture, expected a PNG, a JPEG or the like; pip install pillow-heif; python",
        ),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture, expected a PNG"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "an AVIF picture, expected a PNG"),
        (b"\0\0\0\x18ftypisom", "a film, expected a PNG"),
        (
            b"%PDF-1.7",
            "a PDF, expected a PNG, a JPEG or the like; pdftoppm -r 200 -png p.png p-1 makes a PNG of each page",
        ),
        (
            b"<svg xmlns=''/>",
            "an SVG drawing, expected a PNG, a JPEG or the like; rsvg-convert -o p-1.png p.png",
        ),
        (b"<?xml version='1.0'?>\n<!-- a --><svg/>", "an SVG drawing, expected a PNG"),
        (b"<!DOCTYPE html><svg/>", "a web page, expected a PNG"),
        (b"PK\x03\x04", "an archive or a document, expected a PNG"),
        (b"<" + b"!---->" * 100, "no picture that can be read, or a damaged one"),
        (b"\x89PNG\r\n\x1a\n", "no picture that can be read, or a damaged one"),
    ],
)
def test_what_is_no_picture_is_told_with_what_makes_one_of_it(start, words, read, folder):
    (folder / "p.png").write_bytes(start + b"\0" * 20)
    found, told = read("p.png", code=2)
    assert found == []
    assert told.startswith(f"p.png: found {words}")


def test_a_command_names_no_file_that_a_shell_would_misread(read, folder):
    (folder / "a; b.pdf").write_bytes(b"%PDF-1.7")
    told = read("a; b.pdf", code=2)[1]
    assert (
        told
        == "a; b.pdf: found a PDF, expected a PNG, a JPEG or the like; pdftoppm -r 200 -png FILE FILE makes a PNG of each page\n"
    )


def test_standard_input_is_a_picture(mnist_model):
    from click.testing import CliRunner

    file = io.BytesIO()
    page().save(file, "PNG")
    args = ["predict", str(mnist_model), "-"]
    result = CliRunner().invoke(main, args, input=file.getvalue())
    assert (result.exit_code, result.stderr, result.exception) == (0, "", None)
    assert result.stdout.startswith("standard input: 7 (")
    result = CliRunner().invoke(main, args, input=b"")
    assert result.exit_code == 2
    assert result.stderr.startswith("standard input: found no picture that can be read")


@pytest.mark.parametrize("address", ["https://example.org/7.png", "HTTP://example.org"])
def test_nothing_is_downloaded(address, read):
    _, told = read(address, code=2)
    assert told.startswith(f"{address}: found an address, from which nothing is downloaded; save")
    assert told.endswith(f"curl -sL {address} | bpcli predict MODEL -\n")


def test_a_folder_is_read_as_its_pictures_are(read, folder):
    (folder / "scans").mkdir()
    for name in ("b.PNG", "a.jpg"):
        page().save(folder / "scans" / name)
    (folder / "scans/notes.txt").write_text("sevens")
    page().save("c.png")
    assert [one["picture"] for one in read("scans")[0]] == ["a.jpg", "b.PNG"]
    names = [one["picture"] for one in read("c.png", "scans")[0]]
    assert names == ["c.png", "scans/a.jpg", "scans/b.PNG"]
