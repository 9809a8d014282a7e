"""import and export: formats, mapping, exactly once, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import tsfeat

ROWS = 1_000


def clicks(rows: int = ROWS) -> Any:
    """Rows in time order for seven users, with nulls in one column."""
    return pa.table(
        {
            "user_id": pa.array([i % 7 for i in range(rows)], pa.int64()),
            "when": pa.array([1_600_000_000 + i // 3 for i in range(rows)], pa.timestamp("s")),
            "item": pa.array(range(rows), pa.uint32()),
            "action": pa.array(["view" if i % 5 else "like" for i in range(rows)]),
            "score": pa.array([None if i % 10 == 3 else i / 4 for i in range(rows)], pa.float64()),
        }
    )


def write(kind: str, folder: Path, table: Any) -> Path:
    """The table as a file of some kind."""
    file = folder / f"clicks.{kind}"
    match kind:
        case "parquet":
            pq.write_table(table, file, row_group_size=150)
        case "csv" | "csv.gz":
            with pa.output_stream(str(file), compression="detect") as sink:
                pyarrow.csv.write_csv(table, sink)
        case "arrow":
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table, max_chunksize=130)
        case "arrows":
            with pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table, max_chunksize=130)
        case "feather":
            pyarrow.feather.write_feather(table, file, compression="zstd")
    return file


MAPPING = ["--key", "user=user_id:uint64", "--time", "when", "--category", "action", "--batch-rows", "64"]


def items_of(store: Path, user: int) -> list[int]:
    """The items of a user, oldest first."""
    with tsfeat.open(store, mode="r") as opened:
        return [int(item) for item in opened.table("clicks").last_n([user], 10**6, columns=["item"])["item"]]


def expected(user: int, rows: int = ROWS) -> list[int]:
    """What the file holds for a user."""
    return list(range(user, rows, 7))


@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz", "arrow", "arrows", "feather"])
def test_every_format(tsfeat_command: Any, tmp_path: Path, kind: str) -> None:
    file = write(kind, tmp_path, clicks())
    (report,) = tsfeat_command.json("import", tmp_path / "s", "clicks", file, *MAPPING)["files"]
    assert (report["rows"], report["already"], report["source"]) == (ROWS, 0, str(file))
    assert all(items_of(tmp_path / "s", user) == expected(user) for user in range(7))
    (table,) = tsfeat_command.json("tables", tmp_path / "s")["tables"]
    assert table["key"] == {"name": "user", "type": "uint64"}
    assert table["columns"]["action"] == "category"
    assert table["columns"]["score"] == "float64 nullable"
    (row,) = tsfeat_command.json("get", tmp_path / "s", "clicks", 3, "--before", "2020-09-13T12:26:46")["rows"]
    assert [(event["item"], event["action"], event["score"]) for event in row["events"]] == [
        (3, "view", None), (10, "like", 2.5), (17, "view", 4.25),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "csv", "arrow", "arrows"])
@pytest.mark.parametrize("batches", [0, 1, 5])
def test_killed_and_run_again_each_row_comes_once(
    tsfeat_command: Any,
    tmp_path: Path,
    kind: str,
    batches: int,
    kill_append: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write(kind, tmp_path, clicks())
    arguments = ["import", tmp_path / "s", "clicks", file, *MAPPING]
    kill_append(batches)
    tsfeat_command(*arguments, code=130)
    monkeypatch.undo()
    # Another batch size in the second run shows that positions count rows, not batches.
    (report,) = tsfeat_command.json(*arguments, "--batch-rows", 90)["files"]
    assert report["already"] + report["rows"] == ROWS
    assert (report["already"] > 0) == (batches > 0)
    (again,) = tsfeat_command.json(*arguments)["files"]
    assert (again["rows"], again["already"]) == (0, ROWS)
    assert all(items_of(tmp_path / "s", user) == expected(user) for user in range(7))


def test_a_grown_file_brings_its_new_rows(tsfeat_command: Any, tmp_path: Path) -> None:
    arguments = ["import", tmp_path / "s", "clicks", write("csv", tmp_path, clicks()), *MAPPING]
    tsfeat_command(*arguments)
    write("csv", tmp_path, clicks(ROWS + 50))
    assert "50 rows" in tsfeat_command(*arguments).stdout
    assert items_of(tmp_path / "s", 1) == expected(1, ROWS + 50)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_shrunk_file_is_another_file(tsfeat_command: Any, tmp_path: Path, kind: str) -> None:
    arguments = ["import", tmp_path / "s", "clicks", write(kind, tmp_path, clicks()), *MAPPING]
    tsfeat_command(*arguments)
    write(kind, tmp_path, clicks(10))
    assert "--source" in tsfeat_command(*arguments, code=1).stderr
    (report,) = tsfeat_command.json(*arguments, "--source", "second")["files"]
    assert report["rows"] == 10


def test_into_an_existing_table_by_its_own_names(tsfeat_command: Any, tmp_path: Path) -> None:
    tsfeat_command("import", tmp_path / "s", "clicks", write("parquet", tmp_path, clicks()), *MAPPING)
    more = clicks(70).rename_columns(["user", "when", "item", "action", "score"])
    pq.write_table(more, tmp_path / "more.parquet")
    tsfeat_command("import", tmp_path / "s", "clicks", tmp_path / "more.parquet")
    assert sorted(items_of(tmp_path / "s", 1)) == sorted(expected(1) + expected(1, 70))


def test_times_from_integers_and_text(tsfeat_command: Any, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("u,t,x\na,1500,1\n")
    (tmp_path / "z.csv").write_text("u,t,x\na,1970-01-01T00:00:02.5Z,2\n")
    (tmp_path / "i.csv").write_text("u,t,x\na,1970-01-01 00:00:03,3\n")
    for name in "nzi":
        tsfeat_command(
            "import", tmp_path / "s", "t", tmp_path / f"{name}.csv", "--key", "u", "--time", "t:timestamp[ms]"
        )
    (row,) = tsfeat_command.json("get", tmp_path / "s", "t", "a")["rows"]
    assert [(event["t"], event["x"]) for event in row["events"]] == [
        ("1970-01-01T00:00:01.500Z", 1), ("1970-01-01T00:00:02.500Z", 2), ("1970-01-01T00:00:03.000Z", 3),
    ]  # fmt: skip


def test_retention_options(tsfeat_command: Any, tmp_path: Path) -> None:
    file = write("parquet", tmp_path, clicks())
    limits = ["--retention-max-events", "5", "--retention-clock", "event", "--retention-history", "2h"]
    tsfeat_command("import", tmp_path / "s", "clicks", file, *MAPPING, *limits)
    assert items_of(tmp_path / "s", 1) == expected(1)[-5:]
    (table,) = tsfeat_command.json("tables", tmp_path / "s")["tables"]
    assert (table["retention"]["max_events"], table["retention"]["clock"]) == (5, "event")
    tsfeat_command("import", tmp_path / "s", "clicks", file, *MAPPING, *limits)
    assert "exists" in tsfeat_command(
        "import", tmp_path / "s", "clicks", file, *MAPPING, "--retention-max-events", 9, code=1
    ).stderr  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 1, "no"),
        (["--key", "user_id"], 1, "no"),
        (["--key", "user_id", "--time", "nope"], 1, "no column 'nope'"),
        (["--key", "user_id", "--time", "item", "--columns", "action"], 2, "timestamp[ms]"),
        (["--key", "user_id", "--time", "item:timestamp[s]"], 1, "'when' is timestamp"),
        (["--key", "user_id", "--time", "when", "--category", "item"], 2, "uint32"),
        (["--key", "user_id", "--time", "when", "--columns", "=item"], 2, "form"),
        (["--key", "score", "--time", "when"], 1, "keys are"),
        (["--key", "user_id", "--time", "when", "--columns", "item:uint8"], 1, "item"),
        (["--key", "user_id:uint32", "--time", "when", "--columns", "user=user_id"], None, ""),
    ],
)
def test_refused(tsfeat_command: Any, tmp_path: Path, options: list[str], code: int | None, words: str) -> None:
    file = write("parquet", tmp_path, clicks())
    if code is None:
        tsfeat_command("import", tmp_path / "s", "clicks", file, *options)
        return
    result = tsfeat_command("import", tmp_path / "s", "clicks", file, *options, code=code)
    assert words in result.stderr


def test_a_bad_row_stops_the_import_and_says_where(tsfeat_command: Any, tmp_path: Path) -> None:
    table = clicks().set_column(2, "item", pa.array([None if i == 700 else i for i in range(ROWS)], pa.uint32()))
    (tmp_path / "s.csv").write_text("user_id,when,item\n1,2020-01-01,1\n")
    tsfeat_command("import", tmp_path / "s", "clicks", tmp_path / "s.csv", "--key", "user_id", "--time", "when")
    file = write("parquet", tmp_path, table)
    result = tsfeat_command("import", tmp_path / "s", "clicks", file, "--batch-rows", 100, code=1)
    assert "rows 700 to 799" in result.stderr
    assert "700 rows before them are imported" in result.stderr


def test_export_and_back(tsfeat_command: Any, tmp_path: Path) -> None:
    tsfeat_command("import", tmp_path / "s", "clicks", write("parquet", tmp_path, clicks()), *MAPPING)
    out = tmp_path / "out.parquet"
    assert tsfeat_command.json("export", tmp_path / "s", "clicks", out)["events"] == ROWS
    table = pq.read_table(out)
    assert table.num_rows == ROWS
    users, times = table["user"].to_pylist(), table["when"].to_pylist()
    assert list(zip(users, times, strict=True)) == sorted(zip(users, times, strict=True))
    assert table["score"].null_count == ROWS // 10
    assert set(table["action"].cast(pa.string()).to_pylist()) == {"view", "like"}
    assert "--overwrite" in tsfeat_command("export", tmp_path / "s", "clicks", out, code=1).stderr
    tsfeat_command("import", tmp_path / "again", "clicks", out, "--key", "user", "--time", "when")
    assert all(items_of(tmp_path / "again", user) == expected(user) for user in range(7))


def test_export_of_a_part(tsfeat_command: Any, tmp_path: Path) -> None:
    tsfeat_command("import", tmp_path / "s", "clicks", write("parquet", tmp_path, clicks()), *MAPPING)
    out = tmp_path / "out.parquet"
    tsfeat_command("export", tmp_path / "s", "clicks", out, "--where", 'action == "like" and item < 100')
    assert sorted(pq.read_table(out)["item"].to_pylist()) == list(range(0, 100, 5))
    tsfeat_command("export", tmp_path / "s", "clicks", out, "--overwrite", "--columns", "item", "--where", "item < 0")
    assert pq.read_table(out).num_rows == 0
    assert not list(tmp_path.glob("*.partial"))


def test_export_by_partition(tsfeat_command: Any, tmp_path: Path) -> None:
    tsfeat_command("import", tmp_path / "s", "clicks", write("parquet", tmp_path, clicks()), *MAPPING)
    out = tmp_path / "out"
    report = tsfeat_command.json("export", tmp_path / "s", "clicks", out, "--partition-by", "action")
    assert report["events"] == ROWS and report["files"] == 2
    assert sorted(folder.name for folder in out.iterdir()) == ["action=like", "action=view"]
    assert "exists" in tsfeat_command("export", tmp_path / "s", "clicks", out, "--partition-by", "day", code=1).stderr
    assert "exists" in tsfeat_command("export", tmp_path / "s", "clicks", out, "--overwrite", code=1).stderr
