"""The command as its own process: entry points, missing extras, pipes, a real kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tsfeat


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """`python -m tsfeat ...`"""
    command = [sys.executable, "-m", "tsfeat", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def test_python_m(shop: Path) -> None:
    done = run("info", shop, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tables"][0]["name"] == "clicks"
    assert done.stderr == ""


def test_help_lists_every_command() -> None:
    text = run("--help").stdout
    names = ["demo", "import", "export", "info", "tables", "get", "stats", "verify", "compact", "checkpoint", "delete"]
    assert [name for name in names if f"  {name} " not in text] == []
    assert run("--version").stdout.strip().endswith(tsfeat.__version__)


def test_wrong_usage_ends_with_2() -> None:
    done = run("get")
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert run().returncode == 2


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_line_says_how_to_get_it(missing: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None\nfrom tsfeat.cli import main\nsys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", script, "info", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tsfeat[cli]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_closed_pipe_is_no_traceback(shop: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "tsfeat", "get", str(shop), "clicks", "1", "--json"],
        stdout=write_end, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write_end)
    assert done.stderr == ""


def test_import_killed_for_real_then_resumed(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="import needs the extra tsfeat[arrow]")
    rows, store = 60_000, tmp_path / "s"
    lines = "".join(f"{i % 97},{1_600_000_000 + i},{i}\n" for i in range(rows))
    (tmp_path / "rows.csv").write_text(f"u,t,x\n{lines}")
    arguments = ["import", store, "t", tmp_path / "rows.csv", "--key", "u", "--time", "t:timestamp[s]"]
    child = subprocess.Popen([sys.executable, "-m", "tsfeat", *map(str, arguments), "--batch-rows", "20"])
    wait_for_rows(store, child)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["files"]
    assert report["already"] + report["rows"] == rows
    with tsfeat.open(store, mode="r") as opened:
        sequences = opened.table("t").last_n(list(range(97)), rows, columns=["x"])
    assert sorted(int(x) for x in sequences["x"]) == list(range(rows))


def wait_for_rows(store: Path, child: subprocess.Popen[bytes]) -> None:
    """Until the import has appended something, or has ended."""
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with tsfeat.open(store, mode="r") as opened:
                if opened.table("t").version > 2:
                    return
        except tsfeat.Error:
            pass
        time.sleep(0.01)
