"""The rooms of csrc (docs/architecture.md): arrows point down, Python and files have one door each, files are small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
CSRC = REPOSITORY / "csrc"
MOST_LINES = 400

# Bottom to top. A room includes itself and rooms below its floor, so rooms of one floor do not know each other.
FLOORS = (
    ("base",),
    ("vfs",),
    ("codec",),
    ("schema",),
    ("source",),
    ("wal", "memtable", "run"),
    ("catalog",),
    ("read",),
    ("compact",),
    ("engine",),
    ("bind",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOM_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]*)"', re.MULTILINE)
SYSTEM_INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]*)>", re.MULTILINE)

# What only one room may include, and its door.
DOORS = {
    "bind": ("Python.h", "pybind11/", "numpy/"),
    "vfs": ("fcntl.h", "dirent.h", "sys/stat.h", "sys/file.h", "sys/mman.h", "sys/statvfs.h", "fstream", "filesystem"),
}


def source_files() -> Iterator[tuple[str, Path]]:
    """Every C++ file with its room."""
    for file in sorted(CSRC.rglob("*")):
        if file.suffix in (".h", ".cc"):
            yield file.relative_to(CSRC).parts[0], file


@pytest.fixture(autouse=True, scope="module")
def _sources() -> None:
    if not CSRC.is_dir():
        pytest.skip("the engine's sources are not beside the tests")


def test_every_directory_is_a_known_room() -> None:
    assert {room for room, _ in source_files()} == set(FLOOR)
    assert all(len(file.relative_to(CSRC).parts) == 2 for _, file in source_files())


def test_includes_are_written_from_csrc() -> None:
    wrong = [
        f"{file.relative_to(CSRC)}: {name}"
        for _, file in source_files()
        for name in ROOM_INCLUDE.findall(file.read_text())
        if not (CSRC / name).is_file()
    ]
    assert wrong == []


def test_no_arrow_points_upwards() -> None:
    upwards = []
    for room, file in source_files():
        for name in ROOM_INCLUDE.findall(file.read_text()):
            other = name.split("/")[0]
            if other != room and FLOOR[other] >= FLOOR[room]:
                upwards.append(f"{file.relative_to(CSRC)} includes {name}")
    assert upwards == []


@pytest.mark.parametrize("door", sorted(DOORS))
def test_one_door(door: str) -> None:
    besides = [
        f"{file.relative_to(CSRC)} includes {name}"
        for room, file in source_files()
        for name in SYSTEM_INCLUDE.findall(file.read_text())
        if room != door and name.startswith(DOORS[door])
    ]
    assert besides == []


def test_every_room_is_in_the_picture() -> None:
    picture = (REPOSITORY / "docs" / "architecture.md").read_text().split("## Rooms")[1].split("\n## ")[0]
    assert [room for room in FLOOR if not re.search(rf"\b{room}\b", picture)] == []


def test_files_are_finished_on_few_screens() -> None:
    files = [file for top in (CSRC, REPOSITORY / "python") for file in sorted(top.rglob("*"))]
    long = {
        str(file.relative_to(REPOSITORY)): lines
        for file in files
        if file.suffix in (".h", ".cc", ".py", ".pyi", ".pyx")
        and (lines := len(file.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}
