"""Stores made by tsfeat, read by docs/format.md alone: both see the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tsfeat = pytest.importorskip("tsfeat", reason="tsfeat is not installed")

from tests.format.chunks import CannotInflateError  # noqa: E402
from tests.format.primitives import DamagedError, hash_key  # noqa: E402
from tests.format.reader import StoreContent, read_directory, read_store  # noqa: E402
from tests.support import open_tiny, plain  # noqa: E402

COLUMNS = {
    "flag": "bool",
    "i8": "int8",
    "u16": "uint16",
    "steps": "int64",
    "runs": "uint32",
    "wide": "uint64",
    "few": "uint64",
    "price": "float64",
    "price32": "float32",
    "noise": "float64",
    "word": "string",
    "blob": "binary",
    "kind": "category",
    "vector": tsfeat.Vector(3, "float32"),
    "constant": "int16",
    "maybe": tsfeat.Column("int32", nullable=True),
    "maybe_word": tsfeat.Column("string", nullable=True),
}
ROWS = 700


def make_batch(seed: int, rows: int = ROWS) -> dict[str, Any]:
    """Columns that each invite another encoding."""
    rng = np.random.default_rng(seed)
    few = rng.integers(0, 2**63, 9).astype(np.uint64)
    keys = rng.integers(0, 40, rows).astype(np.uint64)
    return {
        "k": keys**8,
        "ts": rng.integers(0, 10**6, rows),
        "flag": rng.random(rows) < 0.5,
        "i8": rng.integers(-100, 100, rows).astype(np.int8),
        "u16": np.where(rng.random(rows) < 0.02, 60_000, rng.integers(0, 20, rows)).astype(np.uint16),
        "steps": rng.integers(-900, 900, rows) * 86_400_000 + 7,
        "runs": np.where(keys < 20, 5, 4_000_000_000).astype(np.uint32),
        "wide": rng.integers(0, 2**64, rows, dtype=np.uint64),
        "few": few[rng.integers(0, 9, rows)],
        "price": np.where(rng.random(rows) < 0.01, np.nan, rng.integers(-500, 9_999, rows) / 100),
        "price32": (rng.integers(0, 9_999, rows) / 100).astype(np.float32),
        "noise": rng.normal(size=rows) * 1e-3,
        "word": [f"w{i % 7}" for i in range(rows)],
        "blob": [rng.bytes(int(n)) for n in rng.integers(0, 20, rows)],
        "kind": [f"kind {i}" for i in rng.integers(seed, seed + 5, rows)],
        "vector": rng.normal(size=(rows, 3)).astype(np.float32),
        "constant": np.full(rows, -3, np.int16),
        "maybe": [None if i % 5 == 0 else i for i in range(rows)],
        "maybe_word": [None if i % 3 == 0 else f"{i}" for i in range(rows)],
    }


def scan(table: Any) -> dict[str, list[Any]]:
    """What tsfeat returns, categories as strings and nulls as None."""
    out: dict[str, list[Any]] = {}
    categories = {name: list(table.categories[name]) for name in table.categories}
    for chunk in table.scan().chunks():
        for name, (values, valid) in chunk.items():
            shown = plain(values)
            if name in categories:
                shown = [categories[name][code] if valid is None or valid[i] else None for i, code in enumerate(shown)]
            mask = [True] * len(shown) if valid is None else np.asarray(valid).tolist()
            out.setdefault(name, []).extend(v if ok else None for v, ok in zip(shown, mask, strict=True))
    return out


def same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and a != a and b != b)


def assert_agree(table: Any, content: StoreContent, name: str) -> None:
    """Every event, value by value, and what the manifest says of the table."""
    mine, theirs = content.tables[name], scan(table)
    read = mine.scan()
    assert list(read) == list(theirs)
    for column, values in theirs.items():
        assert len(read[column]) == len(values)
        differs = [(i, a, b) for i, (a, b) in enumerate(zip(read[column], values, strict=True)) if not same(a, b)]
        assert not differs, (column, differs[:3])
    assert mine.version == table.version
    by_id = {column.id: column.name for column in mine.record.schema.columns}
    assert {by_id[i]: values for i, values in mine.categories.items()} == {
        column: list(table.categories[column]) for column in table.categories
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "store"


def create(store: Any) -> Any:
    return store.create_table("events", key=("k", "uint64"), time=("ts", "timestamp[ms]"), columns=COLUMNS)


def test_a_growing_store_manifest_runs_and_log(place: Path) -> None:
    with open_tiny(place, page_rows=200, write_buffer_bytes=8 << 20) as store:
        table = create(store)
        table.append(make_batch(0), source="a", position=7)
        store.flush()
        table.append(make_batch(1), source="a", position=-(2**40) + 2**41)
        table.append(make_batch(2, 0))
        assert table.delete([0, 1], before=[500_000, 2**62]) > 0
        table.add_column("added", "int32", default=-5)
        table.append({**make_batch(3, 50), "added": np.arange(50)}, sync=True)
        content = read_directory(place)
        assert_agree(table, content, "events")
        assert content.manifest.log_number == content.logs[0]
        record = content.tables["events"]
        assert [len(run.times) for run in record.runs] == [ROWS]
        assert [batch.version for batch in record.batches] == [2, 3, 4]
        assert record.positions == {"a": table.position("a")}
        assert len(record.marks) == 2
        assert record.runs[0].encodings >= {0, 1, 2, 3, 4, 5, 6, 7}
        assert record.runs[0].string_encodings == {0, 1}


def test_a_closed_store_has_all_in_runs(place: Path) -> None:
    with open_tiny(place, page_rows=50) as store:
        table = create(store)
        for seed in range(4):
            table.append(make_batch(seed))
    content = read_directory(place)
    assert content.manifest.log_number == 0
    assert {path.suffix for path in place.iterdir()} == {".run", ""}
    assert len(list(place.glob("*.run"))) == len(content.tables["events"].runs) > 0
    with open_tiny(place, "r") as store:
        assert_agree(store.table("events"), content, "events")


def test_compacted_runs(place: Path) -> None:
    with open_tiny(place, page_rows=4000, write_buffer_bytes=8 << 20) as store:
        table = create(store)
        for seed in range(4):
            table.append(make_batch(seed))
        table.delete([0])
        store.compact(erase=True)
        try:
            content = read_directory(place)
        except CannotInflateError as error:
            pytest.skip(str(error))
        assert_agree(table, content, "events")
        (run,) = content.tables["events"].runs
        assert run.encodings >= {2, 9}
        assert 2 in run.string_encodings
        assert content.tables["events"].record.runs[0].level == 1
        assert not content.tables["events"].marks


def test_hot_values_and_arrivals(place: Path) -> None:
    """Popular ids all over a merged run, and versions that follow from times but for late events."""
    rng = np.random.default_rng(5)
    rows, batches = 10_000, 4
    popular = rng.integers(0, 2**63, 300, dtype=np.uint64)
    with open_tiny(place, page_rows=1024, write_buffer_bytes=8 << 20) as store:
        table = store.create_table(
            "events",
            key=("k", "uint64"),
            time=("ts", "timestamp[ms]"),
            columns={"item": "uint64", "noise": "uint32"},
        )
        for batch in range(batches):
            times = np.sort(rng.integers(batch * 10**6, (batch + 1) * 10**6, rows))
            late = rng.random(rows) < 0.05
            table.append(
                {
                    "k": rng.integers(0, 2_000, rows, dtype=np.uint64),
                    "ts": np.where(late, times // 2, times),
                    "item": np.where(
                        rng.random(rows) < 0.1,
                        rng.integers(0, 2**63, rows, dtype=np.uint64),
                        popular[rng.zipf(1.5, rows) % 300],
                    ),
                    "noise": rng.integers(0, 2**32, rows, dtype=np.uint32),
                }
            )
            store.flush()
        store.compact()
        content = read_directory(place)
        assert_agree(table, content, "events")
        (run,) = content.tables["events"].runs
        assert 10 in run.encodings
        (values,) = run.hot.values()
        assert set(popular.tolist()) & set(values)
        assert [version for version, _ in run.arrivals] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("key_type", "keys"),
    [
        ("int64", [-(2**63), -1, 0, 1, 2**63 - 1]),
        ("uint64", [0, 1, 255, 256, 2**64 - 1]),
        ("string", ["", "a", "a\0", "ab", "ä", "b" * 9, "c" * 16, "c" * 17, "d" * 200]),
        ("binary", [b"", b"\0", b"\0\0", b"\xff", b"\xff" * 8, b"\xff" * 24, b"\xff" * 25, b"\xff" * 33]),
    ],
)
def test_keys_and_units(place: Path, key_type: str, keys: list[Any]) -> None:
    moments = np.arange(len(keys), dtype=np.int64) - 3
    values = np.arange(len(keys), dtype=np.int64)
    with open_tiny(place) as store:
        for unit in ("s", "ms", "us", "ns"):
            table = store.create_table(
                f"t {unit}", key=("k", key_type), time=("ts", f"timestamp[{unit}]"), columns={"x": "int64"}
            )
            table.append({"k": keys[::-1], "ts": moments, "x": values})
            store.flush()
            table.append({"k": keys, "ts": moments, "x": values})
            table.delete(keys[:1], before=np.array([-3]))
        content = read_directory(place)
        for name in store.tables():
            assert_agree(store.table(name), content, name)
            assert content.tables[name].record.schema.unit == name[2:]


def test_retention_and_closed_categories_in_the_manifest(place: Path) -> None:
    retention = tsfeat.Retention(max_age="90d", max_events=50, min_events=2, history="2h", clock="event")
    with open_tiny(place) as store:
        store.create_table(
            "t",
            key=("k", "string"),
            time=("ts", "timestamp[s]"),
            columns={"c": tsfeat.Category(["x", "y"]), "d": tsfeat.Column("category", nullable=True)},
            retention=retention,
        ).append({"k": ["a", "b"], "ts": [5, 9], "c": ["y", "x"], "d": [None, "new"]})
        store.create_table("u", key=("k", "binary"), time=("t", "timestamp[ns]"), columns={})
        store.drop_table("u")
        store.table("t").add_column("e", "category", default="first")
        content = read_directory(place)
        record = content.tables["t"].record
        day = 86_400
        assert record.retention == {
            "max_age": 90 * day,
            "max_events": 50,
            "min_events": 2,
            "history": 7200,
            "clock": "event",
        }
        assert [c.closed for c in record.schema.columns] == [True, False, False]
        assert record.schema.columns[0].declared == ["x", "y"]
        assert record.newest_time == 9
        assert record.events_appended == 2
        assert list(content.tables) == ["t"]
        assert content.manifest.next_table_id == 3
        assert_agree(store.table("t"), content, "t")


def test_views_in_the_manifest(place: Path) -> None:
    with open_tiny(place) as store:
        for name in ("t", "u"):
            store.create_table(name, key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "float32"})
        x = tsfeat.col("x")
        where = ((x > tsfeat.parameter("low")) | ~x.is_in([3.5, float("inf"), -1])) & (tsfeat.col("ts") >= "2024-05-01")
        store.create_view("a", table="t", n=5)
        store.create_view("gone", table="t", n=5)
        store.create_view("b", table="u", n=7, columns=["x"], where=where)
        store.create_view("a", table="u", n=2**40)
        store.drop_view("gone")
        store.drop_table("u")
        views = read_directory(place).manifest.views
        assert [(view.id, view.name, view.version, view.table_id) for view in views] == [
            (1, "a", 1, 1), (1, "a", 2, 2), (3, "b", 1, 2),
        ]  # fmt: skip
        assert json.loads(views[0].specification) == {
            "table": "t", "n": 5, "columns": ["ts", "x"], "where": None, "sample": None,
        }  # fmt: skip
        assert json.loads(views[2].specification)["where"] == [
            "and",
            ["or", [">", "x", {"parameter": "low"}], ["not", ["in", "x", [-1, 3.5, {"float": "inf"}]]]],
            [">=", "ts", "2024-05-01"],
        ]
        copy = place.parent / "copy"
        store.checkpoint(copy)
        assert read_directory(copy).manifest.views == views


def test_any_changed_byte_is_found_by_the_second_reader_too(place: Path) -> None:
    with open_tiny(place) as store:
        table = store.create_table("t", key=("k", "uint64"), time=("ts", "timestamp[s]"), columns={"x": "float32"})
        table.append({"k": [3, 1, 2], "ts": [1, 2, 3], "x": np.array([0, -0.0, np.nan], np.float32)})
        store.create_view("v", table="t", n=1)
        store.flush()
        table.append({"k": [3, 1, 2], "ts": [4, 5, 6], "x": np.zeros(3, np.float32)}, sync=True)
        files = {path.name: path.read_bytes() for path in place.iterdir() if path.name != "LOCK"}
    truth = read_store(files.__getitem__, list(files)).tables["t"].scan()
    assert len(truth["k"]) == 6
    rng = np.random.default_rng(0)
    for name, content in files.items():
        # Behind the log's record lie zeros that nobody was promised.
        end = 700 if name.endswith(".log") else len(content)
        for at in rng.choice(end, min(end, 150), replace=False).tolist():
            damaged = {**files, name: content[:at] + bytes([content[at] ^ 1 << (at % 8)]) + content[at + 1 :]}
            try:
                seen = read_store(damaged.__getitem__, list(files)).tables["t"].scan()
            except (DamagedError, UnicodeDecodeError):
                continue
            assert name.endswith(".log"), (name, at)
            assert repr(seen) == repr(truth), (name, at)  # repr: NaN is equal to NaN


def test_hash_of_keys_is_the_one_that_is_pinned() -> None:
    """Distinct for near keys of every length; the engine's bloom filters are checked against it in every other test."""
    keys = [bytes(size) for size in range(40)] + [b"\1" + bytes(size) for size in range(40)]
    assert len({hash_key(key) for key in keys}) == len(keys)
