"""What is logged of a served row: 64 bytes, checked, as numpy and as Arrow."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest

import tsfeat
from tests.replay.support import content, key_of, rich_rows, rich_table, xxh64
from tests.support import batch, events_table, open_tiny, refuse
from tsfeat import SchemaError

KINDS = ("uint64", "int64", "string", "binary")


def served(store: Any, kind: str = "uint64", rows: int = 20) -> Any:
    table = rich_table(store, key=kind)
    table.append(rich_rows(np.random.default_rng(1), 400, 0, 1000, kind))
    keys = [key_of(kind, number % 15) for number in range(rows)]
    return store.create_view("v", table="rich", n=7).read(keys, before=np.arange(rows) * 60)


def expected_checksum(seqs: Any, row: int) -> int:
    """The definition in csrc/read/checksum.h, value by value."""
    start, stop = int(seqs.offsets[row]), int(seqs.offsets[row + 1])
    hash = stop - start
    for name in seqs.columns if stop > start else ():
        values, valid = seqs[name][start:stop], seqs.valid(name)[start:stop]
        if values.dtype == object or values.dtype.kind == "T":
            for value in values.tolist():
                hash = xxh64(value if isinstance(value, bytes) else value.encode(), hash)
        else:
            hash = xxh64(np.ascontiguousarray(values).tobytes(), hash)
        if not valid.all():
            hash = xxh64(valid.tobytes(), hash)
    return hash


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_says_what_was_read(store, kind):
    seqs = served(store, kind)
    records = seqs.pointers().records
    assert records.dtype.itemsize == 64
    assert records["before"].tolist() == (np.arange(20) * 60).tolist()
    assert records["version"].tolist() == [1] * 20
    assert records["length"].tolist() == seqs.lengths.tolist()
    assert records["checksum"].tolist() == [expected_checksum(seqs, row) for row in range(20)]
    assert set(records["store"].tolist()) == {int.from_bytes(store._core.id[:8], "little")}
    if kind in ("uint64", "int64"):
        assert records["key"].tolist() == seqs.keys.tolist()
    else:
        raw = [key if isinstance(key, bytes) else key.encode() for key in seqs.keys.tolist()]
        assert records["key"].tolist() == [xxh64(key, 1) for key in raw]


def test_a_checksum_tells_any_change_of_any_column(store):
    seqs = served(store)
    before = [tsfeat._core.checksum_rows(seqs.offsets, [seqs._column(place)]) for place in range(len(seqs.columns))]
    for place in range(len(seqs.columns)):
        values, valid = seqs._column(place)
        changed = np.array(values if isinstance(values, np.ndarray) else values[1])
        changed.reshape(-1)[-1:].view(np.uint8)[0] ^= 1
        new = changed if isinstance(values, np.ndarray) else (values[0], changed)
        assert (tsfeat._core.checksum_rows(seqs.offsets, [(new, valid)]) != before[place]).any()
    one, other = (np.array([1, 2, 3, 4, 5, 6]), None), (np.array([0, 0, 0]), None)
    hashes = {tuple(tsfeat._core.checksum_rows(np.array(ends), [one]).tolist()) for ends in ([0, 3, 3], [0, 3, 6])}
    assert len(hashes) == 2
    assert tsfeat._core.checksum_rows(np.array([0, 1, 2, 3]), [other]).tolist() == [xxh64(bytes(8), 1)] * 3


def test_a_null_elsewhere_in_the_answer_does_not_matter(store):
    seqs = served(store)
    for row in range(len(seqs)):
        assert seqs[row : row + 1].pointers().records == seqs.pointers().records[row]


@pytest.mark.parametrize("kind", KINDS)
def test_pointers_travel(store, kind):
    pa, pq, pl = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet", "polars"))
    seqs = served(store, kind)
    pointers = seqs.pointers()
    file = io.BytesIO()
    pq.write_table(pointers.to_arrow(), file)
    forms = [
        pointers,
        pickle.loads(pickle.dumps(pointers)),
        pointers.to_arrow(),
        pq.read_table(file),
        pl.DataFrame(pointers),
    ]
    halves = pa.concat_tables([pointers[:7].to_arrow(), pointers[7:].to_arrow()])
    forms += [halves, halves.append_column("label", pa.array(range(20))), pickle.loads(pickle.dumps(seqs)).pointers()]
    if kind in ("uint64", "int64"):
        forms += [np.asarray(pointers), pointers.records.tobytes(), pointers.records[::-1][::-1]]
    for form in forms:
        rebuilt = store.replay(form)
        assert rebuilt.ok
        assert content(rebuilt) == content(seqs)


def test_pointers_are_those_of_the_request_that_was_served(store):
    table = events_table(store)
    table.append(batch([1, 2], [5, 6]))
    keys, before = np.array([1, 2], np.uint64), np.array([9, 9])
    seqs = store.create_view("v", table="events", n=2).read(keys, before=before)
    keys[:], before[:] = 7, 7  # the server's buffers hold the next request
    assert seqs.pointers().records["key"].tolist() == [1, 2]
    assert seqs.pointers().records["before"].tolist() == [9, 9]


def test_only_views_have_pointers(store, events):
    events.append(batch([1], [1]))
    refuse(store, SchemaError, "create_view", lambda: events.last_n([1], 1).pointers())


def test_altered_or_cut_records_are_told(store):
    records = served(store).pointers().records
    for row in range(len(records)):
        for at in range(64):
            changed = bytearray(records.tobytes())
            changed[64 * row + at] ^= 1 << (at + row) % 8
            refuse_quickly(store, f"row {row} was altered", bytes(changed))
    refuse_quickly(store, "row 19 is cut short, at 63 bytes", records.tobytes()[:-1])
    refuse_quickly(store, "altered", np.zeros(1, records.dtype))
    refuse_quickly(store, "no pointers", records[:0])
    refuse_quickly(store, "pointers are", records["key"])
    refuse_quickly(store, "pointers are", [1, 2])
    refuse_quickly(store, "pointers are", None)


def refuse_quickly(store: Any, match: str, pointers: Any) -> None:
    with pytest.raises(SchemaError, match=match):
        store.replay(pointers)


def test_arrow_forms_that_are_no_pointers(store):
    pa = pytest.importorskip("pyarrow")
    table = served(store).pointers().to_arrow()
    refuse_quickly(store, "no column check, length|no column length, check", table.drop_columns(["length", "check"]))
    refuse_quickly(
        store, "int64.*'length'|'length'.*int64", table.set_column(8, "length", table["length"].cast("int64"))
    )
    holes = pa.array([None] * 20, "uint64")
    refuse_quickly(store, "nulls", table.set_column(3, "checksum", holes))
    refuse_quickly(store, "row 0 was altered", table.set_column(3, "checksum", pa.array([1] * 20, "uint64")))


@pytest.mark.parametrize("kind", ["string", "binary"])
def test_keys_of_variable_width_need_the_arrow_form(store, kind):
    pointers = served(store, kind).pointers()
    refuse_quickly(store, "row 0 has a key of variable width", pointers.records)
    pa = pytest.importorskip("pyarrow")
    table = pointers.to_arrow()
    keys = table["key"].to_pylist()
    wrong = pa.array([*keys[:3], b"someone else", *keys[4:]], "large_binary")
    refuse_quickly(store, "row 3 was altered", table.set_column(0, "key", wrong))


def test_pointers_of_elsewhere_are_told_apart(store, tmp_path):
    seqs = served(store)
    view, pointers = store.view("v"), seqs.pointers()
    with open_tiny(tmp_path / "other") as other:
        mine = served(other).pointers()
        with pytest.raises(SchemaError, match="row 0 was served by another store"):
            store.replay(mine)
        both = np.concatenate([pointers.records[:4], mine.records])
        with pytest.raises(SchemaError, match="row 4 was served by another store"):
            store.replay(both)
    wider = store.create_view("v", table="rich", n=9).read([1, 2], before=500).pointers()
    refuse(store, SchemaError, "row 20 was served by another view, or version",
           lambda: store.replay(np.concatenate([pointers.records, wider.records])))  # fmt: skip
    assert store.replay(wider).ok
    store.checkpoint(tmp_path / "old")
    store.table("rich").append(rich_rows(np.random.default_rng(2), 10, 0, 1000))
    later = view.read([1, 2], before=500).pointers()
    with open_tiny(tmp_path / "old") as old:
        with pytest.raises(SchemaError, match=r"row 0 was served at version 2 .* which is at 1"):
            old.replay(later)
        assert content(old.replay(pointers)) == content(seqs)
    store.drop_view("v")
    refuse(store, tsfeat.NotFoundError, "row 0 .* was dropped", lambda: store.replay(pointers))


def test_pointers_of_a_dropped_table(store):
    pointers = served(store).pointers()
    store.drop_table("rich")
    refuse(store, tsfeat.NotFoundError, "'rich', which was dropped", lambda: store.replay(pointers))
    rich_table(store)  # another of the same name
    refuse(store, tsfeat.NotFoundError, "'rich', which was dropped", lambda: store.replay(pointers))
