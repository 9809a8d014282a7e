"""Stores that cannot be opened or written, each with the promised error; nothing changes on disk."""

from __future__ import annotations

import errno
import os

import pytest

import tsfeat
import tsfeat.testing
from tests.support import TINY, batch, events_table, fingerprint, open_tiny, refuse, run_python


@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_directory_that_is_not_a_store(tmp_path, mode):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(tsfeat.NotFoundError, match=str(tmp_path)):
        tsfeat.open(tmp_path, mode)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_path_that_is_missing_or_a_file(tmp_path):
    with pytest.raises(tsfeat.NotFoundError, match="missing"):
        tsfeat.open(tmp_path / "missing", "r")
    assert not (tmp_path / "missing").exists()
    (tmp_path / "file").write_text("mine")
    for mode in "rw":
        with pytest.raises((tsfeat.NotFoundError, tsfeat.StorageError), match="file"):
            tsfeat.open(tmp_path / "file", mode)
    assert (tmp_path / "file").read_text() == "mine"


def crc32c(content):
    """CRC-32C bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_store_from_a_newer_format(tmp_path, mode):
    with open_tiny(tmp_path / "store") as store:
        events_table(store).append(batch([1], [1]))
    manifest = tmp_path / "store" / "MANIFEST"
    content = manifest.read_bytes()
    head = content[:8] + (int.from_bytes(content[8:12], "little") + 1).to_bytes(4, "little")
    manifest.write_bytes(head + crc32c(head).to_bytes(4, "little") + content[16:])
    before = {path.name: path.read_bytes() for path in (tmp_path / "store").iterdir() if path.name != "LOCK"}
    with pytest.raises(tsfeat.StorageError, match=r"(?i)newer") as raised:
        open_tiny(tmp_path / "store", mode)
    assert "format" in str(raised.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "store").iterdir() if path.name != "LOCK"} == before


@pytest.mark.parametrize("mode", ["x", "", "rw", None])
def test_a_mode_that_makes_no_sense(tmp_path, mode):
    with pytest.raises(tsfeat.SchemaError, match="mode"):
        tsfeat.open(tmp_path / "store", mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_path_without_permission(tmp_path, mode):
    with tsfeat.open(tmp_path / "store"):
        pass
    (tmp_path / "store").chmod(0)
    try:
        with pytest.raises(tsfeat.StorageError, match="store") as raised:
            tsfeat.open(tmp_path / "store", mode)
    finally:
        (tmp_path / "store").chmod(0o700)
    assert raised.value.errno == errno.EACCES


@pytest.mark.parametrize("mode", ["r", "w"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_an_open_that_the_system_refuses(mode, code):
    disk = tsfeat.testing.MemoryDisk()
    with open_tiny("/store", disk=disk) as store:
        events_table(store).append(batch([1], [1]))
        truth = fingerprint(store)
    refused, codes = 0, set()
    for call in range(1, 12):
        disk.fail_after(call, code, once=True)
        try:
            open_tiny("/store", mode, disk=disk).close()
        except tsfeat.Error as error:
            refused += 1
            codes.add(getattr(error, "errno", code))
    assert refused
    assert codes == {code}
    disk.fail_after(10**9, code)
    with open_tiny("/store", "r", disk=disk) as store:
        assert fingerprint(store) == truth


def test_a_full_disk(tmp_path):
    disk = tsfeat.testing.MemoryDisk()
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    table.append(batch([1, 2], [1, 2]), sync=True)
    before = fingerprint(store)
    disk.fail_after(1, errno.ENOSPC, once=False)
    with pytest.raises(tsfeat.OutOfSpaceError, match=r"space|full") as raised:
        table.append(batch([3], [3]), sync=True)
    assert raised.value.errno == errno.ENOSPC
    assert fingerprint(store) == before
    roomy = disk.power_loss("all")
    with open_tiny("/store", disk=roomy) as again:
        assert again.table("events").last_n([1, 2], 9)["x"].tolist() == [1, 2]
        again.table("events").append(batch([4], [4]), sync=True)


def test_a_second_writer(tmp_path):
    script = "import sys, tsfeat; tsfeat.open(sys.argv[1])"
    with tsfeat.open(tmp_path / "store") as store:
        refuse(store, tsfeat.LockedError, str(os.getpid()), lambda: tsfeat.open(tmp_path / "store"))
        other = run_python(script, str(tmp_path / "store"))
        assert other.returncode == 1
        assert "LockedError" in other.stderr
        assert str(os.getpid()) in other.stderr
    assert run_python(script, str(tmp_path / "store")).returncode == 0


def test_a_write_on_a_read_only_store(store, events, tmp_path):
    with tsfeat.open(tmp_path / "store", "r") as reader:
        clicks = reader.table("events")
        for write in (
            lambda: clicks.append(batch([1], [1])),
            lambda: clicks.delete([1]),
            lambda: clicks.add_column("z", "int8", default=0),
            lambda: clicks.set_retention(None),
            lambda: reader.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={}),
            lambda: reader.drop_table("events"),
            reader.flush,
            reader.compact,
        ):
            with pytest.raises(tsfeat.StorageError, match="read") as raised:
                write()
            assert raised.value.errno == errno.EROFS


def test_use_after_close(tmp_path):
    store = open_tiny(tmp_path / "store")
    table = events_table(store)
    table.append(batch([1], [1]))
    result = table.last_n([1], 1)
    store.close()
    store.close()
    for use in (
        lambda: table.append(batch([1], [1])),
        lambda: table.last_n([1], 1),
        lambda: table.between([1], 0, 1),
        lambda: table.latest([1]),
        lambda: table.count([1]),
        lambda: table.scan(),
        lambda: table.keys(),
        lambda: table.delete([1]),
        lambda: table.position("a"),
        lambda: store.tables(),
        lambda: store.table("events"),
        lambda: store.flush(),
        lambda: store.compact(),
        lambda: store.verify(),
        lambda: store.checkpoint(tmp_path / "copy"),
    ):
        with pytest.raises(tsfeat.ClosedError, match="closed"):
            use()
    assert "closed" in repr(store)
    assert result["x"].tolist() == [1]


def test_a_checkpoint_onto_something(store, events, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(tsfeat.StorageError, match="taken"):
        store.checkpoint(tmp_path / "taken")
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["file"]


@pytest.mark.parametrize(
    "options", [{"memory_bytes": -1}, {"sync": "sometimes"}, {"background_threads": -1}, {"cache_bytes": "many"}]
)
def test_options_that_make_no_sense(options):
    with pytest.raises(tsfeat.SchemaError, match=next(iter(options))):
        tsfeat.Options(**options)


def test_hidden_options_of_the_tests_are_known():
    assert set(TINY) >= {"write_buffer_bytes", "page_rows"}
