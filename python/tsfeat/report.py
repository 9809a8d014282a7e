"""What `Store.verify` found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """Damage: file, offset in bytes (None if the file as a whole is meant) and what is wrong."""

    file: str
    offset: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.offset is None else f' at {self.offset:,}'}: {self.message}"


@dataclass(frozen=True, repr=False)
class Report:
    """The result of reading and checking every byte of a store.

    Attributes
    ----------
    files, bytes, events : int
        What was checked.
    problems : list of Problem
        Empty if all is well.
    """

    files: int
    bytes: int
    events: int
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    @classmethod
    def from_core(cls, found: dict[str, Any]) -> Report:
        """The report that the engine's dict describes."""
        problems = [Problem(p["file"], p.get("offset"), p["message"]) for p in found.get("problems", [])]
        return cls(found.get("files", 0), found.get("bytes", 0), found.get("events", 0), problems)

    def __repr__(self) -> str:
        checked = f"{self.files:,} files, {self.bytes:,} bytes, {self.events:,} events"
        if self.ok:
            return f"Report: ok ({checked})"
        shown = [f"  {problem}" for problem in self.problems[:20]]
        more = [f"  ... {len(self.problems) - 20:,} more"] if len(self.problems) > 20 else []
        return "\n".join([f"Report: {len(self.problems):,} problems ({checked})", *shown, *more])
