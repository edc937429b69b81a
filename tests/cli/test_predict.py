"""`bpcli predict`: a person's own pictures, answered with reasons, and told where they are none."""

import io
import json
import sys

import numpy as np
import pytest
from photographs import Strokes, colour, lay, several_on_a_page
from PIL import Image, ImageColor

from bpcli.data import load_split
from bpcli.show.colours import LIGHT


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    """A photograph of the first test image, a 7, 150 pixels high at (60, 40)."""
    ink = Strokes(load_split("mnist", "test").images[0]).draw(150, 14)
    path = tmp_path_factory.mktemp("seven") / "seven.png"
    colour(lay(ink, (300, 280), at=(40, 60)), [250, 248, 240], [30, 40, 90]).save(path)
    return path


def test_it_says_what_it_sees_and_what_was_done(bpcli, mnist_model, seven):
    answer, reasons = bpcli("predict", mnist_model, seven).stdout.splitlines()
    assert answer.startswith(f"{seven}: 7 (")
    assert answer.count("%") == 3
    assert reasons.startswith("  dark on light: inverted; ink ")
    assert (
        "at (61, 41), scaled to fit 20 x 20; thin strokes thickened; centre of mass moved by ("
        in reasons
    )


def test_json_has_a_line_for_each_picture(bpcli, mnist_model, seven):
    lines = bpcli("predict", mnist_model, seven, seven, "--json").stdout.splitlines()
    first, second = map(json.loads, lines)
    assert first == second
    assert (first["model"], first["picture"], first["seed"]) == (str(mnist_model), str(seven), 0)
    assert len(first["digest"]) == 64
    assert first["answer"] == "7"
    (digit,) = first["digits"]
    chances = [one["probability"] for one in digit["likeliest"]]
    assert chances == sorted(chances, reverse=True)
    assert digit["likeliest"][0]["label"] == digit["label"] == "7"
    assert digit["inverted"] is True
    assert digit["ink"][:2] == [61, 41]
    assert max(digit["scaled"]) == 20


def test_what_was_read_where_is_drawn(bpcli, mnist_model, seven, tmp_path):
    bpcli("predict", mnist_model, seven, "-o", tmp_path / "seen.png")
    with Image.open(seven) as image, Image.open(tmp_path / "seen.png") as seen:
        before, after = np.array(image.convert("RGB")), np.array(seen)
    height, width, _ = before.shape
    assert after.shape == (height + 56, width, 3)  # below it is what the net sees, twice as large
    changed = (after[:height] != before).any(axis=2)
    (digit,) = json.loads(bpcli("predict", mnist_model, seven, "--json").stdout)["digits"]
    left, top, wide, high = digit["ink"]
    assert changed[top - 2, left : left + wide].all()
    assert changed[top : top + high, left + wide + 1].all()
    assert not changed[top : top + high, left : left + wide].any()
    assert after[height:, :56].max() == 255


def test_several_digits_are_one_number(bpcli, mnist_model, tmp_path, rng):
    several_on_a_page([1, 0, 7], rng).save(tmp_path / "p.png")
    lines = bpcli("predict", mnist_model, tmp_path / "p.png").stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'p.png'}: 107, 3 digits"
    bpcli("predict", mnist_model, tmp_path / "p.png", "-o", tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as seen:
        colours = [colour for _, colour in seen.convert("RGB").getcolors(1 << 20)]
    assert {ImageColor.getrgb(colour) for colour in LIGHT.lines[:2]} & set(colours)


def test_on_a_terminal_the_image_is_drawn(bpcli, mnist_model, seven, monkeypatch):
    from bpcli.cli import predict

    monkeypatch.setattr(predict, "is_terminal", lambda: True)
    assert "█" in bpcli("predict", mnist_model, seven).stdout


def doubts_on(bpcli, model, picture, tmp_path):
    picture.save(tmp_path / "p.png")
    found = json.loads(bpcli("predict", model, tmp_path / "p.png", "--json").stdout)
    return [doubt for digit in found["digits"] for doubt in digit["doubts"]]


def test_doubts_are_told(bpcli, mnist_model, tmp_path, rng):
    lines = np.zeros((300, 280))
    for at in (80, 120, 160, 200):
        lines[at : at + 9, 70:220] = lines[70:220, at : at + 9] = 1
    lattice = colour(lines, [255] * 3, [0] * 3)
    assert "it looks like no digit that the net knows" in doubts_on(
        bpcli, mnist_model, lattice, tmp_path
    )
    ink = lay(Strokes(load_split("mnist", "test").images[0]).draw(150, 14), (300, 280), at=(40, 60))
    faint = colour(ink, [200] * 3, [185] * 3)
    assert "there is hardly any contrast" in doubts_on(bpcli, mnist_model, faint, tmp_path)
    assert doubts_on(bpcli, mnist_model, colour(ink, [250] * 3, [10] * 3), tmp_path) == []


def test_of_mnist_itself_less_than_one_in_a_hundred_looks_strange(mnist_model):
    from bpcli.training import Reader, load

    reader, test = Reader(load(mnist_model)), load_split("mnist", "test")
    strange = 0
    for image in test.images[:1000].reshape(-1, 28, 28):
        (found,) = reader.read(np.repeat(image[..., None], 3, axis=2), as_is=True)
        strange += any("no digit" in doubt for doubt in found.doubts)
    assert 0 < strange < 15


def broken(path, kind):
    image = Image.new("L", (200, 200), 255)
    if kind == "nothing on it":
        image.save(path)
    elif kind == "truncated":
        file = io.BytesIO()
        Image.fromarray(
            np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
        ).save(file, "PNG")
        path.write_bytes(file.getvalue()[:5000])
    elif kind == "text":
        path.write_text("seven")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a bomb":
        Image.new("1", (20_000, 20_000)).save(path)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nothing on it", "found nothing drawn on it, expected ink on paper"),
        ("truncated", "a damaged one, expected a PNG, a JPEG or the like"),
        ("text", "found no picture that can be read"),
        ("empty", "found no picture that can be read"),
        ("missing", "cannot be read: No such file or directory"),
        ("a folder", "found nothing in it, expected train-images-idx3-ubyte"),
        ("a bomb", "than 50,000,000"),
    ],
)
def test_what_is_no_picture_is_told_in_a_sentence(kind, words, bpcli, mnist_model, tmp_path):
    broken(tmp_path / "p.png", kind)
    result = bpcli("predict", mnist_model, tmp_path / "p.png", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith(f"{tmp_path / 'p.png'}: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_after_one_that_is_none_the_others_are_read(bpcli, mnist_model, seven, tmp_path):
    for kind in ("text", "nothing on it"):
        path = tmp_path / f"{kind}.png"
        broken(path, kind)
        result = bpcli("predict", mnist_model, path, seven, "--json", code=2)
        assert json.loads(result.stdout)["answer"] == "7"
        assert result.stderr.startswith(f"{path}: ")


def test_a_model_of_other_data_prepares_size_and_polarity_alone(bpcli, model, seven):
    lines = bpcli("predict", model, seven).stdout.splitlines()
    assert lines[1] == (
        "  dark and light have changed places; scaled to 6 x 6: the model's images are not as MNIST's"
    )


def test_a_deskewed_model_deskews_pictures_too(bpcli, seven, tmp_path, tiny_options):
    out = tmp_path / "d.npz"
    bpcli("train", "-s", "dataset.deskew=true", "-s", "training.iterations=300", "-s",
          "training.evaluate_every=300", "-q", "-o", out)  # fmt: skip
    found = json.loads(bpcli("predict", out, seven, "--json").stdout)
    assert found["answer"] == "7"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["--as-is"],
            "found 280 x 300 pixels, expected 28 x 28 for a picture that is taken as it is",
        ),
        (["-o", "seen.jpg"], "seen.jpg: expected a name that ends in .png"),
        (["-o", "seen.png", "other.png"], "-o is for one picture, found 2"),
    ],
)
def test_mistakes(args, words, bpcli, mnist_model, seven):
    assert words in bpcli("predict", mnist_model, seven, *args, code=2).stderr


def test_pillow_is_named_where_it_is_missing(bpcli, mnist_model, seven, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert bpcli("predict", mnist_model, seven, code=2).stderr == (
        f"{seven}: reading a picture needs Pillow, which is not installed: "
        "pip install 'bpcli-mnist[image]'\n"
    )


def test_the_picture_itself_is_never_replaced(bpcli, mnist_model, seven):
    before = seven.read_bytes()
    message = bpcli("predict", mnist_model, seven, "-o", seven, code=2).stderr
    assert "that is the picture itself" in message
    assert seven.read_bytes() == before


def test_as_is_nothing_is_said_to_be_done(bpcli, mnist_model, tmp_path):
    image = load_split("mnist", "test").images[0].reshape(28, 28)
    Image.fromarray(image).save(tmp_path / "p.png")
    told = bpcli("predict", mnist_model, tmp_path / "p.png", "--as-is").stdout
    assert told.splitlines()[1] == "  taken as it is"


@pytest.mark.parametrize("invert", [False, True])
def test_a_model_of_dark_on_light_images_reads_such(invert, bpcli, tmp_path, rng):
    """Of data of one's own, which are not as MNIST's, the model keeps how light their paper is."""
    x = np.full((200, 12, 12), 230, np.uint8)
    y = np.arange(200) % 2
    x[y == 0, 5:7, 2:10] = 20  # a bar that lies, and one that stands
    x[y == 1, 2:10, 5:7] = 20
    x = 255 - x if invert else x
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    bpcli("train", "-q", "-s", f"dataset.source={tmp_path / 'd.npz'}", "-s", "training.iterations=50",
          "-o", tmp_path / "m.npz")  # fmt: skip
    for turned in (False, True):
        for label in (0, 1):
            picture = x[label] if not turned else 255 - x[label]
            Image.fromarray(picture).save(tmp_path / "p.png")
            found = json.loads(
                bpcli("predict", tmp_path / "m.npz", tmp_path / "p.png", "--json").stdout
            )
            assert found["answer"] == str(label)
            assert found["digits"][0]["inverted"] is turned


def test_mnist_under_another_name_is_prepared_as_mnist(bpcli, tmp_path, seven):
    bpcli("data", "-o", tmp_path / "mn.npz")
    bpcli("train", "-q", "-s", f"dataset.source={tmp_path / 'mn.npz'}", "-s", "training.iterations=300",
          "-s", "training.evaluate_every=300", "-o", tmp_path / "m.npz")  # fmt: skip
    found = json.loads(bpcli("predict", tmp_path / "m.npz", seven, "--json").stdout)
    assert found["digits"][0]["way"] == "prepared"
    assert found["answer"] == "7"


def test_weights_too_large_are_told(bpcli, mnist_model, seven, tmp_path):
    with np.load(mnist_model) as archive:
        arrays = dict(archive)
    arrays["W1"] = np.sign(arrays["W1"]) * np.float32(1e38)
    np.savez(tmp_path / "huge.npz", **arrays)
    for args in (["predict", tmp_path / "huge.npz", seven, "--json"],
                 ["report", tmp_path / "huge.npz", "-o", tmp_path / "p.html"]):  # fmt: skip
        assert "weights too large for any answer" in bpcli(*args, code=2).stderr


@pytest.mark.parametrize("height", [30, 90, 160])
def test_a_small_digit_on_a_large_page_is_dark_on_light(height, bpcli, mnist_model, tmp_path):
    ink = Strokes(load_split("mnist", "test").images[0]).draw(height, height / 12)
    colour(lay(ink, (900, 1200), at=(200, 500)), [255] * 3, [0] * 3).save(tmp_path / "p.png")
    (digit,) = json.loads(bpcli("predict", mnist_model, tmp_path / "p.png", "--json").stdout)[
        "digits"
    ]
    assert digit["inverted"]
    assert digit["label"] == "7"
