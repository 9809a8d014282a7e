"""Asking systems in turns, and making sure that they answer alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.figures import Figure
from harness.workload import Workload
from systems.base import Answers, Query, System

SINGLES_A_CHUNK, BATCHES_A_CHUNK = 256, 4


class Disagreement(Exception):
    """Two systems answered the same queries differently."""


class SystemFailed(Exception):
    """A system raised an error in the middle of a figure."""

    def __init__(self, system: System, error: Exception) -> None:
        super().__init__(f"{system.name}: {error}")
        self.system = system
        self.error = error


def ask(system: System, queries: Sequence[Query], check: bool) -> Answers:
    """`ask_many`, whose errors say whose they are."""
    try:
        return system.ask_many(queries, check)
    except Exception as error:
        raise SystemFailed(system, error) from error


class Agreement:
    """Remembers the first answer to each question and compares all others with it."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], tuple[str, int, int | None]] = {}
        self.compared = 0

    def note(self, what: str, part: int, system: str, events: int, checksum: int | None) -> None:
        """`part` of the queries of a figure; a checksum of None says that only the events were counted."""
        key = (what, part)
        if key not in self._first or self._first[key][2] is None:
            self._check(what, part, self._first.get(key), (system, events, checksum))
            self._first[key] = (system, events, checksum)
        else:
            self._check(what, part, self._first[key], (system, events, checksum))

    def _check(
        self, what: str, part: int, known: tuple[str, int, int | None] | None, new: tuple[str, int, int | None]
    ) -> None:
        if known is None:
            return
        same = known[1] == new[1] and (known[2] is None or new[2] is None or known[2] == new[2])
        if not same:
            one, other = (f"{name}: {events:,} events, checksum {checksum}" for name, events, checksum in (known, new))
            raise Disagreement(f"{what!r}, part {part}: {one}; {other}")
        if known[0] != new[0] and known[2] is not None and new[2] is not None:
            self.compared += 1


@dataclass
class Latencies:
    """What a system took for each query of a figure."""

    ns: list[np.ndarray] = field(default_factory=list)

    @property
    def all(self) -> np.ndarray:
        return np.concatenate(self.ns)

    @property
    def seconds(self) -> float:
        return sum(float(part.sum()) for part in self.ns) / 1e9


def chunks(queries: Sequence[Query]) -> list[Sequence[Query]]:
    """Pieces of the queries, the same for all systems: answers are compared piece by piece."""
    size = BATCHES_A_CHUNK if len(queries[0].users) > 1 else SINGLES_A_CHUNK
    return [queries[begin : begin + size] for begin in range(0, len(queries), size)]


def ask_in_turns(
    figure: Figure, workload: Workload, systems: Sequence[System], agreement: Agreement, seconds: float, rounds: int
) -> dict[str, Latencies]:
    """Measures a figure: the first chunk is checked by all, then everything is warmed, then A B C A B C ...

    Every system gets `seconds` in all. A fast one goes through the queries many times, a slow one through the first
    part only; each chunk's number of events is compared in every round, and its checksum during the warm-up.
    """
    parts = chunks(figure.queries(workload))
    systems = [system for system in systems if figure.kind in system.kinds]

    def ask_part(system: System, part: int, check: bool) -> Answers:
        answers = ask(system, parts[part], check)
        agreement.note(figure.name, part, system.name, answers.events, answers.checksum)
        return answers

    for system in systems:
        ask_part(system, 0, True)
    for system in systems:
        _for_seconds(seconds / 2, 1, len(parts) - 1, lambda part, system=system: ask_part(system, part, True))
    measured = {system.name: Latencies() for system in systems}
    following = dict.fromkeys(measured, 0)
    for _ in range(rounds):
        for system in systems:
            kept = measured[system.name]

            def once(index: int, system: System = system, kept: Latencies = kept) -> None:
                kept.ns.append(ask_part(system, index % len(parts), False).ns)

            following[system.name] = _for_seconds(seconds / rounds, following[system.name], None, once)
    return measured


def _for_seconds(seconds: float, first: int, count: int | None, act: object) -> int:
    """Calls act(first), act(first + 1), ... for so long, or `count` times; returns where it stopped."""
    assert callable(act)
    deadline = time.perf_counter() + seconds
    index = first
    while count is None or index < first + count:
        act(index)
        index += 1
        if time.perf_counter() >= deadline:
            break
    return index


def ask_whole(
    query: Query, systems: Sequence[System], agreement: Agreement, seconds: float, rounds: int
) -> dict[str, Latencies]:
    """Measures one long query: all answer it once, checked; those that were quick enough again, in turns."""
    measured: dict[str, Latencies] = {}
    for index in range(rounds):
        for system in (each for each in systems if query.kind in each.kinds):
            kept = measured.setdefault(system.name, Latencies())
            if index and kept.seconds + kept.ns[0].sum() / 1e9 > seconds:
                continue
            answers = ask(system, [query], check=index == 0)
            agreement.note(query.figure, len(query.users), system.name, answers.events, answers.checksum)
            kept.ns.append(answers.ns)
    for kept in measured.values():
        if len(kept.ns) > 1:
            kept.ns.pop(0)  # it was the warm-up
    return measured
