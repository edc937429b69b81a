"""The paper of the page while somebody draws: what comes when, what stays where, who may draw."""

import json

import numpy as np
import pytest
from signs import wait_until

from bpcli.show.page.report import draw_report
from bpcli.training import analyze, load

SEVEN = [(80, 60), (200, 60), (120, 230)]
PLACES = """
  return [...document.querySelectorAll('h2, #paper, #clear, #answer, #doubts, #seen, #chances')]
    .map(e => e.getBoundingClientRect()).map(r => [r.x, r.y + scrollY, r.width, r.height])"""


@pytest.fixture(scope="module")
def path(mnist_model, tmp_path_factory):
    saved = load(mnist_model)
    found = tmp_path_factory.mktemp("page") / "page.html"
    found.write_text(draw_report(analyze(saved, None), [saved], "1", canvas=True), "utf-8")
    return found


@pytest.fixture(params=[1000, 375])
def page(request, browser, path):
    """The page in a window that is so wide, with a clear paper."""
    size = {"width": request.param, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(path.as_uri())
    browser.execute_script("document.getElementById('paper').scrollIntoView()")
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def at(page, x, y):
    """Where a point of the paper is in the window."""
    left, top = page.execute_script(
        "const r = document.getElementById('paper').getBoundingClientRect(); return [r.x, r.y]"
    )
    return {"x": left + x, "y": top + y}


def mouse(page, kind, x, y, **more):
    buttons = 0 if kind == "mouseReleased" else 1
    event = (
        {"type": kind, "button": "left", "buttons": buttons, "clickCount": 1}
        | at(page, x, y)
        | more
    )
    page.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def touch(page, kind, *points):
    touches = [at(page, x, y) | {"id": i} for i, (x, y) in enumerate(points)]
    page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def ink(page):
    """How many dark pixels are in the quarters of the paper: upper left, upper right and so on."""
    flat = page.execute_script(
        "return [...ink.getImageData(0, 0, 280, 280).data].filter((_, i) => i % 4 === 0)"
    )
    dark = np.array(flat).reshape(2, 140, 2, 140) < 128
    return dark.sum((1, 3)).ravel().tolist()


def answer(page):
    return page.find_element("id", "answer").text


def press(page):
    (x, y), *others = SEVEN
    mouse(page, "mousePressed", x, y)
    for x, y in others:
        mouse(page, "mouseMoved", x, y)


def test_the_answer_comes_while_drawing_and_nothing_moves(page):
    before = page.execute_script(PLACES)
    press(page)
    wait_until(lambda: answer(page) == "7")
    assert page.find_elements("css selector", "[data-unit].fires")
    mouse(page, "mouseReleased", *SEVEN[-1])
    assert page.execute_script(PLACES) == before
    for end in ("mousePressed", "mouseMoved", "mouseReleased"):  # a second digit
        mouse(page, end, 250, 60 + 150 * (end != "mousePressed"))
    wait_until(lambda: len(answer(page)) == 2)
    assert page.execute_script(PLACES) == before


def test_the_keyboard_s_pen_is_seen_where_it_is(page):
    from selenium.webdriver import Keys

    before, cursor = page.execute_script(PLACES), page.find_element("id", "cursor")
    assert not cursor.is_displayed()
    page.find_element("id", "paper").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert cursor.is_displayed()
    middle = page.execute_script(
        "const r = arguments[0].getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]",
        cursor,
    )
    assert middle == pytest.approx([*at(page, 140 + 8, 140 + 16).values()], abs=2)
    assert page.execute_script(PLACES) == before


def test_a_second_touch_draws_nothing(page):
    touch(page, "touchStart", (40, 40))
    touch(page, "touchMove", (40, 100))
    touch(page, "touchStart", (40, 100), (240, 240))
    touch(page, "touchMove", (60, 100), (200, 240))
    touch(page, "touchEnd")
    found = ink(page)
    assert found[0] > 500
    assert found[1:] == [0, 0, 0]


def test_a_pen_goes_before_the_hand_beside_it(page):
    touch(page, "touchStart", (240, 240))
    touch(page, "touchMove", (220, 240))
    wait_until(lambda: ink(page)[3] > 0)
    mouse(page, "mousePressed", 40, 40, pointerType="pen")
    mouse(page, "mouseMoved", 40, 100, pointerType="pen")
    touch(page, "touchMove", (200, 240))
    mouse(page, "mouseReleased", 40, 100, pointerType="pen")
    touch(page, "touchEnd")
    found = ink(page)
    assert found[0] > 500
    assert found[1:] == [0, 0, 0]


def test_where_no_script_may_run_it_says_so(page):
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.refresh()
        assert "scripts may not run where this page is shown" in answer(page)
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_chances_are_those_of_what_is_there(page):
    press(page)
    mouse(page, "mouseReleased", *SEVEN[-1])
    wait_until(lambda: answer(page) == "7")
    (found,) = json.loads(page.find_element("id", "paper").get_attribute("data-chances"))
    assert int(np.argmax(found)) == 7
    page.find_element("id", "clear").click()
    assert answer(page) == "draw a digit"
