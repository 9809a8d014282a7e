"""Filters as text: `department == "DELI" and quantity >= 2`, in a small part of Python's own syntax.

Nothing is evaluated: the text is parsed to a syntax tree, and each allowed node becomes a part of a tsfeat filter.
A name is a column; `col("any name")` reaches columns whose names are no identifiers.
"""

import ast
from typing import Any

import tsfeat
from tsfeat.cli.output import Failure

MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq, ast.NotEq: ast.NotEq, ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip


class Unsupported(Exception):
    """A node outside the grammar."""

    def __init__(self, node: ast.AST, hint: str) -> None:
        super().__init__(f"{ast.unparse(node)!r}: {hint}")


def parse_where(text: str | None) -> Any:
    """The filter that `text` says, or None without text."""
    if text is None:
        return None
    try:
        return translate(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError) as error:
        raise Failure(f"--where {text!r} cannot be read: {error}") from None
    except (Unsupported, RecursionError) as error:
        raise Failure(f"--where: cannot use {error}") from None


def translate(node: ast.expr) -> Any:
    """A condition."""
    match node:
        case ast.BoolOp(op=ast.And() | ast.Or() as operator, values=parts):
            joined = translate(parts[0])
            for part in parts[1:]:
                joined = joined & translate(part) if isinstance(operator, ast.And) else joined | translate(part)
            return joined
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return translate(left) & translate(right)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return translate(left) | translate(right)
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            return ~translate(operand)
        case ast.Compare():
            return translate_comparison(node)
    raise Unsupported(node, 'write conditions as: column == "value", column in [1, 2], joined by and, or, not')


def translate_comparison(node: ast.Compare) -> Any:
    """`a < x <= b` as well as `x < b` and `a < x`."""
    operands = [node.left, *node.comparators]
    parts = [compare(operands[i], operator, operands[i + 1], node) for i, operator in enumerate(node.ops)]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined & part
    return joined


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr, whole: ast.expr) -> Any:
    """One comparison between a column and a constant."""
    name = column_name(left)
    if name is None:
        name, mirrored = column_name(right), MIRRORED.get(type(operator))
        if name is None or mirrored is None:
            raise Unsupported(whole, "compare one column with a constant")
        right, operator = left, mirrored()
    column = tsfeat.col(name)
    match operator:
        case ast.In():
            return column.is_in(constant(right))
        case ast.NotIn():
            return ~column.is_in(constant(right))
        case ast.Eq():
            return column == constant(right)
        case ast.NotEq():
            return column != constant(right)
        case ast.Lt():
            return column < constant(right)
        case ast.LtE():
            return column <= constant(right)
        case ast.Gt():
            return column > constant(right)
        case ast.GtE():
            return column >= constant(right)
    raise Unsupported(whole, "use ==, !=, <, <=, >, >=, in or not in")


def column_name(node: ast.expr) -> str | None:
    """The column a node names, or None."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name
    return None


def constant(node: ast.expr) -> Any:
    """A number, string, bytes, boolean, or a list of them."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise Unsupported(node, "put text in quotes; the other side of a comparison is a constant") from None
    if value is None or isinstance(value, dict | complex):
        raise Unsupported(node, "not a constant that a column can hold")
    return list(value) if isinstance(value, tuple | set | list) else value
