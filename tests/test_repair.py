"""`tsfeat.repair`: what is whole is salvaged, nothing is invented, and the report says what is missing."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

import tsfeat
import tsfeat.testing
from tests.support import batch, column_values, events_table, fingerprint, open_tiny, payload, plain
from tsfeat.salvage import repair_with

SEED = int(os.environ.get("TSFEAT_SEED", "0"))
ROUNDS = int(os.environ.get("TSFEAT_REPAIRS", "150"))
KEYS = 12


def rows(first, count):
    """Events whose payload follows from key and sequence number."""
    numbers = range(first, first + count)
    keys = [number % KEYS for number in numbers]
    return batch(keys, list(numbers), [payload(key, number) for key, number in zip(keys, numbers, strict=True)])


def words(first, count):
    return {
        "k": [f"key {number % 5}" for number in range(first, first + count)],
        "ts": list(range(first, first + count)),
        "c": [f"kind {number // 10}" for number in range(first, first + count)],
        "s": [f"text {number}" * (number % 4) for number in range(first, first + count)],
    }


def after_a_crash(disk):
    """The disk as the end of the process would leave it now."""
    crashed = tsfeat.testing.MemoryDisk(8)
    open_tiny("/store", disk=crashed).close()
    for name, content in disk.files().items():
        if name.endswith(".log"):  # without the space that was reserved
            content = content[: -(-len(content.rstrip(b"\0")) // 512) * 512]
        if not name.endswith("LOCK"):
            crashed.write_file(name, content)
    return crashed


@pytest.fixture(scope="module")
def damaged_disk():
    """A store of several runs of both kinds of key, deletions, and a log of synced batches that was never flushed."""
    disk = tsfeat.testing.MemoryDisk(7)
    store = open_tiny("/store", disk=disk)
    events = events_table(store)
    table = store.create_table(
        "words", key=("k", "string"), time=("ts", "timestamp[ms]"), columns={"c": "category", "s": "string"}
    )
    for step in range(3):
        events.append(rows(step * 200, 200), source="s", position=step)
        table.append(words(step * 40, 40))
        if step == 1:
            store.compact()
            events.delete(np.array([3], np.uint64))
        store.flush()
    for step in range(3, 8):
        events.append(rows(step * 200, 60), sync=True)
        table.append(words(step * 40, 20), sync=True)
    crashed = after_a_crash(disk)
    store.close()
    return crashed


def contents(disk, path):
    """Every event of both tables: {table: {(key, time): value}}."""
    with open_tiny(path, "r", disk=disk) as store:
        found = {}
        for name, value in (("events", "x"), ("words", "s")):
            table = store.table(name)
            found[name] = {}
            for chunk in table.scan(columns=[value, "ts"]).chunks():
                columns = [plain(chunk[column][0]) for column in ("k", "ts", value)]
                for key, time, content in zip(*columns, strict=True):
                    assert found[name].setdefault((key, time), content) == content
        return found


def repaired(disk, target):
    """The report, and what the new store holds; the old one is as it was."""
    before = {name: content for name, content in disk.files().items() if name.startswith("/store/")}
    report = repair_with("/store", target, disk)
    after = disk.files()
    assert {name: after[name] for name in before} == before
    with open_tiny(target, "r", disk=disk) as store:
        assert store.verify().ok
    return report, contents(disk, target)


def check_nothing_invented(found, truth):
    for name, events in found.items():
        assert events.items() <= truth[name].items()
    for (key, number), value in found["events"].items():
        assert value == payload(key, number)


def test_an_undamaged_store_is_taken_over_as_it_is(damaged_disk):
    report, _ = repaired(damaged_disk, "/whole")
    assert report.complete
    assert (report.lost_events, report.losses, report.notes) == (0, [], [])
    with open_tiny("/store", "r", disk=damaged_disk) as old, open_tiny("/whole", "r", disk=damaged_disk) as new:
        assert fingerprint(new) == fingerprint(old)
        assert new.table("events").position("s") == old.table("events").position("s")
        version = old.table("events").version - 3
        got = [store.table("events").last_n(range(KEYS), 50, version=version)["x"].tolist() for store in (old, new)]
        assert got[0] == got[1]
        assert new.table("events").count([3]).tolist() == old.table("events").count([3]).tolist()
    with open_tiny("/whole", disk=damaged_disk) as store:
        store.table("events").append(rows(5000, 3))
        assert store.verify().ok


def damage(rng, content):
    """Flips a bit, zeroes a block, or puts another piece of the file in a place."""
    changed = bytearray(content)
    at = int(rng.integers(len(content)))
    kind = rng.integers(3)
    if kind == 0:
        changed[at] ^= 1 << int(rng.integers(8))
    else:
        size = min(int(rng.integers(1, 600)), len(content) - at)
        other = int(rng.integers(len(content) - size + 1))
        changed[at : at + size] = bytes(size) if kind == 1 else content[other : other + size]
    return bytes(changed)


def test_whatever_is_whole_survives_random_damage(damaged_disk):
    rng = np.random.default_rng(SEED)
    truth = contents(damaged_disk, "/store")
    files = {name: content for name, content in damaged_disk.files().items() if name.startswith("/store/0")}
    names = sorted(files)
    salvaged = partly = 0
    for number in range(ROUNDS):
        name = names[int(rng.integers(len(names)))]
        changed = damage(rng, files[name])
        damaged_disk.write_file(name, changed)
        same = changed == files[name]
        report, found = repaired(damaged_disk, f"/random{number}")
        check_nothing_invented(found, truth)
        total = sum(map(len, truth.values()))
        held = sum(map(len, found.values()))
        if same:
            assert report.complete
        if held < total:
            assert not report.complete
            assert any(loss.file == name.rsplit("/", 1)[-1] for loss in report.losses)
        if name.endswith(".run"):
            # Deleted events are in the runs' counts, and not in what is read.
            assert total - held <= report.lost_events <= sum(loss.events or 0 for loss in report.losses)
        salvaged += held == total
        partly += 0 < total - held < 700
        damaged_disk.write_file(name, files[name])
    assert partly > ROUNDS // 3, "most damage costs a few events, not the file"


def test_events_of_undamaged_pages_survive_and_the_report_names_rows_and_keys(damaged_disk):
    files = damaged_disk.files()
    truth = contents(damaged_disk, "/store")
    name = max((n for n in files if n.startswith("/store/") and n.endswith(".run")), key=lambda n: len(files[n]))
    damaged_disk.write_file(name, bytes([files[name][0] ^ 1]) + files[name][1:])
    report, found = repaired(damaged_disk, "/first_page")
    damaged_disk.write_file(name, files[name])
    (loss,) = report.losses
    assert (loss.file, loss.offset, loss.rows) == (name.rsplit("/", 1)[-1], 0, (0, 16))
    assert loss.events == report.lost_events == 16
    assert loss.table in ("events", "words")
    assert loss.keys is not None
    assert loss.keys[0] in ("0", "key 0")
    missing = {table: truth[table].keys() - found[table].keys() for table in truth}
    assert sum(map(len, missing.values())) == 16


def test_records_behind_a_damaged_one_are_salvaged_and_reported_as_behind_a_hole(damaged_disk):
    files = damaged_disk.files()
    truth = contents(damaged_disk, "/store")
    (name,) = (n for n in files if n.startswith("/store/") and n.endswith(".log"))
    at = files[name].index(b"kind 12")  # a category that is new in the log's first batch of words
    damaged_disk.write_file(name, files[name][:at] + b"K" + files[name][at + 1 :])
    report, found = repaired(damaged_disk, "/hole")
    damaged_disk.write_file(name, files[name])
    assert [loss.file for loss in report.losses] == [name.rsplit("/", 1)[-1]]
    assert found["events"] == truth["events"]
    lost = truth["words"].keys() - found["words"].keys()
    assert {time for _, time in lost} == set(range(120, 140))
    assert any("behind damage" in note for note in report.notes)
    assert any("deletions" in note for note in report.notes)
    assert any("lost category 12" in note or "codes 12 to" in note for note in report.notes)
    with open_tiny("/hole", "r", disk=damaged_disk) as store:
        table = store.table("words")
        names = column_values(table.last_n(["key 0"], 100), table, "c", category=True)
        assert not any(kind in ("kind 12", "kind 13") for kind in names)
        assert "kind 16" in names


def test_events_keep_a_category_that_only_a_lost_record_named():
    disk = tsfeat.testing.MemoryDisk(9)
    with open_tiny("/store", disk=disk) as store:
        columns = {"c": tsfeat.Column("category", nullable=True)}
        table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=columns)
        for time, value in enumerate(["first", "second", None, "second"]):
            table.append({"k": [1], "ts": [time], "c": [value]}, sync=True)
        crashed = after_a_crash(disk)
    (log,) = (name for name in crashed.files() if name.startswith("/store/") and name.endswith(".log"))
    crashed.write_file(log, crashed.files()[log].replace(b"second", b"SECOND"))
    report = repair_with("/store", "/new", crashed)
    assert len(report.losses) == 1
    assert any("codes 1 to 1" in note for note in report.notes)
    with open_tiny("/new", disk=crashed) as store:
        table = store.table("t")
        found = table.last_n([1], 9)
        assert plain(found["ts"]) == [0, 2, 3]
        assert column_values(found, table, "c", category=True, nullable=True) == ["first", None, "lost category 1"]


@pytest.mark.parametrize(
    ("kind", "keys", "named"),
    [
        ("uint64", [7, 8], ("7", "8")),
        ("int64", [-7, 8], ("-7", "8")),
        ("string", ["a", "b"], ("a", "b")),
        ("binary", [b"\x00\xff", b"b"], ("0x00ff", "0x62")),
    ],
)
def test_the_report_names_keys_as_their_type_is_written(kind, keys, named):
    disk = tsfeat.testing.MemoryDisk(10)
    with open_tiny("/store", disk=disk) as store:
        table = store.create_table("t", key=("k", kind), time=("ts", "timestamp[ms]"), columns={"x": "int64"})
        table.append({"k": keys, "ts": [1, 2], "x": [3, 4]})
    (run,) = (name for name in disk.files() if name.endswith(".run"))
    content = disk.files()[run]
    disk.write_file(run, bytes([content[0] ^ 1]) + content[1:])
    (loss,) = repair_with("/store", "/new", disk).losses
    assert (loss.keys, loss.events) == (named, 2)


def test_a_missing_file_costs_its_events_and_no_more(damaged_disk, tmp_path):
    (tmp_path / "store").mkdir()
    for name, content in damaged_disk.files().items():
        if name.startswith("/store/"):
            (tmp_path / "store" / name.rsplit("/", 1)[-1]).write_bytes(content)
    truth = contents(damaged_disk, "/store")
    for path in sorted((tmp_path / "store").glob("0*")):
        content = path.read_bytes()
        path.unlink()
        report = tsfeat.repair(tmp_path / "store", tmp_path / f"without {path.name}")
        path.write_bytes(content)
        check_nothing_invented(contents(None, tmp_path / f"without {path.name}"), truth)
        (loss,) = report.losses
        assert (loss.file, loss.message) == (path.name, "the file is missing")
        assert (loss.events is None) == (path.suffix == ".log")


def test_without_its_manifest_a_store_is_refused_and_told_why(damaged_disk):
    content = damaged_disk.files()["/store/MANIFEST"]
    damaged_disk.write_file("/store/MANIFEST", content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(tsfeat.CorruptionError, match="names, types and categories"):
        repair_with("/store", "/nothing", damaged_disk)
    damaged_disk.write_file("/store/MANIFEST", content)
    assert not any(name.startswith("/nothing") for name in damaged_disk.files())


def test_the_target_must_be_empty_and_the_source_a_store(tmp_path):
    with tsfeat.open(tmp_path / "store"):
        pass
    with pytest.raises(tsfeat.StorageError, match="has something in it"):
        tsfeat.repair(tmp_path / "store", tmp_path / "store")
    with pytest.raises(tsfeat.NotFoundError):
        tsfeat.repair(tmp_path / "absent", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_full_disk_leaves_no_half_store(damaged_disk):
    copy = damaged_disk.power_loss("all")
    for call in range(1, 3000, 11):
        copy.fail_after(call, errno.ENOSPC)
        try:
            repair_with("/store", f"/full{call}", copy)
        except tsfeat.StorageError:
            assert f"/full{call}/MANIFEST" not in copy.files()
        else:
            break
    assert 20 < call < 2900
