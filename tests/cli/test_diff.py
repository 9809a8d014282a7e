"""`tsfeat diff`: what it prints, and its exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import tsfeat

ROWS = {"user": [1, 2, 2], "item": [[10, 11], [], [12]], "score": [[0.5, float("nan")], [], [1.0]]}


def written(folder: Path, name: str, **changed: Any) -> Path:
    """The rows as a file of the kind that the name says."""
    table, file = pa.table({**ROWS, **changed}), folder / name
    if file.suffix == ".parquet":
        pq.write_table(table, file)
    elif file.suffix == ".arrows":
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    else:
        pyarrow.feather.write_feather(table, file)
    return file


@pytest.mark.parametrize("name", ["b.parquet", "b.arrow", "b.arrows"])
def test_equal_files_in_any_format(tsfeat_command: Any, tmp_path: Path, name: str) -> None:
    files = written(tmp_path, "a.parquet"), written(tmp_path, name)
    assert "equal" in tsfeat_command("diff", *files, code=0).stdout
    document = tsfeat_command.json("diff", *files, code=0)
    assert document["ok"] is True
    assert document["rows"] == {"equal": 3, "different": 0, "missing": 0, "extra": 0}


def test_what_differs_is_said(tsfeat_command: Any, tmp_path: Path) -> None:
    changed = written(tmp_path, "b.parquet", item=[[10, 99], [], [12]], score=[[0.5, 2.0], [], [1.0]])
    files = written(tmp_path, "a.parquet"), changed
    document = tsfeat_command.json("diff", *files, code=1)
    assert document["columns"] == {"user": 0, "item": 1, "score": 1}
    assert document["events"] == {"missing": 0, "extra": 0, "changed": 1}
    assert document["first"] == [{"row": 0, "edit_distance": 1}]
    text = tsfeat_command("diff", *files, code=1).stdout
    assert "different" in text
    assert "item" in text
    beyond = tsfeat_command("diff", *files, "--limit", 0, code=1).stdout
    assert "further apart than 0" in beyond


def test_rows_are_matched_by_key(tsfeat_command: Any, tmp_path: Path) -> None:
    reordered = written(
        tmp_path, "b.parquet", user=[2, 1, 2], item=[[], [10, 11], [12]], score=[[], [0.5, float("nan")], [1.0]]
    )
    files = written(tmp_path, "a.parquet"), reordered
    tsfeat_command("diff", *files, code=1)
    tsfeat_command("diff", *files, "--key", "user", code=0)


def test_what_cannot_be_compared_is_wrong_usage(tsfeat_command: Any, tmp_path: Path) -> None:
    good, other = written(tmp_path, "a.parquet"), written(tmp_path, "b.parquet", more=[1, 2, 3])
    error = tsfeat_command.json("diff", good, other, code=2)["error"]
    assert "'more' is in rebuilt alone" in error["message"]
    assert "no column 'x'" in tsfeat_command("diff", good, good, "--key", "x", code=2).stderr
    assert "does not exist" in tsfeat_command("diff", good, tmp_path / "c.parquet", code=2).stderr
    (tmp_path / "text").write_text("neither")
    assert "neither Parquet nor Arrow" in tsfeat_command("diff", good, tmp_path / "text", code=2).stderr


def test_what_a_store_serves_can_be_written_down_and_compared(tsfeat_command: Any, shop: Path, tmp_path: Path) -> None:
    with tsfeat.open(shop, mode="r") as store:
        for name, before in (("a", 30), ("same", 30), ("late", 31)):
            served = store.table("clicks").last_n([1, 2], 10, before=before).to_arrow()
            pq.write_table(served, tmp_path / f"{name}.parquet")
    tsfeat_command("diff", tmp_path / "a.parquet", tmp_path / "same.parquet", code=0)
    document = tsfeat_command.json("diff", tmp_path / "a.parquet", tmp_path / "late.parquet", code=1)
    assert document["events"] == {"missing": 0, "extra": 1, "changed": 0}
