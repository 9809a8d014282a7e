"""Builds of the engine that tests make for themselves: with planted bugs, and the program of the trials."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLANTED = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_CXX_FLAGS_RELEASE": "-O1 -DNDEBUG",  # compiling is most of the cost
    "TSFEAT_PLANT": "ON",
    "TSFEAT_TRIALS": "ON",
    "Python_EXECUTABLE": sys.executable,
}
"""One build holds all planted bugs, none of them active, and both the module `_core` and the program tsfeat_trials."""


def build_directory() -> Path:
    """One for each Python environment, because CMake remembers where it found pybind11 and zstd."""
    name = "planted-" + hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]
    parent = ROOT / "build" if os.access(ROOT, os.W_OK) else Path.home() / ".cache" / "tsfeat-tests"
    return parent / name


@contextmanager
def built(target: str) -> Iterator[Path]:
    """The build directory, with `target` in it, for this process alone.

    Objects are kept between calls (and between runs, where the checkout is writable), so only the first call compiles.
    """
    with _locked(build_directory()) as build:
        definitions = [f"-D{name}={value}" for name, value in PLANTED.items()]
        ninja = f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}"
        run([tool("cmake"), "-S", ROOT, "-B", build, "-G", "Ninja", ninja, *definitions])
        run([tool("cmake"), "--build", build, "--target", target])
        yield build


def trials_program() -> Path:
    """tsfeat_trials, built if need be."""
    with built("tsfeat_trials") as build:
        return build / "tests" / "cpp" / "reliability" / "tsfeat_trials"


def tool(name: str) -> str:
    """The program beside this Python (the test extra brings it), else the system's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is missing; it comes with pip install 'tsfeat[test]'"
    return found


def run(command: list[str | Path], env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def _locked(directory: Path) -> Iterator[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers are processes; closing the file unlocks
        yield directory
