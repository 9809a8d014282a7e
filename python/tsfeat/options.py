"""How a store uses the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tsfeat.errors import SchemaError
from tsfeat.moments import Duration, duration_ns

SYNC_POLICIES = ("always", "interval", "never")


@dataclass(frozen=True)
class Options:
    """How a store uses memory, disk and threads; every default suits a laptop. None changes what a read returns.

    Parameters
    ----------
    memory_bytes : int
        All memory the store may hold, in bytes: memtables, cache, filters, working space. Default 256 MiB. It is one
        pool: while little is written, nearly all of it is cache.
    cache_bytes : int, optional
        The part of it that keeps decoded blocks, in bytes. More makes repeated reads faster. Default: what the rest
        does not take at the moment.
    write_buffer_bytes : int, optional
        The part of it that new events may take before they are flushed, in bytes. More means fewer, larger runs and a
        longer log to replay after a crash. Default: a quarter of `memory_bytes`.
    sync : {"interval", "always", "never"}
        When appends reach stable storage: "always" before each append returns, "interval" in the background at least
        every `sync_interval`, "never" when the operating system likes (and at flush and close). `append(sync=True)`
        overrides it for one batch.
    sync_interval : str, datetime.timedelta or numpy.timedelta64
        The longest time for which "interval" leaves an append unsynced. Default "1s".
    background_threads : int, optional
        Threads that flush and compact; what somebody waits for may take one more. Default: the engine's choice for
        this machine.
    read_threads : int, optional
        Threads that share a read of many rows, the caller's included; 1: the caller's alone. The others help one read
        at a time: where many threads read at once, each mostly works for itself. Default: 2.
    compaction_bytes_per_second : int, optional
        Limit for bytes written by compaction, so that it does not crowd out reads. Default: the engine's choice.

    Raises
    ------
    SchemaError
        If a value is negative, zero where it cannot be, or of the wrong type.

    Examples
    --------
    >>> import tsfeat
    >>> tsfeat.Options(memory_bytes=64 << 20, sync="always").sync
    'always'
    """

    memory_bytes: int = 256 << 20
    cache_bytes: int | None = None
    write_buffer_bytes: int | None = None
    sync: str = "interval"
    sync_interval: Duration = "1s"
    background_threads: int | None = None
    read_threads: int | None = None
    compaction_bytes_per_second: int | None = None

    def __post_init__(self) -> None:
        for name in ("memory_bytes", "cache_bytes", "write_buffer_bytes", "background_threads", "read_threads"):
            _check_count(name, getattr(self, name), required=name == "memory_bytes")
        _check_count("compaction_bytes_per_second", self.compaction_bytes_per_second, required=False)
        if self.sync not in SYNC_POLICIES:
            raise SchemaError(f"Options.sync is one of {', '.join(SYNC_POLICIES)}, not {self.sync!r}")
        if duration_ns(self.sync_interval, "Options.sync_interval") < 10**6:
            raise SchemaError(f"Options.sync_interval is at least '1ms', not {self.sync_interval!r}")

    def to_core(self) -> dict[str, int | str]:
        """What the engine takes; what is left to the engine is left out."""
        chosen: dict[str, Any] = {
            "memory_bytes": self.memory_bytes,
            "cache_bytes": self.cache_bytes,
            "write_buffer_bytes": self.write_buffer_bytes,
            "sync": self.sync,
            "sync_interval_ms": duration_ns(self.sync_interval) // 10**6,
            "background_threads": self.background_threads,
            "read_threads": self.read_threads,
            "compaction_bytes_per_second": self.compaction_bytes_per_second,
        }
        return {name: value for name, value in chosen.items() if value is not None}


def _check_count(name: str, value: Any, *, required: bool) -> None:
    if value is None and not required:
        return
    lowest = 0 if name in ("cache_bytes", "compaction_bytes_per_second") else 1
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**63:
        raise SchemaError(f"Options.{name} is a whole number of at least {lowest}, not {value!r}")
