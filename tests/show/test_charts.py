"""Charts: their numbers are written as people write them, nothing lies on another, all can be seen."""

import base64
import math
import re
from itertools import pairwise
from xml.etree import ElementTree as XML

import numpy as np
import pytest
from contrast import contrast
from hypothesis import given
from hypothesis import strategies as st

from bpcli.show import curve_svg
from bpcli.show.chart.axis import counts, linear, logarithmic
from bpcli.show.chart.chart import Bars, Chart, Line, room
from bpcli.show.chart.draw import LINE, draw_page_chart, draw_picture, spread, ticks
from bpcli.show.chart.runs import Run, chart_runs
from bpcli.show.chart.svg import ROLES
from bpcli.show.colours import DARK, LIGHT, THEMES
from bpcli.training.history import Point
from bpcli.training.losses import Losses

SIZES = st.floats(1e-9, 1e9)
NUMBER = re.compile(r"−?(\d{1,3}(,\d{3})*(\.\d+)?|(\d(\.\d+)?×)?10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


def run_of(name="", evaluations=1, split="test", losses=(), loss=0.1):
    history = [
        Point(100 * (i + 1), loss / (i + 1), 0.97, 0.96, 1.0, 0.2 / (i + 1))
        for i in range(evaluations)
    ]
    return Run(name, history, split, Losses(means=list(losses)))


def texts(svg):
    return [element.text for element in XML.fromstring(svg).iter() if element.tag.endswith("text")]


def drawn(chart):
    """A chart's width and height, its words, and the lines through it that are wider than 1."""
    root = XML.fromstring(draw_page_chart(chart))
    *_, width, height = map(float, root.get("viewBox").split())
    curves = [
        [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d"))]
        for path in root.iter("path")
        if float(path.get("stroke-width", 1)) > 1 and not path.get("transform")
    ]
    return width, height, list(root.iter("text")), curves


def place(text):
    return float(text.get("x")), float(text.get("y"))


@pytest.fixture(scope="module")
def study(bpcli, tenth, tmp_path_factory):
    pytest.importorskip("optuna")
    folder = tmp_path_factory.mktemp("study")
    keys = ["optimizer.learning_rate=log(0.05, 0.9)", "network.hidden=choice([4], [8])"]
    options = [f"dataset.source={tenth}", "dataset.validation=500", "training.iterations=30", *keys]
    given = [part for option in options for part in ("-s", option)]
    bpcli("tune", "-o", folder / "study", *given, "--trials", 4)
    bpcli("tune", "--show", folder / "study", "-o", folder / "study.html")
    return (folder / "study.html").read_text("utf-8")


def test_numbers_of_every_chart_of_a_page_are_written_as_people_do(
    study, bpcli, mnist_model, tmp_path
):
    bpcli("report", mnist_model, mnist_model, "-o", tmp_path / "page.html")
    bpcli("report", mnist_model, "-o", tmp_path / "curve.svg")
    pages = [study, *((tmp_path / name).read_text("utf-8") for name in ("page.html", "curve.svg"))]
    for page in pages:
        hidden = [base64.b64decode(text) for text in re.findall(r"svg\+xml;base64,([^\"]+)", page)]
        for svg in [*re.findall(r"<svg.*?</svg>", page, re.S), *(svg.decode() for svg in hidden)]:
            found = texts(svg)
            assert found
            for text in found:
                assert not re.search(r"\$|\\|math|\de[-+]?\d|nan|inf\b", text), text
                if re.fullmatch(r"[-−\d.,×⁻⁰¹²³⁴⁵⁶⁷⁸⁹e+]+", text):
                    assert NUMBER.fullmatch(text), text
    assert "study" in study
    assert len(re.findall(r"<svg", pages[1])) >= 7
    assert not re.search(r"svg\+xml", "".join(pages))


def assert_within(axis):
    slack = 1e-6 * (axis.high - axis.low)
    assert all(axis.low - slack <= place <= axis.high + slack for place, _ in ticks(axis))


@given(SIZES, st.floats(1.0, 1e9))
def test_a_logarithmic_axis_has_three_numbers_that_tell_places_apart(least, times):
    axis = logarithmic("x", [least, least * times])
    written = [text for _, text in ticks(axis)]
    assert len(set(written)) == len(written) >= 3
    assert all(NUMBER.fullmatch(text) for text in written)
    assert_within(axis)
    assert axis.scale == "log"
    assert 0 < axis.low < least <= least * times < axis.high


@given(st.floats(-1e6, 1e6), SIZES)
def test_a_linear_axis_has_numbers_that_tell_places_apart(low, span):
    axis = linear("x", low, low + span)
    written = [text for _, text in ticks(axis)]
    if span > 1e-6 * abs(low):
        assert len(set(written)) == len(written) >= 2
    assert all(NUMBER.fullmatch(text) for text in written)
    assert_within(axis)


@given(st.integers(1, 10**7))
def test_of_many_images_one_is_seen_still(most):
    axis = counts("images", most)
    assert (axis.low, axis.high, axis.scale) == (0, most, "symlog")
    assert [text for _, text in ticks(axis)][:2] == ["0", "1"]


def test_one_image_beside_ten_million_has_a_bar_that_is_seen():
    bars = Bars(((0, 1, 1.0), (2, 3, 1e7)), 0)
    chart = Chart("x", linear("a", 0, 3), counts("b", 10**7), bars=(bars,))
    root = XML.fromstring(draw_page_chart(chart))
    shapes = [p.get("d") for p in root.iter("path") if p.get("fill") == LIGHT.lines[0]]
    heights = [[float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", shape)] for shape in shapes]
    small, large = (max(ys) - min(ys) for ys in heights)
    assert large == pytest.approx(chart.height, abs=0.2)
    assert small >= 0.04 * large


@given(st.lists(st.floats(0, 100), max_size=7))
def test_heights_are_spread_no_more_than_needed(heights):
    heights.sort()
    found = spread(heights, 15, 0, 100)
    assert all(b - a >= 15 - 1e-9 for a, b in pairwise(found))
    assert all(-1e-9 <= height <= 100 for height in found)
    if all(b - a >= 15 for a, b in pairwise(heights)):
        assert found == heights


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=40), st.integers(1, 30), st.floats(1e-3, 1e3)),
        min_size=1,
        max_size=12,
    )
)
def test_no_name_lies_on_another_or_on_a_curve(given):
    runs = [run_of(name, evaluations, loss=loss) for name, evaluations, loss in given]
    for chart in chart_runs(runs):
        width, height, words, curves = drawn(chart)
        names = [text for text in words if text.get("fill") in LIGHT.lines]
        heights = sorted(place(text)[1] for text in names)
        assert len(names) == (len(runs) if len(runs) > 1 else 2)
        assert all(b - a >= LINE - 0.11 for a, b in pairwise(heights))
        samples = [y - 4 for y in heights]
        reach = [
            x
            for curve in curves
            for x, _ in curve
            if not any(abs(curve[0][1] - sample) < 0.11 for sample in samples)
        ]
        assert all(place(text)[0] >= max(reach, default=0) for text in names)
        for text in words:
            (x, y), wide = place(text), room(text.text)
            start = {"middle": x - wide / 2, "end": x - wide}.get(text.get("text-anchor"), x)
            assert start >= -0.1
            if text.get("fill") != LIGHT.ink:  # a key is as wide as its letters
                assert start + wide <= width + 0.1, text.text
            assert 0 < y < height


@pytest.mark.parametrize("evaluations", [1, 3, 40])
def test_train_and_test_are_told_apart_also_where_there_is_one_point(evaluations):
    for runs in ([run_of("a", evaluations)], [run_of("a", evaluations), run_of("b", evaluations)]):
        for chart in chart_runs(runs):
            (train, test), *_ = zip(
                *[iter([line for line in chart.lines if line.points])] * 2, strict=True
            )
            assert train.is_hollow
            assert not test.is_hollow
            assert train.width < test.width
            told = {text.text for text in drawn(chart)[2]}
            assert {"train", "test"} <= told


@pytest.mark.parametrize("name", ["\x01\ufffe\uffff", "<&>\"'", ' x="1" ', "中", "$x^2$"])
def test_any_name_can_be_written(name):
    for chart in chart_runs([run_of(name, 20), run_of("b", 20)]):
        told = [text.text for text in drawn(chart)[2]]
        if name.isprintable():
            assert name in told
        assert "b" in told


def test_what_was_between_a_few_evaluations_is_not_drawn():
    for chart in chart_runs([run_of("a", 2)]):
        assert not any(line.is_joined for line in chart.lines if not line.is_light)
    assert all(line.is_joined for chart in chart_runs([run_of("a", 40)]) for line in chart.lines)


def test_losses_that_are_no_number_are_no_points():
    history = [Point(1, math.nan, 0.1, 0.1, 1.0, math.inf), Point(2, 2.0, 0.2, 0.2, 2.0, 2.1)]
    svg = curve_svg(history, "test", 10)
    assert "nan" not in svg
    assert "inf" not in svg


# What is seen without one of the three kinds of cones: Machado, Oliveira and Fernandes 2009.
EYES = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}  # fmt: skip


def oklab(colours, eye):
    """Colours as they are seen, by Ottosson 2020: distances of 0.02 are just noticed."""
    parts = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    light = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.array(EYES[eye]).T, 0, 1)
    cones = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
    mixed = np.array([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099],
                      [0.0259040371, 0.7827717662, -0.808675766]])  # fmt: skip
    return np.cbrt(light @ cones.T) @ mixed.T


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everybody_tells_ten_models_apart(theme, eye):
    assert len(theme.lines) == 10
    seen = oklab(theme.lines, eye)
    apart = np.linalg.norm(seen[:, np.newaxis] - seen, axis=2)
    assert apart[np.triu_indices(10, 1)].min() > 0.09


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_stands_out_from_its_paper(theme):
    def rgb(colour):
        return ", ".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))

    for role in (*(f"line{i}" for i in range(10)), "ink", "soft", "derivative"):
        least = 3 if role.startswith("line") else 4.5
        for paper in (theme.paper, *([theme.fill] * (role in ("ink", "soft")))):
            assert contrast(rgb(theme.of(role)), rgb(paper)) >= least, role


def test_each_role_has_a_colour_that_a_dark_screen_can_turn():
    assert len({LIGHT.of(role) for role in ROLES}) == len(ROLES)
    chart = chart_runs([run_of(str(i), 40, losses=[1.0]) for i in range(3)])[0]
    for element in XML.fromstring(draw_page_chart(chart)).iter():
        for kind in ("fill", "stroke"):
            assert element.get(kind, "none") in ("none", *map(LIGHT.of, ROLES))
        assert not {"style", "id", "class"}.intersection(element.keys()) or element.tag == "svg"


def test_two_models_differ_in_more_than_colour():
    looks = {(line.colour, line.dash) for chart in chart_runs([run_of(str(i), 40) for i in range(10)])
             for line in chart.lines}  # fmt: skip
    assert len(looks) == 10
    assert len({dash for _, dash in looks}) == 5


@pytest.mark.parametrize("theme", THEMES)
def test_a_chart_brings_its_own_paper(theme):
    chart = Chart("x", linear("a", 0, 1), linear("b", 0, 1), (Line(((0, 0), (1, 1)), 0, "c"),))
    svg = draw_picture([chart], 1, "x", "svg", theme).decode()
    assert re.search(rf'<path d="M 0 [^>]*fill="{THEMES[theme].paper}"', svg)
    assert ("prefers-color-scheme: dark" in svg) == (theme == "auto")
    assert (DARK.paper in svg) == (theme != "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
def test_a_picture_in_a_page_has_the_colours_that_were_asked_for(theme, scheme, browser, tmp_path):
    """As <img>: the colour of its paper, as the browser paints it."""
    svg = draw_picture(chart_runs([run_of("a")]), 2, "x", "svg", theme)
    (tmp_path / "curve.svg").write_bytes(svg)
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><meta charset=utf-8><title>x</title><img src=curve.svg>")
    browser.set_window_size(800, 600)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
    browser.get(page.as_uri())
    from PIL import Image

    (tmp_path / "seen.png").write_bytes(
        browser.find_element("css selector", "img").screenshot_as_png
    )
    with Image.open(tmp_path / "seen.png") as image:
        corner = image.convert("L").getpixel((2, 60))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    is_dark = theme == "dark" or (theme == "auto" and scheme == "dark")
    assert (corner < 60) == is_dark
