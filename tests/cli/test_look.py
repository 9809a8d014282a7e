"""info, tables, stats, get, and what they do when something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_info_tells_tables_columns_and_size(tsfeat_command: Any, shop: Path) -> None:
    document = tsfeat_command.json("info", shop)
    (table,) = document["tables"]
    assert document["bytes"] > 0
    assert table["name"] == "clicks"
    assert table["key"] == {"name": "user", "type": "uint64"}
    assert table["time"] == {"name": "ts", "type": "timestamp[s]"}
    assert table["columns"] == {"item": "uint32", "action": "category", "note": "string nullable", "score": "float32"}
    assert table["version"] == 1
    assert table["retention"] is None
    text = tsfeat_command("info", shop).stdout
    assert "clicks" in text
    assert "string nullable" in text


def test_tables(tsfeat_command: Any, shop: Path) -> None:
    assert [table["name"] for table in tsfeat_command.json("tables", shop)["tables"]] == ["clicks"]
    assert "clicks" in tsfeat_command("tables", shop).stdout


def test_stats_is_a_document_and_a_table(tsfeat_command: Any, shop: Path) -> None:
    assert isinstance(tsfeat_command.json("stats", shop), dict)
    assert "figure" in tsfeat_command("stats", shop).stdout


def test_get_shows_the_newest_events_oldest_first(tsfeat_command: Any, shop: Path) -> None:
    document = tsfeat_command.json("get", shop, "clicks", 1, "-n", 2)
    (row,) = document["rows"]
    assert row["key"] == 1
    assert [event["item"] for event in row["events"]] == [12, 14]
    assert row["events"][0] == {
        "ts": "1970-01-01T00:00:20Z", "item": 12, "action": "like", "note": None, "score": 1.5,
    }  # fmt: skip
    text = tsfeat_command("get", shop, "clicks", 1).stdout
    assert "1970-01-01 00:00:20" in text
    assert "like" in text


def test_get_several_keys_unknown_ones_empty(tsfeat_command: Any, shop: Path) -> None:
    rows = tsfeat_command.json("get", shop, "clicks", 2, 9, 1)["rows"]
    assert [len(row["events"]) for row in rows] == [2, 0, 3]
    assert rows[0]["events"][0]["score"] == "NaN"


@pytest.mark.parametrize(
    ("options", "items"),
    [
        (["--before", "20"], [11]),
        (["--before", "1970-01-01T00:00:30"], [11, 12]),
        (["--since", "20"], [12, 14]),
        (["--since", "20", "--before", "30"], [12]),
        (["--where", 'action == "view"'], [11, 14]),
        (["--where", "item in [11, 12] and score > 1"], [12]),
        (["--where", "not (item < 14)"], [14]),
        (["--where", '"like" == action or 14 <= item <= 15'], [12, 14]),
        (["--where", 'col("item") != 12 & (score >= 0.5)'], None),
        (["--where", '(col("item") != 12) & (score >= 0.5)'], [11, 14]),
        (["--where", 'action not in ["like"]', "-n", "1"], [14]),
        (["--version", "0"], []),
        (["-n", "0"], []),
    ],
)
def test_get_options(tsfeat_command: Any, shop: Path, options: list[str], items: list[int] | None) -> None:
    arguments = ["get", shop, "clicks", "1", "--columns", "item", *options]
    if items is None:
        assert "error" in tsfeat_command.json(*arguments, code=1)
        return
    (row,) = tsfeat_command.json(*arguments)["rows"]
    assert row["events"] == [{"item": item} for item in items]


@pytest.mark.parametrize(
    "where",
    ["__import__('os').system('true')", "item", "item ==", "item == action", "item + 1 == 2", "1 == 1", "item is None"],
)
def test_get_refuses_what_is_no_filter(tsfeat_command: Any, shop: Path, where: str) -> None:
    assert "--where" in tsfeat_command.json("get", shop, "clicks", 1, "--where", where, code=1)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["get", "{shop}", "nothing", "1"], 1, "NotFoundError"),
        (["get", "{shop}", "clicks", "one"], 1, "Failure"),
        (["get", "{shop}", "clicks", "1", "--columns", "nope"], 1, None),
        (["get", "{shop}", "clicks", "1", "--version", "7"], 1, "SchemaError"),
        (["get", "{shop}", "clicks", "1", "--before", "yesterday"], 1, "SchemaError"),
        (["get", "{shop}", "clicks"], 2, "MissingParameter"),
        (["get", "{shop}", "clicks", "1", "-n", "-1"], 2, "BadParameter"),
        (["info", "{shop}-missing"], 1, "NotFoundError"),
        (["compact", "{shop}-missing"], 1, "NotFoundError"),
        (["nonsense"], 2, None),
    ],
)
def test_errors_are_one_line_or_one_document(
    tsfeat_command: Any, shop: Path, arguments: list[str], code: int, kind: str | None
) -> None:
    given = [argument.format(shop=shop) for argument in arguments]
    error = tsfeat_command.json(*given, code=code)["error"]
    assert kind in (None, error["type"])
    result = tsfeat_command(*given, code=code)
    assert result.stdout == ""
    assert f"error: {error['message']}" in result.stderr
    assert "Traceback" not in result.stderr
    assert not Path(f"{shop}-missing").exists()
