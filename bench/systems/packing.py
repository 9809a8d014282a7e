"""Events as fixed-width bytes, for the rivals that store keys and values.

In the standard workload a value is 25 bytes: the columns one after the other, without padding. An ordered value begins
with 12 bytes by which it sorts as bytes: time and arrival, big-endian; it is 29 bytes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from harness.workload import Workload
from systems.base import Query, Result

SIGN = 1 << 63
ORDER = np.dtype([("ts", ">u8"), ("seq", ">u4")])
KEY = np.dtype([("user", ">u8"), *ORDER.descr])


def order_of(moment: int, newest_first: bool = False) -> bytes:
    """The time as in a key or an ordered value: 8 bytes that sort as the signed number does, or the other way round."""
    return (SIGN - 1 - moment if newest_first else SIGN + moment).to_bytes(8, "big")


def pieces(records: np.ndarray) -> list[bytes]:
    """Each record as bytes."""
    return records.view(f"V{records.dtype.itemsize}").tolist()


class Packing:
    """The layouts for a workload's columns, and back to columns.

    An event's `seq` is its number in the workload: with the time it is unique, and equal times sort by arrival.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.columns = workload.columns
        self.value = np.dtype(list(self.columns.items()))
        rest = [(name, dtype) for name, dtype in self.columns.items() if name != "ts"]
        self.ordered = np.dtype([*ORDER.descr, *rest])

    def times(self, begin: int, end: int, shift: int) -> np.ndarray:
        return self.workload.array("ts")[begin:end] + shift

    def keys(self, begin: int, end: int, shift: int, newest_first: bool = False) -> np.ndarray:
        """User, time and arrival of the events, so that they sort as bytes, the newest first within a user if told."""
        keys = np.empty(end - begin, KEY)
        order = self.times(begin, end, shift).view(np.uint64) ^ np.uint64(SIGN)
        arrival = np.arange(begin, end, dtype=np.uint32)
        keys["user"] = self.workload.array("user")[begin:end]
        keys["ts"], keys["seq"] = (~order, ~arrival) if newest_first else (order, arrival)
        return keys

    def values(self, begin: int, end: int, shift: int) -> np.ndarray:
        values = np.empty(end - begin, self.value)
        values["ts"] = self.times(begin, end, shift)
        self._fill(values, begin, end)
        return values

    def ordered_values(self, begin: int, end: int, shift: int) -> np.ndarray:
        values = np.empty(end - begin, self.ordered)
        values["ts"] = self.times(begin, end, shift).view(np.uint64) ^ np.uint64(SIGN)
        values["seq"] = np.arange(begin, end, dtype=np.uint32)
        self._fill(values, begin, end)
        return values

    def _fill(self, values: np.ndarray, begin: int, end: int) -> None:
        for name in self.columns:
            if name != "ts":
                values[name] = self.workload.array(name)[begin:end]

    @staticmethod
    def newest(values: Iterable[bytes], layout: np.dtype, query: Query) -> bytes:
        """The first n events that qualify of a user's, the newest of which comes first; joined, oldest first."""
        if query.types:
            # There are at most 64 types, so one byte tells.
            at, types = layout.fields["type"][1], frozenset(query.types)
            values = (value for value in values if value[at] in types)
        found = list(islice(values, query.n))
        found.reverse()
        return b"".join(found)

    def decode(self, data: bytes, layout: np.dtype, columns: Sequence[str]) -> list[np.ndarray]:
        """Contiguous columns of the records in `data`, in the order asked for."""
        records = np.frombuffer(data, layout)
        decoded = [np.ascontiguousarray(records[name]) for name in columns]
        if layout is self.ordered and "ts" in columns:
            at = columns.index("ts")
            decoded[at] = (decoded[at].astype(np.uint64) ^ np.uint64(SIGN)).view(np.int64)
        return decoded

    def result(self, rows: Sequence[bytes], layout: np.dtype, columns: Sequence[str]) -> Result:
        """A jagged batch of rows, each the records of its events from oldest to newest."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) // layout.itemsize for row in rows], out=offsets[1:])
        data = rows[0] if len(rows) == 1 else b"".join(rows)
        return Result(offsets, self.decode(data, layout, columns))


def of_types(data: bytes, layout: np.dtype, types: Sequence[int]) -> bytes:
    """The records whose type is one of these."""
    records = np.frombuffer(data, layout)
    wanted = np.zeros(256, bool)
    wanted[list(types)] = True
    return records[wanted[records["type"]]].tobytes()


def user_slices(users: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, list[int], list[int]]:
    """How a batch falls apart: its order by user, time and arrival; the users; where each begins, and the last ends."""
    order = np.lexsort((times, users))
    found, begins = np.unique(users[order], return_index=True)
    return order, found.tolist(), [*begins.tolist(), len(users)]
