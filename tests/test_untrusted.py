"""Untrusted places: permissions, symbolic links, names that try to escape, files that lie about lengths."""

from __future__ import annotations

import os
import shutil
import stat
import struct

import pytest

import tsfeat
from tests.format.primitives import crc32c
from tests.golden.make import HERE
from tests.support import batch, events_table, open_tiny, run_python

BAD_NAMES = ["", "a\0b", "x" * 256, "é" * 128, "tab\there", "line\nbreak", "\x7f", "bell\x07"]
ESCAPES = ["../outside", "/absolute", "..", ".", "a/b", "a\\b", "~", "$HOME", "; rm -rf x", "CON", "\u202eevil"]


def filled(path):
    with open_tiny(path) as store:
        events_table(store).append(batch([1, 2], [1, 2]))
    return path


def open_and_scan(path):
    with tsfeat.open(path) as store:
        for name in store.tables():
            list(store.table(name).scan().chunks())


# ---- permissions


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0, 0o644, 0o755)])
def test_files_are_created_as_the_umask_says_and_never_writable_by_others(tmp_path, mask, file, folder):
    script = f"""
import os, sys
os.umask({mask})
from tests.support import batch, events_table, open_tiny
store = open_tiny(sys.argv[1] + "/new/store")
events_table(store).append(batch([1], [1]), sync=True)
store.flush()
store.checkpoint(sys.argv[1] + "/copy")
events_table(store, "more").append(batch([1], [1]), sync=True)
os._exit(0)
"""
    assert run_python(script, str(tmp_path)).returncode == 0
    seen = 0
    for place, folders, names in os.walk(tmp_path):
        for name in folders:
            assert stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode) == folder
        for name in names:
            assert stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode) == file
            seen += 1
    assert seen >= 6


# ---- symbolic links


def test_the_directory_itself_may_be_a_link(tmp_path):
    filled(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with open_tiny(tmp_path / "link") as store:
        store.table("events").append(batch([1], [3]), sync=True)
    with open_tiny(tmp_path / "real", "r") as store:
        assert store.table("events").count([1]).tolist() == [2]
    assert (tmp_path / "link").is_symlink()


def test_a_link_to_nowhere_is_no_place_for_a_store(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    with pytest.raises(tsfeat.Error):
        tsfeat.open(tmp_path / "link")
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("name", ["MANIFEST", "LOCK", "MANIFEST.tmp", "*.run", "*.log"])
def test_files_that_are_links_are_not_followed(tmp_path, name):
    store = shutil.copytree(HERE / "open", tmp_path / "store")
    victim = tmp_path / "victim"
    paths = sorted(store.glob(name)) or [store / name]
    if paths[0].exists():
        shutil.move(paths[0], victim)
    else:
        victim.write_bytes(b"precious")
    before = victim.read_bytes()
    paths[0].symlink_to(victim)
    if name == "MANIFEST.tmp":  # an orphan: the link goes, not what it points to
        open_and_scan(store)
        assert not paths[0].is_symlink()
    else:
        with pytest.raises(tsfeat.StorageError, match="symbolic link"):
            open_and_scan(store)
    assert victim.read_bytes() == before


def test_a_link_in_the_place_of_the_next_file_is_not_written_through(tmp_path):
    path = filled(tmp_path / "store")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    numbers = [int(file.name.split(".")[0]) for file in path.glob("0*")]
    for number in range(max(numbers) + 1, max(numbers) + 6):
        for suffix in ("log", "run"):
            (path / f"{number:012}.{suffix}").symlink_to(victim)
    try:
        with open_tiny(path) as store:
            store.table("events").append(batch([1], [5]), sync=True)
    except tsfeat.Error:
        pass  # refused is as good
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["MANIFEST", "*.run", "*.log", "LOCK"])
def test_pipes_and_directories_in_the_place_of_files_are_refused_at_once(tmp_path, name):
    for make in (os.mkfifo, os.mkdir):
        store = shutil.copytree(HERE / "open", tmp_path / make.__name__)
        path = (sorted(store.glob(name)) or [store / name])[0]
        path.unlink(missing_ok=True)
        make(path)
        with pytest.raises(tsfeat.StorageError, match=r"not a regular file|directory"):
            open_and_scan(store)


# ---- hostile targets


def test_a_checkpoint_goes_only_where_nothing_is(tmp_path):
    path = filled(tmp_path / "store")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep").write_text("precious")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    with open_tiny(path) as store:
        for target in ("file", "full", "nowhere", "file/below", "store"):
            with pytest.raises(tsfeat.Error):
                store.checkpoint(tmp_path / target)
        with pytest.raises((tsfeat.Error, ValueError)):
            store.checkpoint(f"{tmp_path}/nul\0byte")
        assert store.table("events").count([1]).tolist() == [1]
        store.checkpoint(tmp_path / "fresh")
    assert (tmp_path / "file").read_text() == "precious"
    assert os.listdir(tmp_path / "full") == ["keep"]
    assert not (tmp_path / "absent").exists()
    with tsfeat.open(tmp_path / "fresh", "r") as copy:
        assert copy.verify().ok


# ---- names


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_no_names_are_refused(tmp_path, name):
    with open_tiny(tmp_path / "store") as store:
        for made in (
            lambda: events_table(store, name),
            lambda: store.create_table("t", key=(name, "uint64"), time=("ts", "timestamp[s]"), columns={}),
            lambda: store.create_table("t", key=("k", "uint64"), time=(name, "timestamp[s]"), columns={}),
            lambda: store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={name: "int8"}),
        ):
            with pytest.raises(tsfeat.SchemaError):
                made()
        assert store.tables() == []
        table = events_table(store)
        with pytest.raises(tsfeat.SchemaError):
            table.add_column(name, "int8", default=1)
        assert table.schema.names == ["k", "ts", "x"]


def test_names_never_become_paths(tmp_path):
    """So those that look like paths are names like others."""
    with open_tiny(tmp_path / "in" / "store") as store:
        for name in ESCAPES:
            table = store.create_table(
                name, key=("../k", "string"), time=("/ts", "timestamp[s]"), columns={name: "category"}
            )
            table.append({"../k": ["../../x"], "/ts": [1], name: ["../../y"]}, source="../../z", position=1)
        store.flush()
        store.checkpoint(tmp_path / "in" / "copy")
    assert os.listdir(tmp_path) == ["in"]
    assert sorted(os.listdir(tmp_path / "in")) == ["copy", "store"]
    for place in ("store", "copy"):
        names = os.listdir(tmp_path / "in" / place)
        assert all(name in ("MANIFEST", "LOCK") or name[:12].isdigit() for name in names)
        with tsfeat.open(tmp_path / "in" / place, "r") as store:
            assert store.tables() == sorted(ESCAPES, key=str.encode)


# ---- lengths that lie


def with_manifest(path, body):
    """A manifest with this body, all checksums right."""
    head = b"tsfeat\x1a\n" + struct.pack("<I", 1)
    content = head + struct.pack("<IQ", crc32c(head), len(body)) + body
    (path / "MANIFEST").write_bytes(content + struct.pack("<I", crc32c(content)))


HUGE = b"\xff" * 9 + b"\x01"


@pytest.mark.parametrize("cut", range(16, 120, 3))
def test_a_manifest_that_declares_more_than_there_is_is_refused(tmp_path, cut):
    path = filled(tmp_path / "store")
    body = (path / "MANIFEST").read_bytes()[24:-4]
    with_manifest(path, body[:cut] + HUGE + body[cut + 1 :])
    read_all(path)


def test_a_log_record_that_declares_more_than_there_is_is_refused(tmp_path):
    """Any byte of a record's payload replaced by the greatest number, under a right checksum."""
    store = HERE / "open"
    (name,) = (file.name for file in store.glob("*.log"))
    content = (store / name).read_bytes()
    size = struct.unpack_from("<I", content, 516)[0]
    for at in range(0, min(size, 160), 7):
        path = shutil.copytree(store, tmp_path / str(at))
        payload = bytearray(content[536 : 536 + size])
        payload[at : at + 10] = HUGE[: len(payload[at : at + 10])]
        rest = content[516:536] + bytes(payload) + content[536 + size : 536 + -(-size // 8) * 8]
        (path / name).write_bytes(content[:512] + struct.pack("<I", crc32c(rest)) + rest + content[516 + len(rest) :])
        read_all(path)


def read_all(path):
    """Opens, verifies and reads all: errors of ours are fine; a crash, or memory that ran out, is not."""
    try:
        with tsfeat.open(path, "r") as store:
            store.verify()
            for name in store.tables():
                for _ in store.table(name).scan().chunks():
                    pass
    except tsfeat.Error:
        pass


def test_a_hostile_directory_costs_bounded_memory_and_time(tmp_path):
    """Mutations of a golden store, opened in a process with little memory."""
    script = """
import pathlib, resource, shutil, sys
import numpy as np
import tsfeat
from tests.golden.make import HERE

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
rng = np.random.default_rng(int(sys.argv[2]))
outcomes = set()
for number in range(int(sys.argv[3])):
    path = pathlib.Path(sys.argv[1]) / "store"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(HERE / "open", path)
    files = sorted(path.iterdir())
    for _ in range(int(rng.integers(1, 4))):
        file = files[int(rng.integers(len(files)))]
        content = bytearray(file.read_bytes())
        at = int(rng.integers(len(content)))
        kind = int(rng.integers(5))
        if kind == 0:
            content[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            content[at : at + 8] = b"\\xff" * 8
        elif kind == 2:
            del content[at:]
        elif kind == 3:
            content[at:at] = content[: int(rng.integers(1, 2000))]
        else:
            content = bytearray(files[int(rng.integers(len(files)))].read_bytes())
        file.write_bytes(content)
    for mode in ("r", "w"):
        try:
            with tsfeat.open(path, mode) as store:
                store.verify()
                for name in store.tables():
                    for _ in store.table(name).scan().chunks():
                        pass
            outcomes.add("read")
        except (tsfeat.CorruptionError, tsfeat.StorageError, tsfeat.NotFoundError) as error:
            outcomes.add(type(error).__name__)
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)
print(sorted(outcomes))
"""
    rounds = os.environ.get("TSFEAT_HOSTILE", "150")
    done = run_python(script, str(tmp_path), os.environ.get("TSFEAT_SEED", "0"), rounds, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CorruptionError" in done.stdout
    assert "read" in done.stdout
