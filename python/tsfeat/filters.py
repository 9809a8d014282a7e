"""Filters: `col("x") > 5`, combined with `&`, `|`, `~`; nothing is checked until a table meets them."""

from __future__ import annotations

from typing import Any

from tsfeat.errors import ExpressionError, SchemaError

# Arguments of views' reads and joins, which parameters stand beside.
_TAKEN = ("self", "keys", "before", "pointers")


class Filter:
    """A condition on events; build one with `tsfeat.col`, combine with `&`, `|`, `~`.

    Logic is Kleene's: a null compares to unknown, and an event whose condition is unknown is not returned.

    Examples
    --------
    >>> import tsfeat
    >>> (tsfeat.col("action") == "like") & ~(tsfeat.col("dwell_ms") < 500)
    ((col('action') == 'like') & ~(col('dwell_ms') < 500))
    """

    # bound: (layout, the engine's filter) of the last table that this filter met, if it may be used again.
    __slots__ = ("bound",)

    bound: tuple[Any, Any] | None

    def __init__(self) -> None:
        self.bound = None

    def __and__(self, other: Filter) -> Filter:
        return Both("and", self, _filter(other))

    def __or__(self, other: Filter) -> Filter:
        return Both("or", self, _filter(other))

    def __invert__(self) -> Filter:
        return Not(self)

    def __bool__(self) -> bool:
        raise ExpressionError(
            f"{self!r} is a filter, neither True nor False: combine filters with & | ~ (not and, or, not), each "
            "comparison in parentheses, and write a < b < c as (a < b) & (b < c)"
        )


class Comparison(Filter):
    """`column op value`."""

    __slots__ = ("column", "op", "value")

    def __init__(self, column: str, op: str, value: Any) -> None:
        self.bound = None
        self.column = column
        self.op = op
        self.value = value

    def __repr__(self) -> str:
        return f"(col({self.column!r}) {self.op} {self.value!r})"


class Membership(Filter):
    """`column` is one of `values`."""

    __slots__ = ("column", "values")

    def __init__(self, column: str, values: Any) -> None:
        self.bound = None
        self.column = column
        self.values = values

    def __repr__(self) -> str:
        return f"col({self.column!r}).is_in({self.values!r})"


class NullCheck(Filter):
    """`column` is null."""

    __slots__ = ("column",)

    def __init__(self, column: str) -> None:
        self.bound = None
        self.column = column

    def __repr__(self) -> str:
        return f"col({self.column!r}).is_null()"


class Both(Filter):
    """Two filters joined by "and" or "or"."""

    __slots__ = ("left", "op", "right")

    def __init__(self, op: str, left: Filter, right: Filter) -> None:
        self.bound = None
        self.op = op
        self.left = left
        self.right = right

    def __repr__(self) -> str:
        return f"({self.left!r} {'&' if self.op == 'and' else '|'} {self.right!r})"


class Not(Filter):
    """The opposite of a filter; unknown stays unknown."""

    __slots__ = ("inner",)

    def __init__(self, inner: Filter) -> None:
        self.bound = None
        self.inner = inner

    def __repr__(self) -> str:
        return f"~{self.inner!r}"


class PerRow:
    """An operand with one value per requested row; made by `tsfeat.per_row`."""

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"per_row({type(self.values).__name__} of {len(self.values):,})"


class Parameter:
    """An operand whose values, one per requested row, a view's read is given by name; made by `tsfeat.parameter`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"parameter({self.name!r})"


class ColumnRef:
    """A column in a filter; made by `tsfeat.col`."""

    __slots__ = ("name",)
    # Comparisons with numpy scalars on the left are ours to answer.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return Comparison(self.name, "==", value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]
        return Comparison(self.name, "!=", value)

    def __lt__(self, value: object) -> Filter:
        return Comparison(self.name, "<", value)

    def __le__(self, value: object) -> Filter:
        return Comparison(self.name, "<=", value)

    def __gt__(self, value: object) -> Filter:
        return Comparison(self.name, ">", value)

    def __ge__(self, value: object) -> Filter:
        return Comparison(self.name, ">=", value)

    def is_in(self, values: Any) -> Filter:
        """True where the value is one of `values` (a list, set or array); an empty list matches nothing.

        Raises
        ------
        SchemaError
            If `values` is one string, a `per_row` operand or a `parameter`.
        """
        if isinstance(values, (str, bytes, PerRow, Parameter)) or not hasattr(values, "__iter__"):
            raise SchemaError(f"col({self.name!r}).is_in takes a list of values, not {values!r}")
        return Membership(self.name, values)

    def is_null(self) -> Filter:
        """True where the value is null; never unknown."""
        return NullCheck(self.name)

    def __bool__(self) -> bool:
        raise ExpressionError(f"col({self.name!r}) is a column, neither True nor False: compare it with something")

    def __repr__(self) -> str:
        return f"col({self.name!r})"


def col(name: str) -> ColumnRef:
    """A column, for use in a filter.

    Parameters
    ----------
    name : str
        A column of the table, or its time.

    Returns
    -------
    ColumnRef
        Compare it with `==`, `!=`, `<`, `<=`, `>`, `>=`, or call `is_in` or `is_null`. Categories know `==`, `!=` and
        `is_in`; one never seen matches nothing. Numbers are compared by value: with an integer column any number
        that it cannot hold is simply never equal; with a float column the operand is rounded to the column's type.

    Raises
    ------
    SchemaError
        If `name` is no string; and, when a read meets the filter, if the table has no such column or the operand does
        not fit its type.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.col("score") >= 0.5
    (col('score') >= 0.5)
    """
    if not isinstance(name, str):
        raise SchemaError(f"col takes the name of a column, not {name!r}")
    return ColumnRef(name)


def per_row(values: Any) -> PerRow:
    """An operand with its own value for each requested row.

    Parameters
    ----------
    values : array_like, shape (len(keys),)
        Values of the column's type, without nulls.

    Raises
    ------
    SchemaError
        If `values` is no array or list; and, when a read meets the filter, if its length is not that of the keys.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.col("category_id") == tsfeat.per_row([7, 9])
    (col('category_id') == per_row(list of 2))
    """
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise SchemaError(f"per_row takes an array with one value per requested row, not {values!r}")
    return PerRow(values)


def parameter(name: str) -> Parameter:
    """An operand of a view's filter that each read of the view gives anew, with one value per requested row.

    Parameters
    ----------
    name : str
        An identifier: `view.read` takes the values as a keyword argument of this name.

    Raises
    ------
    SchemaError
        If `name` is no identifier; and, when a read that is no view's meets the filter, because it has no values.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.col("category_id") == tsfeat.parameter("candidate_category")
    (col('category_id') == parameter('candidate_category'))
    """
    if not isinstance(name, str) or not name.isidentifier() or name in _TAKEN:
        raise SchemaError(f"a parameter's name is an identifier other than {', '.join(_TAKEN)}, not {name!r}")
    return Parameter(name)


def _filter(value: object) -> Filter:
    if not isinstance(value, Filter):
        raise ExpressionError(
            f"{value!r} is no filter: write each comparison in parentheses, as (col('a') == 1) & (col('b') > 2)"
        )
    return value
