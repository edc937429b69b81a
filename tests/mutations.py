"""Break every operation of every `backward` in layers.py, one at a time, and run `bpcli gradcheck`.

Each mutant has to be caught, and the report has to name the layer that was broken. Run it with
`python tests/mutations.py`; it exits with 1 if a mutant survives or is blamed on another layer.
"""

import ast
import copy
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from tiny import write_idx

from bpcli.backprop import layers
from bpcli.cli.main import main

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
FUNCTIONS = {
    "add": ["subtract"],
    "subtract": ["add"],
    "multiply": ["divide"],
    "divide": ["multiply"],
    "true_divide": ["multiply"],
    "square": ["positive"],
    "greater": ["less_equal", "greater_equal"],
    "sum": ["max"],
}
COMMUTATIVE = {"add", "multiply"}


@dataclass(frozen=True)
class Mutant:
    """One class of layers.py with one operation of one method changed."""

    layer: str
    method: str
    change: str
    line: int
    tree: ast.FunctionDef

    @property
    def key(self) -> tuple[str, str, str]:
        return self.layer, self.method, self.change


def mutants() -> Iterator[Mutant]:
    """Yield every mutant of every backward method in layers.py."""
    module = ast.parse(Path(layers.__file__).read_text())
    for layer in module.body:
        if not isinstance(layer, ast.ClassDef):
            continue
        for method in layer.body:
            if isinstance(method, ast.FunctionDef) and method.name.startswith("backward"):
                for change, line, tree in changes(method):
                    yield Mutant(layer.name, method.name, change, line, tree)


def changes(method: ast.FunctionDef) -> Iterator[tuple[str, int, ast.FunctionDef]]:
    """Yield what can be changed in a method, with the changed method."""
    nodes = list(ast.walk(method))
    for i, node in enumerate(nodes):
        if not hasattr(node, "lineno"):
            continue
        for replacement in replacements(node):
            tree = copy.deepcopy(method)
            target = list(ast.walk(tree))[i]
            changed = ast.fix_missing_locations(Replace(target, replacement).visit(tree))
            yield difference(method, changed), node.lineno, changed


def difference(right: ast.FunctionDef, wrong: ast.FunctionDef) -> str:
    """Return the statement that differs, as it was and as it is."""
    before, after = (ast.unparse(tree).splitlines() for tree in (right, wrong))
    i = next(i for i, pair in enumerate(zip(before, after, strict=False)) if len(set(pair)) > 1)
    removed = len(after) < len(before)
    return f"{before[i].strip()} -> {'nothing' if removed else after[i].strip()}"


class Replace(ast.NodeTransformer):
    """Puts other nodes where one node stands."""

    def __init__(self, target: ast.AST, replacement: list[ast.AST]) -> None:
        self.target = target
        self.replacement = replacement

    def visit(self, node):
        if node is not self.target:
            return self.generic_visit(node)
        if isinstance(node, ast.stmt):
            return self.replacement or ast.Pass()
        return self.replacement[0]


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def parse_statement(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


def replacements(node: ast.AST) -> Iterator[list[ast.AST]]:  # noqa: C901, PLR0912 - a case a syntax
    """Yield what can stand in place of a node: sign, operand, transpose, axis, factor, mask."""
    text = ast.unparse(node)
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in OPERATORS:
                yield [ast.BinOp(left, OPERATORS[type(op)](), right)]
            yield [left]
            yield [right]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield [operand]
        case ast.AugAssign(target=target, op=op, value=value):
            yield []
            # Set, where it should be changed.
            yield [parse_statement(f"{ast.unparse(target)}[...] = {ast.unparse(value)}")]
            if type(op) in OPERATORS:
                yield [ast.AugAssign(target, OPERATORS[type(op)](), value)]
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            yield [ast.AugAssign(target, ast.Add(), value)]
            yield []
        case ast.Expr(value=ast.Call()):
            yield []
        case ast.Return(value=value) if value:
            yield [ast.Return(parse(f"2 * ({ast.unparse(value)})"))]
            yield [ast.Return(parse(f"-({ast.unparse(value)})"))]
        case ast.Attribute(value=value, attr="T"):
            yield [value]
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            yield [ast.Constant(value + 1)]
            if value:
                yield [ast.Constant(-value)]
        case ast.Compare(left=left, ops=[ast.Gt()], comparators=comparators):
            yield [ast.Compare(left, [ast.LtE()], comparators)]
            yield [ast.Compare(left, [ast.GtE()], comparators)]
        case ast.keyword(arg="axis", value=ast.Constant(value=axis)):
            yield [ast.keyword("axis", ast.Constant(1 - axis))]
        case ast.Call(func=ast.Name(id="len")):
            yield [ast.Constant(1)]
        case ast.Call(func=ast.Attribute(attr=name) as function, args=args, keywords=keywords):
            for other in FUNCTIONS.get(name, []):
                yield [parse(text.replace(f".{name}(", f".{other}(", 1))]
            if len(args) == 2 and text.startswith("np."):
                if name not in COMMUTATIVE:
                    yield [ast.Call(function, args[::-1], keywords)]
                for kept in args:
                    yield [ast.Call(parse("np.positive"), [kept], keywords)]
            for keyword in keywords:
                if keyword.arg == "out" and "grads" in ast.unparse(keyword.value):
                    for factor in (2, -1):
                        yield [parse(f"np.multiply({text}, {factor}, {ast.unparse(keyword)})")]


def write_images(folder: Path, rng: np.random.Generator) -> Path:
    """Write few pixels of nothing: a gradient has not to be learnt from, and each is compared."""
    folder.mkdir()
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte", rng.integers(0, 256, (40, 2, 2)))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(40) % 4)
    return folder


@contextmanager
def broken(mutant: Mutant) -> Iterator[None]:
    """Put the mutant's method in place of the right one."""
    namespace = dict(vars(layers))
    exec(compile(ast.Module([mutant.tree], []), layers.__file__, "exec"), namespace)
    layer = getattr(layers, mutant.layer)
    right = getattr(layer, mutant.method)
    setattr(layer, mutant.method, namespace[mutant.method])
    try:
        yield
    finally:
        setattr(layer, mutant.method, right)


def check(layer: str, folder: Path, *options: str) -> tuple[bool, set[str]]:
    """Run `bpcli gradcheck` on a small net with such a layer: did it pass, and whom does it blame?"""
    activation = layer.lower() if layer in ("ReLU", "Sigmoid", "Tanh") else "tanh"
    settings = {
        "dataset.source": folder,
        "network.hidden": "[5, 5]",  # a square W as well: a transposed one fits there
        "network.activation": activation,
        "network.weight_init": "he",
        "network.batch_norm": str(layer == "BatchNormalization").lower(),
        "network.dropout": 0.4 if layer == "Dropout" else 0,
        "network.loss": "squared" if layer == "SquaredError" else "softmax",
    }
    overrides = [part for key, value in settings.items() for part in ("-s", f"{key}={value}")]
    done = CliRunner().invoke(main, ["gradcheck", "--json", *overrides, *options])
    if done.exit_code not in (0, 1) or not done.stdout:
        raise RuntimeError(done.output) from done.exception
    found = json.loads(done.stdout)
    blamed = {re.sub(r"\d+$", "", row["layer"]) for row in found["layers"] if not row["passed"]}
    return found["passed"] and done.exit_code == 0, blamed


def survivors(
    folder: Path, *options: str, chosen: slice = slice(None)
) -> Iterator[tuple[Mutant, str]]:
    """Yield each chosen mutant with what is wrong about the answer to it, nothing if it is right."""
    for mutant in [*mutants()][chosen]:
        with broken(mutant):
            passed, blamed = check(mutant.layer, folder, *options)
        if passed:
            yield mutant, "survived"
        else:
            names = ", ".join(sorted(blamed)) or "no layer"
            yield mutant, "" if blamed == {mutant.layer} else f"was blamed on {names}"


def run(*options: str) -> int:
    """Print the mutants that are not caught and placed, and how many are; return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_images(Path(name) / "data", np.random.default_rng(0))
        found = list(survivors(folder, *options))
    for mutant, wrong in found:
        if wrong:
            print(f"{mutant.layer}.{mutant.method}, line {mutant.line}: {mutant.change}: {wrong}")
    caught = sum(not wrong for _, wrong in found)
    print(f"{caught} of {len(found)} mutants caught and placed")
    return int(caught < len(found))


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
