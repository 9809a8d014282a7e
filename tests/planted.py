"""A build of the engine with bugs in it, so that tests can show that they would notice.

The names are those of csrc/base/planted.h. One build holds all of them; the environment variable TSFEAT_PLANTED
chooses, so a caller starts a new process for each:

    environment = planted_environment(tmp_path, "flush")
    subprocess.run([sys.executable, ...], env=environment)
"""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from tests.building import ROOT, built, run

NAMES: list[str] = re.findall(
    r'"(\w+)"', (ROOT / "csrc/base/planted.h").read_text().partition("kPlantNames = {")[2].partition("}")[0]
)


def planted_environment(directory: Path, *names: str) -> dict[str, str]:
    """The environment of a process whose `import tsfeat` has these bugs; none given: the same build without a bug.

    `directory` belongs to the caller; the package is assembled there at the first call.
    """
    if not (directory / "tsfeat").exists():
        build_planted(directory)
    path = os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TSFEAT_PLANTED": ",".join(names)}
    program = "import tsfeat._core as c; print(c.__file__, *c.BUILD_FLAGS)"
    seen = run([sys.executable, "-c", program], env=environment).split()
    assert Path(seen[0]).is_relative_to(directory), f"not the planted build but {seen[0]} (an editable install?)"
    assert sorted(seen[1:]) == sorted(names), f"asked for the bugs {names}, got {seen[1:]}"
    return environment


def build_planted(directory: Path) -> Path:
    """Assembles the installed package in `directory`, with a planted `_core`; returns what to put on PYTHONPATH."""
    package = directory / "tsfeat"
    spec = importlib.util.find_spec("tsfeat")
    assert spec is not None and spec.origin is not None, "tsfeat is not installed"
    installed = Path(spec.origin).parent
    shutil.copytree(installed, package, ignore=shutil.ignore_patterns("_core.*.so", "__pycache__"))
    with built("_core") as build:
        (core,) = (build / "tsfeat").glob("_core.*.so")
        shutil.copy2(core, package / core.name)
    return directory
