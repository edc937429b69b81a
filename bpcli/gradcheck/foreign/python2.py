"""what Python 3 says of a person's code in -> what of Python 2 it is about, "" if nothing, out."""

import builtins
import collections.abc
import functools
import importlib
import re
import sys

# What a line is like that only Python 2 reads, and what Python 3 has for it.
STATEMENTS = (
    (r"\bprint\b(?!\s*\()", "a print statement: write print(...)"),
    (r"\bexec\s+[^(]", "an exec statement: write exec(...)"),
    (r"\bexcept\s+[\w.()]+\s*,\s*\w+\s*:", "except E, e: write except E as e"),
    (r"\braise\s+[\w.]+\s*,", "raise E, words: write raise E(words)"),
    (r"`", "backquotes: write repr(...)"),
    (r"<>", "<>: write !="),
    (r"\b\d+[lL]\b", "a number with an L: leave it out"),
    (r"\b0\d+\b", "an octal number: write 0o"),
    (r"\b[uU][rR]['\"]", "ur: write r"),
    (r"\blambda\s*\(|\bdef \w+\([^=]*\(", "an argument in brackets of its own: give it a name"),
)
# What was called otherwise, beside what Python 3 has for it.
NAMES = {
    "xrange": range,
    "unicode": str,
    "basestring": str,
    "long": int,
    "unichr": chr,
    "raw_input": input,
    "reduce": functools.reduce,
}
MODULES = {"cPickle": "pickle", "Queue": "queue", "StringIO": "io", "__builtin__": "builtins"}
METHODS = {"iteritems": "items", "itervalues": "values", "iterkeys": "keys", "has_key": "in"}
SIGNS = re.compile(
    rf"\b({'|'.join([*NAMES, *MODULES, *METHODS, 'urllib2', 'izip'])})\b|python2|print_function"
)
NO_INTEGER = re.compile(
    r"'float' object cannot be interpreted as an integer|slice indices must be integers"
    r"|only integers, slices|non-int of type 'float'|integer argument expected, got float"
)


def explain_syntax(line: str) -> str:
    """Say what on a line that Python 3 cannot read is of Python 2."""
    found = next((words for sign, words in STATEMENTS if re.search(sign, line)), "")
    return f"; it seems to be Python 2: {found}" * bool(found)


def explain_error(words: str, text: str) -> str:
    """Say what an error in the code of `text`, which Python 3 could read, has to do with Python 2.

    Where whole numbers were divided, a fraction is now what comes out.
    """
    method = re.search(rf"no attribute '({'|'.join(METHODS)})'", words)
    if method:
        return f"; that is Python 2: write {METHODS[method[1]]}"
    lines = text.split("\n")
    named = [int(number) for number in re.findall(r":(\d{1,9})\b", words)]
    divides = any(re.search(r"[^/]/[^/]", line) for n in named for line in lines[n - 1 : n])
    if NO_INTEGER.search(words) and (divides or SIGNS.search(text)):
        return "; / of two whole numbers is a fraction since Python 3: is // meant?"
    return ""


def restore_names() -> None:
    """Give Python the names back that it has dropped and older files use."""
    for names in (vars(builtins), vars(sys.modules["builtins"])):  # ours, and the file's own
        for name, thing in NAMES.items():
            names.setdefault(name, thing)
    for name in collections.abc.__all__:
        vars(sys.modules["collections"]).setdefault(name, getattr(collections.abc, name))
    for old, new in MODULES.items():
        sys.modules.setdefault(old, importlib.import_module(new))
