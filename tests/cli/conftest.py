"""A small store, and ways to run the command on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tsfeat

pytest.importorskip("click", reason="the command line needs the extra tsfeat[cli]")
pytest.importorskip("rich", reason="the command line needs the extra tsfeat[cli]")

from click.testing import CliRunner, Result

from tsfeat.cli.app import application


class Command:
    """Runs `tsfeat` in this process."""

    def __call__(self, *arguments: object, code: int = 0, typed: str | None = None) -> Result:
        """The result of a run that must end with `code`."""
        result = CliRunner().invoke(application, [str(argument) for argument in arguments], input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output + result.stderr
        return result

    def json(self, *arguments: object, code: int = 0) -> Any:
        """What a run with --json prints."""
        return json.loads(self(*arguments, "--json", code=code).stdout)


@pytest.fixture
def tsfeat_command() -> Command:
    return Command()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A store with one table: two users, five clicks, one null."""
    with tsfeat.open(tmp_path / "shop") as store:
        clicks = store.create_table(
            "clicks",
            key=("user", "uint64"),
            time=("ts", "timestamp[s]"),
            columns={
                "item": "uint32",
                "action": "category",
                "note": tsfeat.Column("string", nullable=True),
                "score": "float32",
            },
        )
        clicks.append(
            {
                "user": np.array([1, 1, 2, 1, 2], dtype=np.uint64),
                "ts": np.array([10, 20, 25, 30, 40]).astype("datetime64[s]"),
                "item": np.array([11, 12, 13, 14, 15], dtype=np.uint32),
                "action": ["view", "like", "view", "view", "like"],
                "note": ["a", None, "b", "c", None],
                "score": np.array([0.5, 1.5, np.nan, 2.5, 3.5], dtype=np.float32),
            }
        )
    return tmp_path / "shop"


@pytest.fixture
def kill_append(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the appends after the first so many fail, as a kill between two batches would."""

    def arrange(batches: int) -> None:
        genuine, done = tsfeat.Table.append, 0

        def failing(self: tsfeat.Table, *arguments: Any, **options: Any) -> int:
            nonlocal done
            if done == batches:
                raise KeyboardInterrupt
            done += 1
            return genuine(self, *arguments, **options)

        monkeypatch.setattr(tsfeat.Table, "append", failing)

    return arrange
