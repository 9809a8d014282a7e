"""Builds the C++ programs of the bench with CMake, when they are first needed and whenever their sources changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BUILDS = Path(os.environ.get("TSFEAT_BENCH_BUILDS", REPOSITORY / "build" / "bench"))
"""Where programs are built. The variable is for several checkouts that share a build of RocksDB."""


@dataclass
class Program:
    """One executable: a CMake project's target."""

    source: Path
    directory: str
    """The build's directory below BUILDS."""
    target: str
    path: str
    """The executable, below the build's directory."""
    options: dict[str, str] = field(default_factory=dict)
    first_time: str = "a minute"
    """How long the first build takes, for the message."""

    @property
    def build(self) -> Path:
        return BUILDS / self.directory

    @property
    def executable(self) -> Path:
        return self.build / self.path

    @cached_property
    def problem(self) -> str | None:
        """Builds it; why that did not work, or None."""
        cmake = shutil.which("cmake") or shutil.which("cmake", path=str(Path(sys.executable).parent))
        if cmake is None:
            return "cmake is missing (pip install cmake)"
        if shutil.which(os.environ.get("CXX", "c++")) is None:
            return "a C++20 compiler is missing"
        self.build.mkdir(parents=True, exist_ok=True)
        log = self.build / "build.log"
        if not self.executable.exists():
            print(f"building {self.target}, {self.first_time} (see {log})", file=sys.stderr, flush=True)
        with log.open("w") as output:
            for command in (self._configure(cmake), self._make(cmake)):
                if command and subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode:
                    return f"{self.target} does not build: see {log}"
        return None

    def _configure(self, cmake: str) -> list[str]:
        """Nothing once the build's files are there: they look after themselves."""
        generated = [self.build / "build.ninja", self.build / "Makefile"]
        if any(path.exists() for path in generated):
            return []
        command = [cmake, "-S", str(self.source), "-B", str(self.build)]
        if shutil.which("ninja"):
            command += ["-G", "Ninja"]
        return command + [f"-D{name}={value}" for name, value in self.options.items()]

    def _make(self, cmake: str) -> list[str]:
        return [cmake, "--build", str(self.build), "--target", self.target, "--parallel", str(os.cpu_count() or 1)]


ENGINE = Program(
    REPOSITORY,
    "engine",
    "engine_worker",
    "bench/cpp/engine_worker",
    {"TSFEAT_BENCH": "ON", "TSFEAT_PYTHON": "OFF", "CMAKE_BUILD_TYPE": "Release", "Python_EXECUTABLE": sys.executable},
)
ROCKSDB = Program(
    REPOSITORY / "bench" / "rocksdb",
    "rocksdb",
    "rocksdb_worker",
    "rocksdb_worker",
    first_time="ten minutes of CPU the first time",
)
