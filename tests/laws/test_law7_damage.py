"""Law 7: damage is reported, never returned."""

from __future__ import annotations

import os

import numpy as np
import pytest

import tsfeat
import tsfeat.testing
from tests.support import batch, events_table, fingerprint, open_tiny

FLIPS = int(os.environ.get("TSFEAT_FLIPS", "400"))
SEED = int(os.environ.get("TSFEAT_SEED", "0"))


def closed_store(log=False):
    """A disk with a small store of two runs; with `log`, also synced batches that were never flushed."""
    disk = tsfeat.testing.MemoryDisk(5)
    store = open_tiny("/store", disk=disk)
    table = events_table(store)
    words = store.create_table(
        "words", key=("k", "string"), time=("ts", "timestamp[ms]"), columns={"c": "category", "s": "string"}
    )
    rng = np.random.default_rng(0)
    for number in range(6):
        table.append(batch(rng.integers(0, 9, 40), rng.integers(0, 99, 40), rng.integers(0, 2**60, 40)))
        words.append({"k": ["a", "b"], "ts": [number, number], "c": ["x", f"y{number}"], "s": ["long " * 9, "q"]})
        if number == 2:
            store.flush()
    if not log:
        store.compact()
        table.append(batch([1], [1], [1]))
        store.close()
        return disk
    table.append(batch([1], [1], [1]), sync=True)
    crashed = disk.power_loss("all")  # the seal too, which says how much is durable; until then a bad end is torn
    store.close()
    return crashed


def look(disk):
    """What the store says: its content, or the error that a read met; and whether verify() finds fault."""
    try:
        store = open_tiny("/store", "r", disk=disk)
    except (tsfeat.CorruptionError, tsfeat.StorageError, tsfeat.NotFoundError) as error:
        return error, True
    with store:
        report = store.verify()
        try:
            return fingerprint(store), not report.ok
        except tsfeat.CorruptionError as error:
            return error, not report.ok


def places(disk, rng, count):
    """(file, byte, bit) all over the files that hold data, each file with its share."""
    files = {name: content for name, content in disk.files().items() if content and not name.endswith("LOCK")}
    for name, content in files.items():
        for place in rng.integers(0, len(content) * 8, max(20, count // len(files))):
            yield name, int(place) // 8, int(place) % 8


def flip(content, byte, bit):
    damaged = bytearray(content)
    damaged[byte] ^= 1 << bit
    return bytes(damaged)


def test_any_flipped_bit_of_a_closed_store_is_found_by_read_and_verify():
    disk = closed_store()
    truth, damaged = look(disk)
    assert isinstance(truth, dict)
    assert not damaged
    files = disk.files()
    for name, byte, bit in places(disk, np.random.default_rng(2 * SEED), FLIPS):
        disk.write_file(name, flip(files[name], byte, bit))
        seen, reported = look(disk)
        assert reported, f"verify found nothing: {name}, byte {byte}, bit {bit}"
        assert isinstance(seen, tsfeat.Error) or seen == truth, f"wrong answer: {name}, byte {byte}, bit {bit}"
        disk.write_file(name, files[name])
    assert look(disk) == (truth, False)


def test_any_flipped_bit_of_a_log_is_found_or_harmless():
    disk = closed_store(log=True)
    truth, _ = look(disk)
    assert isinstance(truth, dict)
    files = disk.files()
    for name, byte, bit in places(disk, np.random.default_rng(2 * SEED + 1), FLIPS):
        disk.write_file(name, flip(files[name], byte, bit))
        seen, _ = look(disk)
        assert isinstance(seen, tsfeat.Error) or seen == truth, f"wrong answer: {name}, byte {byte}, bit {bit}"
        disk.write_file(name, files[name])


def test_a_corruption_error_names_file_and_offset():
    disk = closed_store()
    files = disk.files()
    name = max((name for name in files if name.endswith(".run")), key=lambda name: len(files[name]))
    named = 0
    for byte in range(0, len(files[name]), 97):
        disk.write_file(name, flip(files[name], byte, 0))
        seen, _ = look(disk)
        if isinstance(seen, tsfeat.CorruptionError):
            named += 1
            assert name.rsplit("/", 1)[-1] in str(seen)
            assert any(character.isdigit() for character in str(seen).replace(name.rsplit("/", 1)[-1], ""))
    assert named


@pytest.mark.parametrize("keep", [0, 0.5, -1])
def test_a_truncated_file_is_found(keep):
    disk = closed_store()
    truth, _ = look(disk)
    files = disk.files()
    for name, content in files.items():
        if name.endswith("LOCK") or not content:
            continue
        disk.write_file(name, content[: int(len(content) * keep)] if keep >= 0 else content[:-1])
        seen, reported = look(disk)
        assert reported, name
        assert isinstance(seen, tsfeat.Error) or seen == truth, name
        disk.write_file(name, content)


def test_exchanged_files_are_found():
    disk = closed_store()
    files = {name: content for name, content in disk.files().items() if name.endswith(".run")}
    assert len(files) >= 2
    first, second = list(files)[:2]
    disk.write_file(first, files[second])
    disk.write_file(second, files[first])
    seen, reported = look(disk)
    assert reported
    assert isinstance(seen, tsfeat.Error)


def test_verify_raises_nothing_and_names_each_problem(tmp_path):
    with open_tiny(tmp_path / "store") as store:
        table = events_table(store)
        table.append(batch(range(100), range(100)))
        store.flush()
    run = max((tmp_path / "store").rglob("*.run"))
    content = bytearray(run.read_bytes())
    content[len(content) // 2] ^= 0xFF
    run.write_bytes(content)
    with open_tiny(tmp_path / "store", "r") as store:
        report = store.verify()
        assert not report.ok
        assert any(run.name in str(problem) for problem in report.problems)
        with pytest.raises(tsfeat.CorruptionError, match=run.name):
            fingerprint(store)
