"""verify, compact, checkpoint, repair, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tsfeat


def test_verify_of_a_sound_store(tsfeat_command: Any, shop: Path) -> None:
    document = tsfeat_command.json("verify", shop)
    assert document["ok"]
    assert document["problems"] == []
    assert document["events"] == 5
    assert "no problems" in tsfeat_command("verify", shop).stdout


def test_verify_ends_with_1_and_names_the_damage(tsfeat_command: Any, shop: Path) -> None:
    largest = max((file for file in shop.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    document = tsfeat_command.json("verify", shop, code=1)
    if "error" in document:  # damage that keeps a store from opening is reported all the same
        assert largest.name in document["error"]["message"]
        return
    assert not document["ok"]
    assert any(largest.name in problem["file"] for problem in document["problems"])
    assert largest.name in tsfeat_command("verify", shop, code=1).stdout


def test_compact_changes_no_answer(tsfeat_command: Any, shop: Path) -> None:
    before = tsfeat_command.json("get", shop, "clicks", 1, 2)
    assert tsfeat_command.json("compact", shop)["bytes_after"] > 0
    assert "after" in tsfeat_command("compact", shop).stdout
    assert tsfeat_command.json("get", shop, "clicks", 1, 2) == before


def test_checkpoint_can_be_opened(tsfeat_command: Any, shop: Path, tmp_path: Path) -> None:
    document = tsfeat_command.json("checkpoint", shop, tmp_path / "copy")
    assert document["path"] == str(tmp_path / "copy")
    assert tsfeat_command.json("get", tmp_path / "copy", "clicks", 1) == tsfeat_command.json("get", shop, "clicks", 1)


def test_repair_salvages_into_a_new_store_and_ends_with_1_if_anything_is_lost(
    tsfeat_command: Any, shop: Path, tmp_path: Path
) -> None:
    document = tsfeat_command.json("repair", shop, tmp_path / "whole")
    assert (document["complete"], document["events"], document["losses"]) == (True, 5, [])
    assert tsfeat_command.json("get", tmp_path / "whole", "clicks", 1) == tsfeat_command.json("get", shop, "clicks", 1)
    assert tsfeat_command.json("repair", shop, tmp_path / "whole", code=1)["error"]["type"] == "StorageError"
    largest = max(shop.glob("*.run"), key=lambda file: file.stat().st_size)
    largest.unlink()
    document = tsfeat_command.json("repair", shop, tmp_path / "rest", code=1)
    assert [loss["file"] for loss in document["losses"]] == [largest.name]
    shown = tsfeat_command("repair", shop, tmp_path / "again", code=1).stdout
    assert largest.name in shown
    assert "known to be lost" in shown


def test_delete_asks_or_wants_yes(tsfeat_command: Any, shop: Path) -> None:
    assert "--yes" in tsfeat_command("delete", shop, "clicks", 1, code=2).stderr
    assert "--yes" in tsfeat_command.json("delete", shop, "clicks", 1, code=2)["error"]["message"]
    assert len(tsfeat_command.json("get", shop, "clicks", 1)["rows"][0]["events"]) == 3


def test_delete_and_erase(tsfeat_command: Any, shop: Path) -> None:
    document = tsfeat_command.json("delete", shop, "clicks", 1, "--before", 30, "--yes")
    assert document["events_erased"] == 2
    tsfeat_command("compact", shop, "--erase")
    with tsfeat.open(shop, mode="r") as store:
        assert store.table("clicks").last_n([1], 10)["item"].tolist() == [14]
    assert "1 events erased" in tsfeat_command("delete", shop, "clicks", 1, "--yes").stdout


def test_a_second_writer_is_told_so(tsfeat_command: Any, shop: Path) -> None:
    with tsfeat.open(shop):
        assert tsfeat_command.json("compact", shop, code=1)["error"]["type"] == "LockedError"
        tsfeat_command("verify", shop)
