"""a Painting in -> the rules by which its SVG moves: values to the right, derivatives back, out.

Where somebody has asked for no motion, on paper, and in programs that know no style sheets, nothing
moves and all of it is there.
"""

from dataclasses import dataclass

from bpcli.show.painting import Painting

PAUSE, STEP, HOLD = 0.6, 1.0, 3.0  # seconds: before, for each column, and with all of it there
FADE = 0.3  # seconds in which a text appears, and in which all go
SPARK = 0.35  # of an arrow's length


@dataclass(frozen=True)
class Motion:
    """When each column's values and derivatives appear: at `forward` and `backward`, in seconds.

    A column's arrows are run through in the STEP after the one, and before the other.
    """

    forward: list[float]
    backward: list[float]
    length: float


def plan(painting: Painting) -> Motion:
    """Return when what appears; without derivatives nothing comes back."""
    columns = 1 + max(painting.levels)
    forward = [PAUSE + STEP * level for level in range(columns)]
    turn = forward[-1] + 2 * STEP
    derived = any(text.kind == "derivative" for text in painting.texts)
    backward = [turn + STEP * (columns - 1 - level) for level in range(columns)]
    end = backward[0] if derived else turn
    return Motion(forward, backward if derived else [], end + HOLD)


def motion_style(painting: Painting) -> str:
    """Return the style sheet: classes `v0`, `d0` of texts, `f0`, `b0` of arrows of column 0."""
    motion = plan(painting)
    frames, names = [], []
    for level, start in enumerate(motion.forward):
        frames.append(_appear(f"v{level}", start, motion.length))
        frames.append(_run(f"f{level}", start, (SPARK, -1), motion.length))
        names += [f"v{level}", f"f{level}"]
    for level, start in enumerate(motion.backward):
        frames.append(_appear(f"d{level}", start, motion.length))
        frames.append(_run(f"b{level}", start - STEP, (-1, SPARK), motion.length))
        names += [f"d{level}", f"b{level}"]
    rules = [
        f".bpcli-figure .{name} {{ animation: {name} {motion.length:g}s linear infinite }}"
        for name in names
    ]
    sparks = (
        ".bpcli-figure .spark { fill: none; stroke-width: 3.5; stroke-linecap: round; "
        f"stroke-dasharray: {SPARK:g} 2; stroke-dashoffset: {SPARK:g}; opacity: 0 }}"
    )
    moving = f"@media screen and (prefers-reduced-motion: no-preference) {{ {' '.join(rules)} }}"
    return " ".join([sparks, *frames, moving])


def _appear(name: str, start: float, length: float) -> str:
    """Return frames in which something appears, stays, and goes at the end."""
    hidden, there, going = (
        f"{100 * moment / length:.2f}%" for moment in (start, start + FADE, length - FADE)
    )
    return (
        f"@keyframes {name} {{ 0%, {hidden} {{ opacity: 0 }} {there}, {going} {{ opacity: 1 }} "
        "100% { opacity: 0 } }"
    )


def _run(name: str, start: float, ends: tuple[float, float], length: float) -> str:
    """Return frames in which a spark runs through an arrow in one STEP."""
    begin, end = (f"{100 * moment / length:.2f}%" for moment in (start, start + STEP))
    first, last = (f"stroke-dashoffset: {offset:g}" for offset in ends)
    return (
        f"@keyframes {name} {{ 0%, {begin} {{ opacity: 0; {first} }} "
        f"{100 * start / length + 0.01:.2f}% {{ opacity: 1; {first} }} "
        f"{end} {{ opacity: 1; {last} }} "
        f"{100 * (start + STEP) / length + 0.01:.2f}%, 100% {{ opacity: 0; {last} }} }}"
    )
