"""Systems in memory for the harness's tests: one right, others wrong on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from systems.base import READS, Query, Result, System


class Model(System):
    """Reads the workload's arrays; a read filters all of them."""

    name = "model"
    kinds = READS

    def read(self, query: Query) -> Result:
        users, times, types = (self.workload.array(name) for name in ("user", "ts", "type"))
        chosen = []
        for row, user in enumerate(query.users):
            wanted = users == user
            if query.before is not None:
                wanted &= times < query.before[row]
            if query.types:
                wanted &= np.isin(types, query.types)
            found = np.flatnonzero(wanted)
            chosen.append(found[np.argsort(times[found], kind="stable")][-query.n :])
        flat = np.concatenate(chosen)
        offsets = np.cumsum([0, *map(len, chosen)])
        return Result(offsets, self.altered([self.workload.array(name)[flat] for name in query.columns]))

    def scan(self, columns: Sequence[str]) -> Iterator[list[np.ndarray]]:
        step = self.workload.events // 3
        for begin in range(0, self.workload.events, step):
            yield self.altered([self.workload.array(name)[begin : begin + step] for name in columns])

    def altered(self, columns: list[np.ndarray]) -> list[np.ndarray]:
        """A wrong system changes something here."""
        return columns

    def close(self) -> None:
        pass


class OneBitWrong(Model):
    name = "one bit wrong"

    def altered(self, columns: list[np.ndarray]) -> list[np.ndarray]:
        scores: Any = columns[-1].copy()
        scores.view(np.uint32)[-1:] ^= 1
        return [*columns[:-1], scores]


class Breaks(Model):
    name = "breaks"

    def read(self, query: Query) -> Result:
        raise OSError("the disk is on fire")
