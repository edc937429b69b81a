"""SVG and pictures, looked at by a browser: nothing is cut off, all can be read on any paper."""

import re

import pytest
from contrast import contrast
from hypothesis import given
from strategies import VALUES, expressions

from bpcli.backprop import Graph, Variable
from bpcli.backprop.expression import Expression
from bpcli.errors import ExpressionError
from bpcli.show import figure_svg, graph_figure, graph_svg, network_svg
from bpcli.show.motion import plan
from bpcli.show.painting import RADIUS, paint
from bpcli.training import load_config, set_up

SHOPPING = "(apple * apple_count + orange * orange_count) * tax"
GOODS = {"apple": 100, "apple_count": 2, "orange": 150, "orange_count": 3, "tax": 1.1}
EXPRESSIONS = [
    ("MMMMMMMMMMMMMMMMWWWWWWW * iii", {"MMMMMMMMMMMMMMMMWWWWWWW": 1, "iii": 2}, False),
    (SHOPPING, GOODS, False),
    ("(a + b) * (b + c) * a", {"a": 1, "b": 2, "c": 3}, False),
    ("softmax_with_loss(affine(x, W, b), t)",
     {"x": [1, 2], "W": [[1, 3, 5], [2, 4, 6]], "b": [1, 2, 3], "t": [0, 0, 1]}, True),
]  # fmt: skip
FOUND = """
const svg = document.querySelector('svg'), all = svg.getBoundingClientRect();
const parts = [...svg.querySelectorAll('text, .node, .head, .line')];
return {
  paper: getComputedStyle(svg.querySelector('.paper')).fill,
  page: [all.left, all.top, all.right, all.bottom],
  wide: document.documentElement.scrollWidth > window.innerWidth,
  parts: parts.map(part => {
    const box = part.getBoundingClientRect(), style = getComputedStyle(part);
    return {kind: part.getAttribute('class'), words: part.textContent,
            box: [box.left, box.top, box.right, box.bottom], fill: style.fill,
            stroke: style.stroke};
  })};
"""


def drawn(text, values, expand=False):
    return figure_svg(graph_figure(Expression(text, values, expand=expand).graph))


def show(browser, tmp_path, svg, width=1200, **media):
    """Show SVG in a page, and return what the browser has made of it."""
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>x</title><body>{svg}</body>")
    browser.set_window_size(width, 900)
    features = [{"name": "prefers-color-scheme", "value": media.get("scheme", "light")}]
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": media.get("media", "screen"), "features": features}
    )
    browser.get(page.as_uri())
    return browser.execute_script(FOUND)


def overlap(a, b, slack=1.5):
    return (min(a[2], b[2]) - max(a[0], b[0]) > slack) and (
        min(a[3], b[3]) - max(a[1], b[1]) > slack
    )


@pytest.mark.parametrize(("text", "values", "expand"), EXPRESSIONS)
def test_nothing_is_cut_off_and_no_text_lies_on_another(text, values, expand, browser, tmp_path):
    found = show(browser, tmp_path, drawn(text, values, expand), width=2000)
    texts = [part for part in found["parts"] if part["words"]]
    for part in found["parts"]:
        assert found["page"][0] <= part["box"][0] <= part["box"][2] <= found["page"][2], part
        assert found["page"][1] <= part["box"][1] <= part["box"][3] <= found["page"][3], part
    for i, part in enumerate(texts):
        assert not any(overlap(part["box"], other["box"]) for other in texts[i + 1 :]), part
    nodes = [part["box"] for part in found["parts"] if part["kind"] == "node"]
    for part in texts:
        if part["kind"] in ("value", "derivative"):
            assert not any(overlap(part["box"], node) for node in nodes), part


@pytest.mark.parametrize(
    "media",
    [{"scheme": "light"}, {"scheme": "dark"}, {"scheme": "dark", "media": "print"}],
    ids=["light", "dark", "print"],
)
def test_it_can_be_read_in_light_in_the_dark_and_on_paper(media, browser, tmp_path):
    found = show(browser, tmp_path, drawn(SHOPPING, GOODS), **media)
    is_dark = media == {"scheme": "dark"}
    assert (contrast(found["paper"], "rgb(0, 0, 0)") < 2) == is_dark
    colours = {part["kind"]: part for part in found["parts"]}
    for kind in ("input", "name", "value", "derivative"):
        assert contrast(colours[kind]["fill"], found["paper"]) > 4.5
    assert contrast(colours["name"]["fill"], colours["node"]["fill"]) > 4.5
    assert contrast(colours["line"]["stroke"], found["paper"]) > 4.5
    assert colours["derivative"]["fill"] != colours["value"]["fill"]


def test_on_a_phone_it_shrinks_and_nothing_has_to_be_pushed_aside(browser, tmp_path):
    text, values, expand = EXPRESSIONS[-1]
    found = show(browser, tmp_path, drawn(text, values, expand), width=500)
    assert not found["wide"]


def test_a_file_of_its_own_is_shown_by_a_browser(browser, tmp_path):
    (tmp_path / "g.svg").write_text(drawn(SHOPPING, GOODS), encoding="utf-8")
    browser.get((tmp_path / "g.svg").as_uri())
    texts = browser.execute_script(
        "return [...document.querySelectorAll('text')].map(text => text.textContent)"
    )
    assert {"apple", "orange_count", "×", "+", "100", "2.2", "165", "650", "715"} <= set(texts)
    assert "whose result is 715" in browser.execute_script("return document.title")


SEEN = """
for (const animation of document.getAnimations()) {
  animation.pause();
  animation.currentTime = arguments[0];
}
const shown = kind => [...document.querySelectorAll(kind)]
  .filter(e => Number(getComputedStyle(e).opacity) > 0.5).map(e => e.textContent).sort();
return [shown('.value'), shown('.derivative'), shown('.spark').length];
"""
SHOPPED = ["1.1", "100", "2", "200", "220"], ["1", "1.1", "110", "2.2", "200"]


@pytest.fixture
def moving(browser, tmp_path):
    """A browser with a graph that moves, or with somebody who wants no motion."""
    graph = Expression(
        "apple * apple_count * tax", {"apple": 100, "apple_count": 2, "tax": 1.1}
    ).graph
    (tmp_path / "g.svg").write_text(figure_svg(graph_figure(graph), moves=True), encoding="utf-8")

    def show(motion):
        features = [{"name": "prefers-reduced-motion", "value": motion}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
        browser.get((tmp_path / "g.svg").as_uri())
        return browser

    yield show
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_values_come_to_the_right_and_derivatives_back(moving):
    page = moving("no-preference")
    told = []
    for moment in range(0, 9000, 250):
        values, derivatives, _ = page.execute_script(SEEN, moment)
        told += [word for word in (*values, *derivatives) if word]
        assert not derivatives or values == SHOPPED[0]
        if "220" in values:
            assert "200" in values
        if "1.1" in derivatives:
            assert "1" in derivatives
    assert page.execute_script(SEEN, 250)[:2] == [[], []]
    assert page.execute_script(SEEN, 1200)[0] == ["1.1", "100", "2"]
    assert page.execute_script(SEEN, 2000)[0] == ["1.1", "100", "2", "200"]
    assert [page.execute_script(SEEN, 8500)[i] for i in (0, 1)] == [*SHOPPED]


def test_where_no_motion_is_wanted_all_of_it_is_there(moving):
    page = moving("reduce")
    assert page.execute_script("return document.getAnimations().length") == 0
    assert page.execute_script(SEEN, 0) == [*SHOPPED, 0]


def test_numbers_and_operators_have_the_signs_of_print():
    for text, values, words in (
        ("a * b", {"a": -0.7, "b": 1e-9}, {"−0.7", "10⁻⁹", "−7×10⁻¹⁰", "×"}),
        ("-x - 2", {"x": 3}, {"−", "−5", "−1"}),
        ("x @ W", {"x": [[-1, 2]], "W": [[1], [-3]]}, {"[[−1.  2.]]   [[ 1. −3.]]"}),
    ):
        told = {one.words for one in paint(graph_figure(Expression(text, values).graph)).texts}
        assert words <= told, told
        assert not any(re.search(r"(?<![\w])-", word) for word in told)


@given(expressions(), VALUES)
def test_each_value_and_derivative_of_a_graph_has_its_moment(text, values):
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}
    try:
        painting = paint(graph_figure(Expression(text, used).graph))
    except ExpressionError:
        return
    motion = plan(painting)
    assert len(painting.levels) == len(painting.lines)
    assert motion.forward == sorted(motion.forward)
    assert motion.backward == sorted(motion.backward, reverse=True)
    assert all(motion.forward[-1] < start < motion.length for start in motion.backward)
    for one in painting.texts:
        if one.kind == "derivative":
            assert motion.forward[one.level] < motion.backward[one.level]


def test_values_are_above_their_arrow_and_derivatives_below_it():
    places = {
        text.words: text.place
        for text in paint(graph_figure(Expression(SHOPPING, GOODS).graph)).texts
    }
    for value, derivative in (("100", "2.2"), ("150", "3.3"), ("3", "165"), ("715", "1")):
        assert places[value][1] < places[derivative][1]
        assert places[value][0] == places[derivative][0]


@given(expressions(), VALUES)
def test_of_any_graph_everything_lies_on_the_page_and_nodes_apart(text, values):
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}
    try:
        painting = paint(graph_figure(Expression(text, used).graph))
    except ExpressionError:
        return
    for line in painting.lines:
        for _, points in line:
            assert all(0 <= x <= painting.width and 0 <= y <= painting.height for x, y in points)
    for i, box in enumerate(painting.boxes):
        for other in painting.boxes[i + 1 :]:
            apart = abs(box.middle[0] - other.middle[0]) >= (box.width + other.width) / 2
            assert apart or abs(box.middle[1] - other.middle[1]) >= 2 * RADIUS


@pytest.mark.parametrize("name", ["<b>", "&amp;", '"', "]]>"])
def test_any_name_of_a_library_user_is_text_in_svg(name):
    svg = figure_svg(graph_figure(Graph(Variable(1, name) * 2)))
    assert "<b>" not in svg
    from xml.etree import ElementTree

    texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.text]
    assert name in texts


def test_a_graph_and_a_network_are_pictures():
    apple = Variable(100, "apple")
    graph = Graph(apple * 2)
    assert ">apple</text>" in graph_svg(graph)
    graph.forward()
    graph.backward()
    assert ">200</text>" in graph_svg(graph)
    network = set_up(load_config(None)).network
    assert ">Affine1</text>" in network_svg(network)
