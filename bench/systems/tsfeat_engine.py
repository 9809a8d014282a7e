"""tsfeat's engine alone, in C++, with the options that the Python package has by default."""

from __future__ import annotations

from pathlib import Path

from systems import programs
from systems.protocol import WorkerSystem


class TsfeatEngine(WorkerSystem):
    """The same table as `tsfeat_python.py` makes; the program is `bench/cpp/engine_worker.cc`."""

    name = "tsfeat engine"
    rival = False

    def unavailable(self) -> str | None:
        return programs.ENGINE.problem

    def program(self) -> Path:
        return programs.ENGINE.executable


SYSTEMS = [TsfeatEngine]
