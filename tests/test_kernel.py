"""The simulated disk against the real kernel: strace makes system calls of a real writer fail, one by one.

One Python process forks a writer for each call that is to fail; strace counts each child's calls for itself, so a
writer whose k-th call is to fail makes idle ones first.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import ROOT
from tests.support import open_tiny, values_of

FAILS_AT = 26

WRITERS = """
import json, os, sys
import tsfeat
from tests.support import batch, events_table, open_tiny

call, directory, fails_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
scratch = os.open(directory + "/scratch", os.O_RDWR | os.O_CREAT)
idle = {
    "fdatasync": lambda: os.fdatasync(scratch),
    "fsync": lambda: os.fsync(scratch),
    "pwrite64": lambda: os.pwrite(scratch, b"x", 0),
    "rename": lambda: os.rename(directory + "/scratch", directory + "/scratch"),
}[call]

def write(path):
    seen = {"tried": 0, "synced": 0, "errno": None, "poisoned": None, "doing": "open"}
    store = table = None
    try:
        store = open_tiny(path)
        seen["doing"] = "create"
        table = events_table(store)
        for number in range(12):
            seen["doing"], seen["tried"] = "append", number + 1
            sync = number % 3 == 2
            table.append(batch([1, 2], [number, number]), sync=sync)
            if sync:
                seen["synced"] = number + 1
            if number % 5 == 4:
                seen["doing"] = "flush"
                store.flush()
                seen["synced"] = number + 1
        seen["doing"] = "close"
        store.close()
        seen["synced"] = seen["tried"]
    except tsfeat.StorageError as error:
        seen["errno"] = error.errno
        if seen["doing"] in ("append", "flush"):
            try:
                table.append(batch([1, 2], [seen["tried"]] * 2))
                seen["tried"] += 1
                seen["poisoned"] = False
            except tsfeat.PoisonedError:
                seen["poisoned"] = len(table.last_n([1], 100)["x"]) >= seen["tried"] - 1  # and reads go on
    return seen

for number in range(1, fails_at):
    path = f"{directory}/{number}"
    child = os.fork()
    if child == 0:
        for _ in range(fails_at - number):
            idle()
        seen = write(path)
        with open(path + ".json", "w") as file:
            json.dump(seen, file)
        os._exit(0)
    os.waitpid(child, 0)
"""


def run_under_strace(inject: str, directory: Path, call: str) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    rule = ["-f", "-qq", "-o", str(directory / "trace"), "-e", f"trace={call}", "-e", f"inject={inject}"]
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
    done = subprocess.run(
        [strace, *rule, sys.executable, "-c", WRITERS, call, str(directory), str(FAILS_AT)],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "code"),
    [("fdatasync", errno.EIO), ("fsync", errno.EIO), ("pwrite64", errno.ENOSPC), ("rename", errno.EIO)],
)
def test_a_failing_system_call_is_reported_and_loses_nothing(call: str, code: int, tmp_path: Path) -> None:
    run_under_strace(f"{call}:error={errno.errorcode[code]}:when={FAILS_AT}", tmp_path, call)
    failed = 0
    for report in tmp_path.glob("*.json"):
        seen = json.loads(report.read_text())
        if seen["errno"] is not None:
            assert seen["errno"] == code, seen
            failed += 1
        if seen["doing"] in ("append", "flush") and seen["errno"] is not None:
            # A full disk while flushing is nothing that cannot be tried again.
            assert seen["poisoned"] or (code == errno.ENOSPC and seen["doing"] == "flush"), seen
        if seen["doing"] in ("open", "create"):
            continue
        with open_tiny(report.with_suffix("")) as store:
            table = store.table("events")
            assert seen["synced"] <= table.version <= seen["tried"], seen
            for row in values_of(table.last_n([1, 2], 10**6), "x"):
                assert row == list(range(table.version)), seen
            assert store.verify().ok
    assert failed >= 4, "the calls that were to fail did"
