"""The page, in a real browser: what is drawn on it is read as `bpcli predict` would read it."""

import base64
import io
import itertools
import json

import numpy as np
import pytest
from contrast import contrast
from PIL import Image

from bpcli.backprop.architecture import ACTIVATIONS, LOSSES
from bpcli.data import load_split
from bpcli.show.page.report import draw_report
from bpcli.training import Reader, analyze, load

# Each digit as lines from point to point, in a box of 1 x 1.
STROKES = {
    0: [
        [(0.5, 0), (0.15, 0.2), (0.1, 0.6), (0.35, 1), (0.65, 1), (0.9, 0.6), (0.8, 0.2), (0.5, 0)]
    ],
    1: [[(0.5, 0), (0.5, 1)]],
    2: [[(0.1, 0.25), (0.3, 0), (0.7, 0), (0.85, 0.3), (0.1, 1), (0.9, 1)]],
    3: [[(0.1, 0.05), (0.7, 0), (0.85, 0.25), (0.4, 0.45), (0.85, 0.7), (0.6, 1), (0.1, 0.95)]],
    4: [[(0.25, 0), (0.1, 0.55), (0.9, 0.5)], [(0.75, 0), (0.65, 1)]],
    5: [[(0.85, 0), (0.25, 0), (0.2, 0.45), (0.7, 0.45), (0.85, 0.75), (0.6, 1), (0.1, 0.95)]],
    6: [[(0.7, 0), (0.3, 0.35), (0.15, 0.75), (0.45, 1), (0.8, 0.8), (0.6, 0.55), (0.2, 0.7)]],
    7: [[(0.1, 0.05), (0.9, 0), (0.4, 1)]],
    8: [[(0.8, 0.1), (0.4, 0), (0.2, 0.25), (0.75, 0.7), (0.5, 1), (0.2, 0.8), (0.8, 0.1)]],
    9: [[(0.8, 0.2), (0.5, 0), (0.2, 0.25), (0.5, 0.5), (0.8, 0.2), (0.7, 1)]],
}
PLACES = [(50, 50, 180), (130, 90, 110)]  # left, top, height: of the even digits, and of the odd


@pytest.fixture(scope="module")
def page(browser, mnist_model, tmp_path_factory):
    """The browser with the page of a model."""
    saved = load(mnist_model)
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(draw_report(analyze(saved, None), [saved], "1", canvas=True), "utf-8")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.set_window_size(1000, 900)
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())
    return browser


@pytest.fixture(scope="module")
def reader(mnist_model):
    return Reader(load(mnist_model))


def draw(page, strokes):
    """Draw with the mouse, from point to point."""
    from selenium.webdriver import ActionChains

    page.execute_script("document.getElementById('clear').click()")
    paper = page.find_element("id", "paper")
    middle = paper.size["width"] / 2, paper.size["height"] / 2
    for first, *others in strokes:
        chain = ActionChains(page, duration=5)
        for i, (x, y) in enumerate([first, *others]):
            chain.move_to_element_with_offset(paper, round(x - middle[0]), round(y - middle[1]))
            if i == 0:
                chain.click_and_hold()
        chain.release().perform()


def on_paper(page):
    """What is on the paper, as `read_image` would give it, and what the page made of it."""
    paper = page.find_element("id", "paper")
    uri = page.execute_script("return document.getElementById('paper').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as image:
        return np.array(image.convert("RGB")), json.loads(paper.get_attribute("data-chances"))


def test_each_digit_is_read_as_predict_reads_it(page, reader, request):
    right, step = 0, 1 if request.config.getoption("--long") else 3
    drawn = [*STROKES.items()][::step]
    for digit, strokes in drawn:
        left, top, height = PLACES[digit % 2]
        width = 0.7 * height
        draw(page, [[(left + x * width, top + y * height) for x, y in line] for line in strokes])
        pixels, chances = on_paper(page)
        (expected,) = reader.read(pixels)
        (found,) = chances
        assert page.find_element("id", "answer").text == expected.label
        for label, chance in expected.likeliest:
            assert found[int(label)] == pytest.approx(chance, abs=2e-6)
        right += expected.label == str(digit)
    assert right >= 0.75 * len(drawn)


def test_the_layers_of_the_page_are_those_of_the_net(page, reader):
    test = load_split("mnist", "test")
    for image in test.images[:20]:
        found = page.execute_script(
            "const y = network.forward(Float64Array.from(arguments[0], v => v / 255));"
            "return [...network.probabilities(y.at(-1))]", image.tolist(),
        )  # fmt: skip
        picture = np.repeat(image.reshape(28, 28, 1), 3, axis=2)
        (expected,) = reader.read(picture, as_is=True)
        for label, chance in expected.likeliest:
            assert found[int(label)] == pytest.approx(chance, abs=2e-6)


def test_the_keyboard_draws_too(page, reader):
    from selenium.webdriver import ActionChains, Keys

    page.find_element("id", "clear").click()
    paper = page.find_element("id", "paper")
    page.execute_script("arguments[0].focus()", paper)
    keys = [Keys.ARROW_UP] * 5 + [Keys.SPACE] + [Keys.ARROW_DOWN] * 10 + [Keys.SPACE]
    ActionChains(page).send_keys(*keys).perform()
    pixels, _ = on_paper(page)
    (expected,) = reader.read(pixels)
    assert expected.seen.how.scaled[1] == 20
    assert page.find_element("id", "answer").text == expected.label
    assert "pen up" in page.find_element("id", "pen").text
    ActionChains(page).send_keys(Keys.DELETE).perform()
    assert page.find_element("id", "answer").text == "draw a digit"


def test_units_that_fire_are_framed(page):
    draw(page, [[(140, 40), (140, 240)]])
    assert 0 < len(page.find_elements("css selector", ".fires")) < 64


def test_several_digits_are_one_number(page, reader):
    draw(page, [[(60, 60), (60, 220)], [(140, 60), (220, 60), (170, 220)]])
    pixels, _ = on_paper(page)
    expected = "".join(one.label for one in reader.read(pixels))
    assert page.find_element("id", "answer").text == expected
    assert len(expected) == 2


def test_doubts_are_told(page, reader):
    lattice = [[(60, y), (220, y)] for y in (60, 120, 180)]
    draw(page, [*lattice, *([(y, x) for x, y in line] for line in lattice)])
    pixels, _ = on_paper(page)
    (expected,) = reader.read(pixels)
    told = page.find_element("id", "doubts").text
    assert expected.doubts
    assert told == f"in doubt: {', '.join([expected.label, *expected.doubts])}"
    draw(page, [[(140, 40), (140, 240)]])
    assert page.find_element("id", "doubts").text == ""


def test_no_request_leaves_the_page_and_nothing_is_complained_of(page):
    assert page.get_log("browser") == []
    requests = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in page.get_log("performance")
        if "Network.requestWillBeSent" in entry["message"]
        and "request" in json.loads(entry["message"])["message"]["params"]
    ]
    assert all(url.startswith(("file:", "data:")) for url in requests)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [500, 1200])
def test_it_can_be_read_on_a_phone_and_in_the_dark(scheme, width, page):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "screen", "features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    page.set_window_size(width, 900)
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    colours = page.execute_script(
        """const paperOf = element => {
          for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!/, 0\\)$/.test(colour) && !/rgba/.test(colour)) return colour;
          }
        };
        return [...document.querySelectorAll('h1, h2, p, td, th, span, li, button, code')]
          .filter(e => e.textContent.trim() && e.offsetParent)
          .map(e => [getComputedStyle(e).color, paperOf(e), e.textContent.slice(0, 30)]);"""
    )
    assert colours
    for ink, paper, words in colours:
        assert contrast(ink, paper) >= 4.5, (words, ink, paper)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_everything_has_a_name_for_those_who_do_not_see_it(page):
    nameless = page.execute_script(
        """return [...document.querySelectorAll('img, canvas, meter, button, section, [role]')]
          .filter(e => !(e.alt || e.getAttribute('aria-label') || e.textContent.trim()
            || document.getElementById(e.getAttribute('aria-labelledby'))))
          .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    assert page.execute_script("return document.documentElement.lang") == "en"
    levels = page.execute_script(
        "return [...document.querySelectorAll('h1, h2')].map(h => h.tagName)"
    )
    assert levels.count("H1") == 1


def test_on_paper_there_is_no_canvas(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not page.find_element("id", "paper").is_displayed()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


KINDS = [*itertools.product(["false", "true"], ACTIVATIONS, LOSSES)]


@pytest.mark.parametrize(
    ("batch_norm", "activation", "loss"),
    # In the short form each activation, and what comes before and behind it in either way.
    [
        pytest.param(*kind, marks=[pytest.mark.long] * (i not in (3, 6, 10)))
        for i, kind in enumerate(KINDS)
    ],
)
def test_every_kind_of_layer_runs_in_the_page(
    batch_norm, activation, loss, browser, tmp_path, bpcli
):
    model = tmp_path / "m.npz"
    bpcli("train", "-q", "-s", f"network.activation={activation}", "-s", f"network.loss={loss}", "-s",
          "network.hidden=[12, 8]", "-s", "network.weight_init=xavier", "-s", "network.dropout=0.2",
          "-s", f"network.batch_norm={batch_norm}", "-s", "training.iterations=100", "-o", model)  # fmt: skip
    bpcli("report", model, "-o", tmp_path / "page.html")
    browser.set_window_size(1000, 900)
    browser.get((tmp_path / "page.html").as_uri())
    draw(browser, [[(70, 60), (200, 60), (120, 230)]])
    pixels, (found,) = on_paper(browser)
    (expected,) = Reader(load(model)).read(pixels)
    for label, chance in expected.likeliest:
        assert found[int(label)] == pytest.approx(chance, abs=2e-6)
