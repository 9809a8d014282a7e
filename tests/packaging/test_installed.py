"""What `pip install .` leaves behind: files, requirements, linked libraries, exported symbols."""

import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tsfeat

PACKAGE = Path(tsfeat.__file__).parent
MODULES = [
    "_batch",
    "_core",
    "_kernels",
    "comparison._edits",
    "features._repeats",
    "features._sampling",
    "features._times",
    "features._windows",
]
SYSTEM_LIBRARIES = {
    "linux-vdso",
    "libc",
    "libm",
    "libstdc++",
    "libgcc_s",
    "libpthread",
    "ld-linux-x86-64",
    "ld-linux-aarch64",
}


def module_path(name: str) -> Path:
    return Path(importlib.import_module(f"tsfeat.{name}").__file__ or "")


def output_of(*command: str | Path) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_version_is_that_of_the_distribution() -> None:
    assert tsfeat.__version__ == importlib.metadata.version("tsfeat")


def test_numpy_is_the_only_requirement() -> None:
    requirements = importlib.metadata.requires("tsfeat") or []
    assert [r for r in requirements if "extra ==" not in r] == ["numpy>=2"]


def test_the_command_is_registered() -> None:
    (script,) = (s for s in importlib.metadata.entry_points(group="console_scripts") if s.name == "tsfeat")
    assert script.value == "tsfeat.cli:main"


def test_the_licence_is_installed() -> None:
    files = importlib.metadata.files("tsfeat") or []
    (licence,) = (f for f in files if f.name == "LICENSE")
    assert "Apache License" in Path(str(licence.locate())).read_text()


def test_types_are_installed() -> None:
    assert (PACKAGE / "py.typed").exists()
    for name in MODULES:
        assert PACKAGE.joinpath(*name.split(".")).with_suffix(".pyi").exists()


def test_no_source_of_compiled_modules_is_installed() -> None:
    installed = {Path(str(f)).suffix for f in importlib.metadata.files("tsfeat") or []}
    assert not installed & {".cc", ".h", ".pyx", ".pxd", ".cxx", ".c", ".a"}


@pytest.mark.parametrize("name", MODULES)
def test_only_the_c_and_cxx_runtimes_are_linked(name: str) -> None:
    linked = {Path(line.split()[0]).name for line in output_of("ldd", module_path(name)).splitlines()}
    assert {library.partition(".so")[0] for library in linked} <= SYSTEM_LIBRARIES


@pytest.mark.parametrize("name", MODULES)
def test_nothing_of_ours_or_of_zstd_is_exported(name: str) -> None:
    lines = output_of("nm", "--dynamic", "--defined-only", "--demangle", module_path(name)).splitlines()
    symbols = {line.split(maxsplit=2)[2] for line in lines}
    assert f"PyInit_{name.rpartition('.')[2]}" in symbols
    assert not {s for s in symbols if re.search(r"ZSTD|LZ4|blosc|tsfeat|pybind11", s, re.IGNORECASE)}


def test_no_bug_is_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSFEAT_PLANTED", "flush,compaction,recovery,retention,version,late")
    done = run_python("import tsfeat._core as c; print(c.BUILD_FLAGS)")
    assert (done.stdout.strip(), done.stderr) == ("()", "")


def test_importing_needs_numpy_and_nothing_else() -> None:
    program = (
        "import sys, tsfeat\n"
        "known = sys.stdlib_module_names | {'tsfeat', 'numpy', '__main__'}\n"
        "rest = {n.split('.')[0] for n, m in sys.modules.items() if getattr(m, '__file__', None)} - known\n"
        "print(sorted(n for n in rest if not n.startswith('_')))"
    )
    before = run_python("import numpy\n" + program.replace("import sys, tsfeat", "import sys"))
    after = run_python(program)
    assert after.returncode == 0, after.stderr
    assert after.stdout == before.stdout


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_the_command_without_its_extra_says_what_to_install(missing: str) -> None:
    done = run_python(
        f"import sys; sys.modules[{missing!r}] = None\nfrom tsfeat.cli import main\nsys.exit(main(['info', '.']))"
    )
    assert done.returncode != 0
    assert "pip install 'tsfeat[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_python_dash_m_runs_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "tsfeat", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout
