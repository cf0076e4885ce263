"""Sizes, floats, clocks, imports: what the house style forbids stays out."""

from __future__ import annotations

import ast

import pytest
from guards_sources import PROJECT, of_package, trees

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 30
EXACT = ("loyalty/earning", "loyalty/ledger", "loyalty/tiers", "loyalty/rewards", "loyalty/engine")
DIVIDES_FRACTIONS = {"loyalty/earning/base.py", "loyalty/earning/earning.py", "loyalty/earning/refunded.py"}
CLOCK = {"loyalty/clock.py", "loyalty/values.py"}


@pytest.mark.parametrize("path", sorted(trees()))
def test_file_is_short_enough_to_read(path: str) -> None:
    assert len((PROJECT / path).read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE


def test_functions_are_short_enough_to_read() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_u51_no_float_in_points_and_money() -> None:
    floats = [
        f"{path}:{node.lineno}"
        for path, tree in of_package(*EXACT, "loyalty/programs", "loyalty/orders", "loyalty/members")
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert floats == []


def test_points_and_money_divide_fractions_only() -> None:
    divisions = {
        path
        for path, tree in of_package(*EXACT)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
    }
    assert divisions <= DIVIDES_FRACTIONS


def test_only_entry_points_read_the_clock() -> None:
    reads = [
        f"{path}:{node.lineno}"
        for path, tree in of_package("loyalty")
        if path not in CLOCK
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == "utc_now")
        or (isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow") and _is_datetime(node.value))
    ]
    assert reads == []


def _is_datetime(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "datetime"


def test_no_import_hides_inside_a_function() -> None:
    hidden = [
        f"{path}:{inner.lineno}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_nobody_in_the_domain_commits() -> None:
    commits = [
        f"{path}:{node.lineno}"
        for path, tree in of_package("loyalty")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
    ]
    assert commits == []
