"""The source distribution holds what a build needs, and nothing that was built."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Paths in the sdist, below its top directory."""
    directory = tmp_path_factory.mktemp("sdist")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, directory], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (archive,) = directory.glob("tsfeat-*.tar.gz")
    with tarfile.open(archive) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def test_the_build_files_are_there(names: set[str]) -> None:
    assert names >= {"pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE"}


def test_every_source_is_there(names: set[str]) -> None:
    python = ["python/tsfeat/**/*.py", "python/tsfeat/**/*.py[ix]", "python/tsfeat/**/*.pxd"]
    patterns = ["cmake/*.cmake", "csrc/*/*.cc", "csrc/*/*.h", *python]
    wanted = {str(p.relative_to(ROOT)) for pattern in patterns for p in ROOT.glob(pattern)}
    assert wanted
    assert wanted <= names


def test_nothing_built_is_there(names: set[str]) -> None:
    assert not [n for n in names if n.endswith((".so", ".o", ".a", ".pyc")) or n.startswith(("build/", "dist/"))]
    assert not [n for n in names if "__pycache__" in n.split("/")]


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_tracked_file_is_ignored() -> None:
    """.gitignore also decides what the sdist leaves out."""
    environment = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
