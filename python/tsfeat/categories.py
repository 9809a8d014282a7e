"""The dictionaries of category columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tsfeat import _core
from tsfeat.layout import Layout


class Categories(Mapping[str, list[str]]):
    """The dictionaries of a table's category columns, by column name."""

    __slots__ = ("_core", "_layout")

    def __init__(self, core: _core.Table, layout: Layout) -> None:
        self._core = core
        self._layout = layout

    def __getitem__(self, name: str) -> list[str]:
        field = self._layout.field(name)
        if field.kind != "category":
            raise field.error(f"has no categories, it is {field.type}")
        return self._core.categories(field.index)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in self._layout.columns if field.kind == "category")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr({name: self[name] for name in self})
