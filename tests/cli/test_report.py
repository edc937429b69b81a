"""`bpcli report`: one page that needs nothing else, and the curve alone."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest


class Page(HTMLParser):
    """The elements of a page and what they refer to."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.images = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.links += [found[name] for name in ("src", "href", "action") if name in found]
        if tag == "img":
            self.images.append(found)
        assert "style" not in found, "the policy of the page blocks it"
        assert not any(name.startswith("on") for name in found)


@pytest.fixture(scope="module")
def page(bpcli, mnist_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    bpcli("report", mnist_model, "-o", path)
    return path.read_text(encoding="utf-8")


def test_the_page_is_one_file_that_refers_to_nothing(page):
    found = Page(page)
    assert found.links
    assert all(link.startswith("data:image/") for link in found.links)
    assert all(image["alt"] for image in found.images)
    head = html.unescape(page.split("</head>")[0])
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in head
    assert "unsafe" not in head
    assert "http" not in re.sub(r"data:[^\"]*|http-equiv", "", page)


def test_the_page_says_what_eval_says(page, bpcli, mnist_model):
    found = json.loads(bpcli("eval", mnist_model, "--json").stdout)
    assert f"{found['accuracy']:.2%} of 10,000 test images" in page
    table = page.partition("What it takes for what")[2].partition("<h2")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(\d)</th>(.*?)</tr>", table, re.S)
    counts = [
        [
            int(n.replace(",", "") or 0)
            for n in re.findall(r"<td class=\"[s\d]*\">(?:<[^>]*>)?([\d,]*)", cells)
        ]
        for _, cells in rows
    ]
    assert counts == found["confusion"]


def test_the_same_model_is_the_same_page(page, bpcli, mnist_model, tmp_path):
    bpcli("report", mnist_model, "-o", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page


def test_the_page_of_the_book_net_is_small(bpcli, tmp_path):
    bpcli("train", "-q", "-s", "training.iterations=600", "-o", tmp_path / "m.npz")
    bpcli("report", tmp_path / "m.npz", "-o", tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 450_000


def test_without_a_canvas_there_is_no_script(bpcli, mnist_model, tmp_path):
    bpcli("report", mnist_model, "--no-canvas", "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not {"script", "canvas"} & set(Page(page).tags)


@pytest.mark.parametrize("key", ["dataset.deskew=true", "network.hidden=[]"])
def test_models_that_the_page_cannot_draw_in_full_have_one_still(key, bpcli, tenth, tmp_path):
    options = ["-s", f"dataset.source={tenth}", "-s", "training.iterations=60", "-s", key]
    bpcli("train", "-q", *options, "-o", tmp_path / "m.npz")
    bpcli("report", tmp_path / "m.npz", "-o", tmp_path / "page.html")
    tags = Page((tmp_path / "page.html").read_text(encoding="utf-8")).tags
    assert ("script" in tags) == ("hidden" in key)


def test_a_model_of_other_data_has_a_page_without_canvas(bpcli, model, tmp_path):
    bpcli("report", model, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "script" not in Page(page).tags
    assert "hidden units" in page


def test_several_models_are_laid_side_by_side(bpcli, model, tiny_options, tmp_path):
    other = tmp_path / "other.npz"
    bpcli("train", *tiny_options, "-s", "seed=1", "-q", "-o", other)
    bpcli("report", model, other, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Side by side" in page
    assert "2 seeds (" in page
    assert "line chart of model.npz" in page
    assert "line chart of other.npz" in page


def test_a_model_of_before_has_a_page_without_curve(bpcli, old_model, tiny, tmp_path, monkeypatch):
    bpcli("report", old_model, "--data", tiny, "-o", tmp_path / "page.html")
    assert "keeps no history" in (tmp_path / "page.html").read_text(encoding="utf-8")
    message = bpcli("report", old_model, "-o", tmp_path / "c.svg", code=2).stderr
    assert "found no history" in message


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_the_curve_alone_is_the_same_bytes_each_time(suffix, start, bpcli, model, tmp_path):
    path = tmp_path / f"curve.{suffix}"
    bpcli("report", model, "-o", path)
    first = path.read_bytes()
    assert first.startswith(start)
    bpcli("report", model, "-o", path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", ["curve.svg", "curve.png", "page.html"])
def test_a_picture_is_light_unless_it_is_asked_to_be_dark(name, bpcli, model, tmp_path):
    made = {}
    for theme in ("", "light", "dark", "auto"):
        path = tmp_path / f"{theme}-{name}"
        bpcli("report", model, "-o", path, *(["--theme", theme] if theme else []))
        made[theme] = path.read_bytes()
    assert made[""] == made["auto" if name.endswith("html") else "light"]
    assert made["light"] != made["dark"]
    assert (b"prefers-color-scheme" in made["auto"]) == (not name.endswith("png"))
    assert b"prefers-color-scheme" not in made["light"] + made["dark"]


def test_names_of_classes_are_text(bpcli, tmp_path, rng):
    names = np.array(["<b>&", "</script><script>alert(1)</script>"])
    x = rng.integers(0, 256, (80, 28, 28)).astype(np.uint8)
    x[::2] //= 3
    y = names[1 - np.arange(80) % 2]
    np.savez(tmp_path / "d.npz", x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    bpcli("train", "-q", "-s", f"dataset.source={tmp_path / 'd.npz'}", "-s",
          "training.iterations=20", "-o", tmp_path / "m.npz")  # fmt: skip
    bpcli("report", tmp_path / "m.npz", "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in page
    assert "&lt;b&gt;&amp;" in page


def test_a_package_that_is_there_and_broken_is_not_said_to_be_missing(bpcli, model, folder):
    (folder / "jinja2.py").write_text("raise ImportError('libx.so: wrong ELF class')")
    code = "import sys; sys.path.insert(0, '.'); from bpcli.__main__ import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "report", model, "-o", "page.html"],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "a page needs jinja2, which cannot be imported: libx.so: wrong ELF class\n"
    )


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("jinja2", "page.html"),
        *(("matplotlib", f"c.{form}") for form in ("html", "svg", "png", "pdf")),
    ],
)
def test_packages_are_named_where_they_are_missing(
    package, name, bpcli, model, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    message = bpcli("report", model, "-o", tmp_path / name, code=2).stderr
    assert package in message
    assert "pip install 'bpcli-mnist[report]'" in message
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "Missing option '-o'"),
        (["-o", "page.txt"], "expected a name that ends in .html, .svg, .png or .pdf"),
        (["-o", "notes.html"], "found a file that is no .html, which is left as it is"),
    ],
)
def test_mistakes(args, words, bpcli, model, folder):
    (folder / "notes.html").write_text("my notes")
    assert words in bpcli("report", model, *args, code=2).stderr
    assert (folder / "notes.html").read_text() == "my notes"


@pytest.mark.parametrize("name", ["x$\\foo$.npz", "_hidden.npz", "日本.npz", "m\udcff.npz"])
def test_any_name_of_a_model_can_be_shown(name, bpcli, model, tmp_path):
    shutil.copy(model, tmp_path / name)
    bpcli("report", tmp_path / name, model, "-o", tmp_path / "page.html")
    bpcli("report", tmp_path / name, model, "-o", tmp_path / "c.svg")


@pytest.mark.parametrize("home", ["/l", "/", "/e", "l", ""])
def test_no_folder_of_a_user_changes_what_is_not_its_path(
    home, page, bpcli, mnist_model, tmp_path, monkeypatch
):
    """A page is replaced in no place: its script would no longer be the one that it allows."""
    monkeypatch.setenv("HOME", home)
    bpcli("report", mnist_model, "-o", tmp_path / "other.html")
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == page
    (allowed,) = re.findall(r"script-src &#39;sha256-([^&]+)&#39;", page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == allowed


def test_the_home_folder_is_not_in_the_page(bpcli, tiny_options, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path) + "/")
    bpcli("train", *tiny_options, "-q", "-o", tmp_path / "m.npz")
    bpcli("report", tmp_path / "m.npz", "-o", tmp_path / "page.html")
    shutil.copy(tmp_path / "m.npz", tmp_path / "other.npz")
    bpcli("report", tmp_path / "m.npz", tmp_path / "other.npz", "-o", tmp_path / "both.html")
    for name in ("page", "both"):
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert str(tmp_path) not in page
        assert "~/tiny" in page
    assert "~/other.npz" in page
