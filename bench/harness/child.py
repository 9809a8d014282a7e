"""One task on one system in a fresh process, so that memory and bytes written are the task's alone.

Called by `stages.py` as `python child.py '{"task": ..., "system": ..., ...}'`; prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import figures, process_io
from harness.workload import Workload
from systems import by_name
from systems.base import BATCH_EVENTS, System
from systems.checksum import rows_checksum


def build(system: System, workload: Workload, request: dict[str, Any]) -> dict[str, Any]:
    """Ingests, then (unless told otherwise) compacts; what was written and held is the ingesting process's."""
    os.sync()  # what earlier tasks left unwritten is not this one's to wait for
    system.open(Path(request["directory"]), workload)
    meter = process_io.Meter(system.pids()).start()
    done = system.ingest(BATCH_EVENTS, request["sync"], request["limit"])
    ingested = meter.usage()
    answer: dict[str, Any] = {"events": done.events, "seconds": done.seconds, "progress": done.progress}
    answer |= {"held_bytes": ingested.held_bytes, "resident_bytes": ingested.resident_bytes}
    if request["finish"]:
        answer["finish_seconds"] = system.finish()
        written = system.written_bytes()
        finished = meter.stop()
        answer |= {"write_bytes": finished.write_bytes, "wchar": finished.wchar, "reported_bytes": written}
    system.close()
    answer["disk_bytes"] = system.disk_bytes()
    return answer


def offline(system: System, workload: Workload, request: dict[str, Any]) -> dict[str, Any]:
    """Labels from Parquet to arrays in memory; the checksum comes after the peak was read."""
    query = figures.whole("offline", figures.OFFLINE, workload, workload.meta["labels"])
    system.open(Path(request["directory"]), workload)
    labels = workload.labels_parquet
    with process_io.peak_memory() as peak:
        began = time.perf_counter()
        result = system.offline(labels, query, request["clustered"])
        seconds = time.perf_counter() - began
        peak_bytes = peak()
    columns = system.plain(result)
    answer = {
        "seconds": seconds,
        "peak_bytes": peak_bytes,
        "output_bytes": sum(column.nbytes for column in columns) + result.offsets.nbytes,
        "events": int(result.offsets[-1]),
        "checksum": rows_checksum(result.offsets, columns),
    }
    system.close()
    return answer


def log(system: System, workload: Workload, request: dict[str, Any]) -> dict[str, Any]:
    """Rows that were served, logged and read back; the best of two, of which the first is the warm-up."""
    query = figures.whole("join", figures.LOG, workload, request["rows"])
    system.open(Path(request["directory"]), workload)
    served = system.serve(query)
    file = Path(request["file"])
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        system.log(served, file)
        logged = time.perf_counter()
        result = system.read_back(file)
        seconds.append((logged - began, time.perf_counter() - logged))
    checksum = rows_checksum(result.offsets, system.plain(result))
    log_seconds, read_seconds = min(seconds, key=sum)
    return {
        "log_seconds": log_seconds,
        "read_seconds": read_seconds,
        "file_bytes": file.stat().st_size,
        "events": int(result.offsets[-1]),
        "checksum": checksum,
    }


def concurrent(system: System, workload: Workload, request: dict[str, Any]) -> dict[str, Any]:
    """Single reads alone, then beside a writer."""
    system.open(Path(request["directory"]), workload)
    queries = figures.SINGLE.queries(workload)
    system.ask_many(queries[:256])
    measured = system.read_while_ingesting(queries, request["rate"], request["seconds"])
    idle, busy = (np.percentile(ns, [50, 99]).tolist() for ns in (measured.idle_ns, measured.busy_ns))
    system.close()
    return {"idle_ns": idle, "busy_ns": busy, "runs": len(measured.busy_ns), "rate": measured.rate}


TASKS = {"build": build, "offline": offline, "log": log, "concurrent": concurrent}


def main() -> None:
    request = json.loads(sys.argv[1])
    system = by_name(request["system"])
    workload = Workload(Path(request["workload"]))
    try:
        answer = TASKS[request["task"]](system, workload, request)
    finally:
        system.close()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
