"""Results that travel between processes: what they need of their table, without the table."""

from __future__ import annotations

from typing import Any

from tsfeat import _core
from tsfeat.layout import Layout


class FrozenTable:
    """Stands in for the engine's table behind a result that was pickled: it knows the categories and nothing else."""

    __slots__ = ("_categories",)

    def __init__(self, categories: dict[int, list[str]]) -> None:
        self._categories = categories

    def categories(self, column: int) -> list[str]:
        """The dictionary of a category as it was when the result was pickled."""
        return self._categories[column]


def describe(layout: Layout) -> tuple[Any, ...]:
    """A layout as plain values."""
    spec = layout.spec
    columns = [(c.name, c.type, c.dimension, c.nullable, c.closed, list(c.categories)) for c in spec.columns]
    return layout.name, spec.key_name, spec.key_type, spec.time_name, spec.unit, columns


def restore(described: tuple[Any, ...]) -> Layout:
    """The layout that `describe` described."""
    name, key_name, key_type, time_name, unit, columns = described
    specs = [
        _core.ColumnSpec(column, type, dimension=dimension, nullable=nullable, closed=closed, categories=categories)
        for column, type, dimension, nullable, closed, categories in columns
    ]
    return Layout(name, _core.TableSpec(key_name, key_type, time_name, unit, specs))
