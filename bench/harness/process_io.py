"""What the operating system knows: bytes written, memory held, bytes on disk; and emptying its page cache.

Memory is told in two ways. *Held* is the peak growth of RssAnon, the anonymous private pages, which is what a program
allocates: memory-mapped workload files do not count, nor do a rival's memory-mapped data files. *Resident* is the peak
of VmRSS, which counts both.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DROP_CACHES = Path("/proc/sys/vm/drop_caches")
SAMPLE_SECONDS = 0.02


def fields(path: str) -> dict[str, int]:
    """A /proc file of lines `name: number [kB]`, in bytes."""
    found: dict[str, int] = {}
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def io_counters(pid: int) -> dict[str, int]:
    """wchar: bytes given to write calls. write_bytes: bytes that the process caused to be sent to the disk."""
    return fields(f"/proc/{pid}/io")


def memory(pid: int) -> dict[str, int]:
    """VmRSS, VmHWM, RssAnon, RssFile, in bytes."""
    return fields(f"/proc/{pid}/status")


def reset_peak(pid: int) -> bool:
    """Lets VmHWM begin anew at the present VmRSS."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False
    return True


@dataclass
class Usage:
    """What the processes did between a Meter's beginning and its end."""

    write_bytes: int = 0
    wchar: int = 0
    held_bytes: int = 0
    """Peak growth of RssAnon over its value at the beginning."""
    resident_bytes: int = 0
    """Peak of VmRSS."""


@dataclass
class Meter:
    """Measures some processes from `start` on; `usage` may be read many times."""

    pids: list[int]
    _before: dict[int, dict[str, int]] = field(default_factory=dict)
    _anonymous: dict[int, int] = field(default_factory=dict)
    _peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> Meter:
        for pid in self.pids:
            reset_peak(pid)
            self._before[pid] = io_counters(pid)
            self._anonymous[pid] = memory(pid)["RssAnon"]
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> Usage:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        return self.usage()

    def usage(self) -> Usage:
        """So far. A process that has ended no longer counts: ask before that."""
        used = Usage()
        for pid in self.pids:
            after = io_counters(pid)
            used.write_bytes += after["write_bytes"] - self._before[pid]["write_bytes"]
            used.wchar += after["wchar"] - self._before[pid]["wchar"]
            used.resident_bytes += memory(pid)["VmHWM"]
        self._note_memory()
        used.held_bytes = self._peak
        return used

    def _note_memory(self) -> None:
        grown = sum(memory(pid)["RssAnon"] - self._anonymous[pid] for pid in self.pids)
        self._peak = max(self._peak, grown)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            try:
                self._note_memory()
            except (OSError, KeyError):  # the process ended
                return


@contextlib.contextmanager
def peak_memory(pid: int | None = None) -> Iterator[Callable[[], int]]:
    """`with peak_memory() as peak: ...` then peak() is the peak of VmRSS in the block, in bytes."""
    target = os.getpid() if pid is None else pid
    reset_peak(target)
    yield lambda: memory(target)["VmHWM"]


def take_memory_once(wanted: int) -> None:
    """Has a process take so many bytes (of what is available, three quarters at most) and end.

    The host of a virtual machine finds memory when it is first touched, at up to two seconds a GB: without this, the
    first system that needs much of it would pay for all.
    """
    most = min(wanted, fields("/proc/meminfo")["MemAvailable"] // 4 * 3)
    subprocess.run([sys.executable, "-c", f"import numpy; numpy.ones({most}, numpy.uint8)"], check=True)


def disk_usage(directory: Path) -> int:
    """Bytes that the files below occupy, as `du` counts: preallocated space counts, holes do not."""
    total = 0
    for root, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
    return total


def drop_page_cache(directory: Path) -> str:
    """Empties the page cache: the whole of it where the kernel lets us, else the directory's files. Says which."""
    os.sync()
    try:
        DROP_CACHES.write_text("3")
        return "drop_caches"
    except OSError:
        for path in directory.rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)
        return "posix_fadvise"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import platform

    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith(("model name", "CPU part"))
        ),
        platform.processor(),
    )
    total = fields("/proc/meminfo")["MemTotal"]
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(total / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
