"""names, labels and arrows in -> the lines of a drawing from left to right, or of Graphviz, out."""

from collections.abc import Sequence

WIDTH = 80  # columns of a terminal
ASCII = str.maketrans("─│┐┘▶×÷", "-|++>*/")


class Block:
    """A piece of drawing: lines of one length; an arrow leaves to the right at line `exit`."""

    def __init__(self, lines: Sequence[str], exit_line: int) -> None:
        self.lines = list(lines)
        self.exit = exit_line
        self.width = len(self.lines[0])

    def beside(self, column: Sequence[str], exit_line: int) -> "Block":
        """Return this block with a column of as many lines to its right."""
        lines = [left + right for left, right in zip(self.lines, column, strict=True)]
        return Block(lines, exit_line)

    def arrow(self, above: str, below: str, width: int = 0) -> "Block":
        """Add an arrow with a text above and one below it, to at least `width` in all."""
        shown = max(len(above), len(below)) + 2
        length = max(shown, width - self.width)
        column = [" " * length] * len(self.lines)
        column[self.exit - 1] = above.center(shown).ljust(length)
        column[self.exit] = "─" * length
        column[self.exit + 1] = below.center(shown).ljust(length)
        return self.beside(column, self.exit)

    def node(self, label: str, below: str = "") -> "Block":
        """Lead the arrow into a node."""
        column = [" " * len(label)] * len(self.lines)
        column[self.exit] = label
        column[self.exit + 1] = below.center(len(label))
        return self.beside(column, self.exit)

    def join(self, lower: "Block", label: str) -> "Block":
        """Lead the arrows of this block and of a block below it, of equal width, into a node."""
        top, bottom = self.exit, len(self.lines) + lower.exit
        middle = (top + bottom) // 2
        stem, rest = "─" * (len(label) // 2), " " * (len(label) - len(label) // 2 - 1)
        column = [" " * len(label)] * (len(self.lines) + len(lower.lines))
        for i in range(top, bottom + 1):
            column[i] = " " * len(stem) + "│" + rest
        column[top], column[middle], column[bottom] = stem + "┐" + rest, label, stem + "┘" + rest
        return Block([*self.lines, *lower.lines], middle).beside(column, middle)


def leaf(name: str) -> Block:
    """Return the block of an input: its name, with room for the texts beside its arrow."""
    room = " " * (len(name) + 1)
    return Block([room, f"{name} ", room], 1)


def digraph(lines: Sequence[str]) -> str:
    """Return the text of a drawing for Graphviz, from its lines on nodes and arrows."""
    body = "".join(f"  {line};\n" for line in ["rankdir=LR", "node [shape=circle]", *lines])
    return f"digraph {{\n{body}}}"


def quoted(*lines: str) -> str:
    """Return lines of text as one label for Graphviz."""
    return '"' + "\\n".join(line.replace('"', '\\"') for line in lines if line) + '"'
