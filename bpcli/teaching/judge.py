"""a file's outline, and the checks of its units, in -> a Mark for each required layer out."""

import ast
import re
from collections.abc import Callable, Sequence

from bpcli.gradcheck.foreign.code import Code
from bpcli.gradcheck.foreign.finding import Finding, UnitCheck
from bpcli.gradcheck.foreign.naming import names_gradient
from bpcli.teaching.kinds import kind_of
from bpcli.teaching.mark import EMPTY, MISSING, NOT_CHECKED, PASSED, WRONG, Fault, Mark
from bpcli.teaching.outline import Outline


def mark_unwritten(outline: Outline, layer: str) -> Mark | None:
    """Return the mark of a layer that there is nothing to check of, or None."""
    if outline.find_missing(layer):
        return _mark_missing(outline, layer)
    empty, lacking = outline.find_empty(layer), outline.find_lacking(layer)
    base = outline.find_base(layer)
    if base and (lacking or empty == outline.own_name(layer)):
        words = f"it is made from {base}, which the file does not define"
        return Mark(layer, NOT_CHECKED, words=words)
    if empty:
        return Mark(layer, EMPTY, words=empty)
    if not lacking:
        return None
    near = outline.find_near_method(layer, lacking)
    between = "." if outline.own_name(layer) in outline.classes else "_"
    return Mark(layer, MISSING, words=f"{layer}{between}{lacking}", near=near)


def _mark_missing(outline: Outline, layer: str) -> Mark:
    if all(isinstance(s, ast.Expr | ast.Pass) for s in outline.tree.body) and not outline.blank:
        return Mark(layer, EMPTY, words="the file")
    near = outline.find_near(layer)
    if not near and outline.blank:
        cells = ", ".join(map(str, outline.blank))
        return Mark(layer, EMPTY, words=f"cell {cells}")
    return Mark(layer, MISSING, words=layer, near=near)


def units_of(outline: Outline, layer: str, units: Sequence[UnitCheck]) -> list[UnitCheck]:
    """Return what was found of a layer, by the name that the file has for it."""
    own = outline.own_name(layer)
    mine = [unit for unit in units if unit.name == own]
    return mine or [unit for unit in units if unit.name.startswith(f"{own}_")]


def mark_checked(
    code: Code, outline: Outline, layer: str, units: Sequence[UnitCheck], otherwise: str
) -> Mark:
    """Return the mark of a layer by what was found of it; `otherwise` says why there is nothing."""
    mine = units_of(outline, layer, units)
    faults = [
        _fault(code, outline, layer, finding)
        for unit in mine
        for finding in unit.findings
        if finding.verdict == "WRONG"
    ]
    if faults:
        return Mark(layer, WRONG, tuple(faults))
    if mine and all(unit.right for unit in mine):
        return Mark(layer, PASSED)
    why = [unit.problem for unit in mine if unit.problem]
    why += [
        f"{finding.array}: {finding.words}"
        for unit in mine
        for finding in unit.findings
        if finding.verdict == "not checked"
    ]
    return Mark(layer, NOT_CHECKED, words="; ".join(why) or otherwise)


def _fault(code: Code, outline: Outline, layer: str, finding: Finding) -> Fault:
    cell, line = _find_place(code, outline, layer, finding)
    return Fault(finding.array, kind_of(finding.words), line, cell, finding.words)


def _find_place(code: Code, outline: Outline, layer: str, finding: Finding) -> tuple[int, int]:
    """Return the cell and the line of a mistake: where it raises, or the gradient is set."""
    named = rf"at {re.escape(code.path.name)}(?:, cell (\d+), line |:)(\d+)"
    raised = re.search(named, finding.words)
    if raised:
        return int(raised[1] or 0), int(raised[2])
    return locate(code, outline, layer, finding.array)


def locate(code: Code, outline: Outline, layer: str, array: str) -> tuple[int, int]:
    """Return the cell and the line that set the gradient by an array, or begin forward."""
    forwards, backwards = outline.parts_of(layer)
    functions = {"forward": forwards, "backward": backwards}.get(array, {})
    line = next((f.lineno for f in functions.values()), 0) or find_line(outline, layer, array)
    return code.locate(line) if line else (0, 0)


def find_line(outline: Outline, layer: str, array: str) -> int:
    """Return the last line of backward that sets the gradient by an array, or returns it.

    It is that of `def` where neither is found, and 0 where there is no such function.
    """
    path = ((".", "unit"), *((".", part) for part in re.findall(r"\w+", array)))
    for function in outline.parts_of(layer)[1].values():

        def lines(tells: Callable[[ast.AST], bool], function: ast.FunctionDef = function) -> int:
            found = [node.lineno for node in ast.walk(function) if tells(node)]  # type: ignore[attr-defined]
            return max(found, default=0)

        def sets(node: ast.AST) -> bool:
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AugAssign) else targets
            names = (ast.unparse(part) for target in targets for part in _each(target))
            return any(names_gradient(name, path) for name in names)

        return lines(sets) or lines(lambda n: isinstance(n, ast.Return)) or function.lineno
    return 0


def _each(target: ast.expr) -> list[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
