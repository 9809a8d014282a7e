"""Client of the C++ programs of the bench: a program holds one store and is told what to do, a line at a time.

The commands are described in `bench/cpp/worker.h`. Programs read the workload's files themselves, so that neither
events nor answers pass through Python, and time each query alone.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.workload import Workload
from systems.base import Answer, Answers, Concurrent, Ingest, Query, System


class WorkerError(Exception):
    """The program reported an error, or ended."""


class Worker:
    """A running program."""

    def __init__(self, program: Path, workload: Workload, store: Path, layout: str = "") -> None:
        columns = ",".join(name for name in workload.columns if name != "ts")
        arguments = [str(program), str(workload.directory), str(store), columns, layout]
        self.name = program.name
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, *words: object) -> dict[str, Any]:
        """Sends one command and waits for its answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self.name} ended with code {self.process.wait()} at: {words[0]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def quit(self) -> None:
        """Ends the program, whatever state it is in."""
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate("quit\n")


class WorkerSystem(System):
    """A system whose store is held by a program. Subclasses say which."""

    layout = ""

    def __init__(self) -> None:
        self.worker: Worker | None = None

    def program(self) -> Path:
        """The executable."""
        raise NotImplementedError

    def tell(self, *words: object) -> dict[str, Any]:
        assert self.worker is not None, f"{self.name} is not open"
        return self.worker.tell(*words)

    def open(self, directory: Path, workload: Workload) -> None:
        super().open(directory, workload)
        self.worker = Worker(self.program(), workload, directory, self.layout)
        self.tell("open")

    def close(self) -> None:
        worker, self.worker = self.worker, None
        if worker is None:
            return
        try:
            worker.tell("close")
        finally:
            worker.quit()

    def pids(self) -> list[int]:
        assert self.worker is not None
        return [self.worker.process.pid]

    def ingest(self, batch: int, sync: bool = False, limit_events: int | None = None) -> Ingest:
        answer = self.tell("ingest", batch, int(sync), limit_events or 0)
        progress = [(float(seconds), int(events)) for seconds, events in answer["progress"]]
        return Ingest(answer["events"], answer["seconds"], progress)

    def finish(self) -> float:
        began = time.perf_counter()
        self.tell("finish")
        return time.perf_counter() - began

    def ask(self, query: Query, check: bool = True) -> Answer:
        answers = self.ask_many([query], check)
        return Answer(int(answers.ns[0]), answers.events, answers.checksum)

    def ask_many(self, queries: Sequence[Query], check: bool = True) -> Answers:
        first = queries[0]
        columns = ",".join(first.columns)
        if first.kind == "scan":
            answers = [self.tell("scan", columns, int(check)) for _ in queries]
        else:
            command = "join" if first.kind == "join" else "rows"
            files = (first.users_file, first.before_file or "-")
            types = ",".join(map(str, first.types)) or "-"
            rows = len(first.users)
            assert all(query.begin == first.begin + index * rows for index, query in enumerate(queries))
            where = (*files, first.begin, len(queries), rows)
            answers = [self.tell(command, *where, first.n, types, columns, int(check))]
        ns = np.concatenate([np.array(answer["ns"], np.int64) for answer in answers])
        checksum = sum(answer["checksum"] for answer in answers) % 2**64 if check else None
        return Answers(ns, sum(answer["events"] for answer in answers), checksum)

    def read_while_ingesting(self, queries: Sequence[Query], rate: float, seconds: float) -> Concurrent:
        first = queries[0]
        where = (first.users_file, first.begin, len(queries))
        answer = self.tell("concurrent", *where, first.n, ",".join(first.columns), rate, seconds)
        return Concurrent(np.array(answer["idle_ns"]), np.array(answer["busy_ns"]), answer["rate"])
