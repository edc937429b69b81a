"""how a file begins that is not read -> what it is, and what makes a picture of it, out."""

import re

EXPECTED = "expected a PNG, a JPEG or the like"
START = 512  # bytes that tell what a file is
# A name that stands in a command as it is.
PLAIN = re.compile(r"[\w./-]+")
HEIF = (
    'pip install pillow-heif; python -c "import pillow_heif, PIL.Image as I; '
    "pillow_heif.register_heif_opener(); I.open('{path}').save('{target}.png')\""
)
AVIF = (
    "python -c \"import PIL.Image as I; I.open('{path}').save('{target}.png')\", with Pillow 11.3"
)

# What a file begins with, what it is then, and the command that makes a picture of it, or advice.
BEGINNINGS = (
    (rb"....ftyp.{,40}avi[fs]", "an AVIF picture", f"{AVIF} or later, makes a PNG of it"),
    (rb"....ftyp(hei|hev|mif1|msf1)", "a HEIC picture", f"{HEIF} makes a PNG of it"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", "a film", "save one of its pictures as a PNG"),
    (rb"%PDF", "a PDF", "pdftoppm -r 200 -png {path} {target} makes a PNG of each page"),
    (
        rb"\s*<(svg\b|(\?xml|!--|!doctype svg).*<svg\b)",
        "an SVG drawing",
        "rsvg-convert -o {target}.png {path} makes a PNG of it",
    ),
    (rb"\s*<(!doctype html|html)\b", "a web page", "save the picture that is on it"),
    (
        rb"\xff\x0a|\x00\x00\x00\x0cJXL ",
        "a JPEG XL picture",
        "djxl {path} {target}.png makes a PNG of it",
    ),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", "save it as a PNG"),
    (rb"8BPS|gimp xcf", "a drawing with layers", "export it as a PNG"),
    (rb"%!PS", "a PostScript file", "save it as a PNG"),
    (
        rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b",
        "an archive or a document",
        "save the picture in it as a PNG",
    ),
)


def describe_other(path: str, start: bytes) -> str:
    """Say what a file is that begins so, what was expected and, where it is known, what to do."""
    name = path if PLAIN.fullmatch(path) else "FILE"
    target = re.sub(r"\.\w+$", "", name)
    if f"{target}.png" == name:
        target += "-1"  # which is called a PNG and is none
    for beginning, what, advice in BEGINNINGS:
        if re.match(beginning, start, re.DOTALL | re.IGNORECASE):
            return f"{what}, {EXPECTED}; {advice.format(path=name, target=target)}"
    return f"no picture that can be read, or a damaged one, {EXPECTED}"
