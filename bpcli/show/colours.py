"""the number of a line in -> its colour out, on light paper and on dark.

They stand out from both, and from one another for everybody (Okabe & Ito 2008, two of them darker).
"""

COLOURS = ("#2a78b5", "#d55e00", "#009e73", "#b5609a", "#b8860b", "#4d4d9a")
