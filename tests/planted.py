"""A build of the engine with bugs in it, so that tests can show that they would notice.

The names are those of csrc/base/planted.h. One build holds all of them; the environment variable TSFEAT_PLANTED
chooses, so a caller starts a new process for each:

    environment = planted_environment(tmp_path, "flush")
    subprocess.run([sys.executable, ...], env=environment)
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_CXX_FLAGS_RELEASE": "-O1 -DNDEBUG",  # compiling is most of the cost
    "TSFEAT_PLANT": "ON",
    "Python_EXECUTABLE": sys.executable,
}


def planted_environment(directory: Path, *names: str) -> dict[str, str]:
    """The environment of a process whose `import tsfeat` has these bugs; none given: the same build without a bug.

    `directory` belongs to the caller; the package is assembled there at the first call.
    """
    if not (directory / "tsfeat").exists():
        build_planted(directory)
    path = os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TSFEAT_PLANTED": ",".join(names)}
    program = "import tsfeat._core as c; print(c.__file__, *c.BUILD_FLAGS)"
    seen = _run([sys.executable, "-c", program], env=environment).split()
    assert Path(seen[0]).is_relative_to(directory), f"not the planted build but {seen[0]} (an editable install?)"
    assert sorted(seen[1:]) == sorted(names), f"asked for the bugs {names}, got {seen[1:]}"
    return environment


def build_planted(directory: Path) -> Path:
    """Assembles the installed package in `directory`, with a planted `_core`; returns what to put first on PYTHONPATH.

    Objects are kept between calls (and between runs, where the checkout is writable), so only the first call compiles.
    """
    package = directory / "tsfeat"
    installed = _origin("tsfeat").parent
    shutil.copytree(installed, package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    kernels = _origin("tsfeat._kernels")
    shutil.copy2(kernels, package / kernels.name)
    with _locked(_build_directory()) as build:
        definitions = [f"-D{name}={value}" for name, value in SETTINGS.items()]
        _run(
            [
                _tool("cmake"),
                "-S",
                ROOT,
                "-B",
                build,
                "-G",
                "Ninja",
                f"-DCMAKE_MAKE_PROGRAM={_tool('ninja')}",
                *definitions,
            ]
        )
        _run([_tool("cmake"), "--build", build, "--target", "_core"])
        (core,) = (build / "tsfeat").glob("_core.*.so")
        shutil.copy2(core, package / core.name)
    return directory


def _build_directory() -> Path:
    """One for each Python environment, because CMake remembers where it found pybind11 and zstd."""
    name = "planted-" + hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]
    parent = ROOT / "build" if os.access(ROOT, os.W_OK) else Path.home() / ".cache" / "tsfeat-tests"
    return parent / name


@contextmanager
def _locked(directory: Path) -> Iterator[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers are processes; closing the file unlocks
        yield directory


def _origin(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None, f"{module} is not installed"
    return Path(spec.origin)


def _tool(name: str) -> str:
    """The program beside this Python (the test extra brings it), else the system's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is missing; it comes with pip install 'tsfeat[test]'"
    return found


def _run(command: list[str | Path], env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout
