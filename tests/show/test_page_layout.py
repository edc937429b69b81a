"""The page at four widths, on paper, of many classes, and what a click on its matrix shows."""

import json
import re

import numpy as np
import pytest

CLASSES = 47
WIDTHS = [375, 800, 1000, 1400]
PAPERS = {"A4": 210, "letter": 216}  # mm
MARGIN = 12  # mm
INCH = 25.4


@pytest.fixture(scope="module")
def many(bpcli, tmp_path_factory):
    """The page of two models of many classes with long names."""
    folder, rng = tmp_path_factory.mktemp("many"), np.random.default_rng(0)
    kinds = ["aeroplane", "automobile", "bird", "hippopotamus"]
    names = np.array([f"{kinds[i % 4]} of kind number {i}" for i in range(CLASSES)])
    prototypes = rng.random((CLASSES, 28, 28))
    arrays = {}
    for part, count in (("train", 10), ("test", 5)):
        labels = np.repeat(np.arange(CLASSES), count)
        noise = rng.random((len(labels), 28, 28))
        arrays[f"x_{part}"] = np.uint8(255 * (0.4 * prototypes[labels] + 0.6 * noise))
        arrays[f"y_{part}"] = names[labels]
    np.savez(folder / "many.npz", **arrays)
    paths = [folder / f"a-rather-long-name-of-a-model-{i}.npz" for i in range(2)]
    for i, path in enumerate(paths):
        bpcli("train", "-q", "-s", f"dataset.source={folder / 'many.npz'}", "-s", f"seed={i}", "-s",
              "training.iterations=40", "-s", "network.weight_init=he", "-o", path)  # fmt: skip
    bpcli("report", *paths, "-o", folder / "page.html")
    return folder / "page.html"


@pytest.fixture(scope="module")
def digits(bpcli, mnist_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("digits") / "page.html"
    bpcli("report", mnist_model, "-o", path)
    return path


@pytest.fixture(params=["digits", "many"])
def path(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def show(browser):
    """Show a page at a width, on a screen or in print."""

    def call(path, width, media="screen"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": []})
        size = {"width": round(width), "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(path.as_uri())
        return browser

    yield call
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


OVER = """
const found = [];
for (const svg of document.querySelectorAll('svg')) {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  texts.forEach(([words, a], i) => {
    if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push(`${words} is cut off`);
    for (const [other, b] of texts.slice(i + 1)) {
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
          && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
        found.push(`${words} lies on ${other}`);
    }
  });
}
return found;
"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_of_a_chart_is_cut_off_or_lies_on_another(width, path, show):
    page = show(path, width)
    assert page.execute_script(OVER) == []
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_on_a_telephone_charts_stand_one_below_the_other_and_can_be_read(path, show):
    page = show(path, 375)
    figures = page.execute_script(
        """return [...document.querySelectorAll('.charts figure:not(.small)')].map(figure => {
          const frame = figure.getBoundingClientRect(), svg = figure.querySelector('svg');
          return [frame.left, frame.top, svg.getBoundingClientRect().width / svg.viewBox.baseVal.width];
        })"""
    )
    assert len({left for left, _, _ in figures}) == 1
    tops = [top for _, top, _ in figures]
    assert sorted(set(tops)) == tops
    assert all(12 * scale >= 11 for _, _, scale in figures)  # pixels of letters


@pytest.mark.parametrize("paper", PAPERS)
def test_a_page_is_printed_whole(paper, path, show):
    width = (PAPERS[paper] - 2 * MARGIN) / INCH * 96
    page = show(path, width, "print")
    page.execute_script("document.body.style.margin = 0")
    cut = page.execute_script(
        """return [...document.querySelectorAll('td, th, img, svg, p, li, button')]
          .filter(e => e.getClientRects().length
            && (e.getBoundingClientRect().right > window.innerWidth + 1
              || (e.matches('td, button') && e.scrollWidth > e.clientWidth + 1)))
          .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert cut == []
    assert page.execute_script(OVER) == []
    words = page.find_element("tag name", "body").text
    assert not re.search("your drawing|click|mouse|Clear", words)
    kept = page.execute_script(
        """const style = e => getComputedStyle(e);
        return [[...document.querySelectorAll('h1, h2, h2 + p')].every(e => style(e).breakAfter === 'avoid'),
          [...document.querySelectorAll('figure, tr')].every(e => style(e).breakInside === 'avoid'),
          [...document.querySelectorAll('td.s4')].every(e => style(e).printColorAdjust === 'exact')]"""
    )
    assert kept == [True, True, True]


def test_of_many_classes_the_first_column_stays_and_columns_are_of_one_width(many, show):
    page = show(many, 800)
    before, after, widths = page.execute_script(
        """const table = document.querySelector('.matrix'), name = table.querySelector('tbody th');
        const before = name.getBoundingClientRect().left;
        table.parentElement.scrollLeft = 500;
        const heads = [...table.querySelectorAll('thead th')].slice(1, -2);
        return [before, name.getBoundingClientRect().left,
          heads.map(head => Math.round(head.getBoundingClientRect().width))];"""
    )
    assert abs(after - before) <= 1
    assert len(widths) == CLASSES
    assert max(widths) - min(widths) <= 1
    texts = page.execute_script(
        "return [...document.querySelectorAll('.matrix tbody td')].map(td => td.textContent)"
    )
    assert "" in texts
    assert "0" not in texts


@pytest.mark.parametrize("way", ["click", "Enter"])
def test_a_cell_of_the_matrix_shows_its_images(way, digits, show):
    from selenium.webdriver import Keys

    page = show(digits, 1000)
    cells = page.find_elements("css selector", ".matrix button")
    wrong = next(cell for cell in cells if 1 < int(cell.text.replace(",", "")) < 100)
    if way == "click":
        wrong.click()
    else:
        page.execute_script("arguments[0].focus()", wrong)
        wrong.send_keys(Keys.ENTER)
    opened = page.find_elements("css selector", ":popover-open")
    assert len(opened) == 1
    assert re.match(rf"\d taken for \d: {wrong.text} test images\n", opened[0].text)
    assert opened[0].find_element("tag name", "img").size["height"] >= 28
    numbers = [int(number) for number in re.findall(r"#(\d+)", opened[0].text)]
    assert numbers


def test_the_images_behind_a_cell_are_those_that_eval_has(digits, bpcli, mnist_model):
    found = json.loads(bpcli("eval", mnist_model, "--json", "--mistakes", 500).stdout)
    wrong = {}
    for one in found["mistakes"]:
        wrong.setdefault(f"{one['label']} taken for {one['predicted']}", []).append(one["index"])
    page = digits.read_text(encoding="utf-8")
    shown = re.findall(
        r"<div popover.*?<p>(.*?): ([\d,]+) test image.*?<p[^>]*>(.*?)</p></div>", page
    )
    assert len(shown) == np.count_nonzero(found["confusion"])
    for words, count, numbers in shown:
        if "taken for" in words:
            indices = [int(number) for number in re.findall(r"\d+", numbers)]
            assert set(indices) <= set(wrong[words])
            assert indices
            assert int(count) == len(wrong[words])


def test_one_image_is_an_image(bpcli, digits, tiny_options, folder):
    assert " 1 test images" not in digits.read_text(encoding="utf-8")
    from bpcli.show.page.wording import count_images

    assert count_images(1, "test") == "1 test image"
    assert count_images(2) == "2 images"


def test_a_page_writes_shares_numbers_and_signs_in_one_way(path):
    page = re.sub(r"<style>.*?</style>|<script>.*?</script>|=\"[^\"]*\"", "", path.read_text("utf-8"), flags=re.S)  # fmt: skip
    body = page.partition("Configuration</h2>")[0]
    words = re.sub(r"<[^>]+>", " ", body)
    assert not re.search(r"\d %", words)
    assert not re.search(r"(?<![\w.#,])\d{4,}(?!\w)", words)
    assert not re.search(r"(?<!\w)-\d", words)
    assert not re.search(r"\de[-+]\d", words)
    assert "test loss" in words


def test_results_of_several_models_come_first_and_keys_are_rows(many, show):
    page = show(many, 1400)
    first, second = page.find_elements("css selector", "[aria-labelledby=compared] table")
    heads = [head.text for head in first.find_elements("css selector", "thead th")]
    assert heads == ["model", "accuracy", "balanced", "macro F1", "of", "loss", "iterations", "seconds"]  # fmt: skip
    assert first.rect["width"] <= 960
    keys = [head.text for head in second.find_elements("css selector", "tbody th")]
    assert keys == ["seed"]
