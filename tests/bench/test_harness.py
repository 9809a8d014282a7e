"""Answers are checked, figures are named, and a run ends in a table and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import run

import systems
from harness import figures, measure, process_io, reads, report, session, shapes, stages, table, workload

from .models import Breaks, Model, OneBitWrong

GOALS = [
    "last-200, one user, zipf, warm",
    "last-1000, one user, zipf",
    "512 users x last-200, zipf, a batch",
    "512 x last-200, uniform",
    "last-200 before a past moment, zipf",
    "last-50 of a 10 % type",
    "last-50 of a 1.5 % type",
    "last-200, cold (O_DIRECT or dropped cache)",
    "scan to columns, ns an event",
    "1 M (user, moment) rows x last-200, warm, s",
    "the same from Parquet labels to arrays in memory, s / peak GB",
    "the same, its rows clustered by key, s",
    "1 M impressions logged, bytes each",
    "1 M impressions logged and read back to arrays, s",
    "ingest in batches of 1,000, log on, M events/s",
    "the same, synced each batch",
    "bytes an event, compacted, arrival order included",
    "write amplification, log included, fully compacted",
    "peak RSS during ingest",
    "reads while ingesting at half speed: p99 against idle p99",
]
TINY = session.Effort(0.02, 2, 0.1, 1, 2, 512, 1, 0.05, 300)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> workload.Workload:
    return shapes.SHAPES["standard"].make(tmp_path_factory.mktemp("workloads") / "small", 4_000)


# -- Agreement --


def test_figures_are_named_as_the_goals():
    assert list(dict.fromkeys(figure.name for figure in figures.FIGURES)) == GOALS
    assert len({(figure.name, figure.unit) for figure in figures.FIGURES}) == len(figures.FIGURES) == 21


def test_a_disagreement_names_figure_systems_and_values():
    agreement = measure.Agreement()
    agreement.note("scan", 0, "one", 10, 77)
    agreement.note("scan", 0, "two", 10, None)
    agreement.note("scan", 0, "two", 10, 77)
    assert agreement.compared == 1
    with pytest.raises(measure.Disagreement, match=r"'scan', part 0: one: 10 events, checksum 77; three: 10 .* 78"):
        agreement.note("scan", 0, "three", 10, 78)
    with pytest.raises(measure.Disagreement, match="11 events"):
        agreement.note("scan", 0, "four", 11, None)


def test_a_count_that_came_first_is_compared_too():
    agreement = measure.Agreement()
    agreement.note("scan", 0, "one", 10, None)
    with pytest.raises(measure.Disagreement):
        agreement.note("scan", 0, "two", 11, 5)


@pytest.mark.parametrize("figure", figures.ASKED, ids=lambda figure: figure.name)
def test_one_wrong_bit_is_found_in_every_asked_figure(small, tmp_path, figure):
    right, wrong = Model(), OneBitWrong()
    for system in (right, wrong):
        system.open(tmp_path / system.name, small)
    with pytest.raises(measure.Disagreement, match="one bit wrong"):
        measure.ask_in_turns(figure, small, [right, wrong], measure.Agreement(), 0.01, 1)


def test_every_system_is_asked_in_turns(small, tmp_path):
    asked = []

    class Told(Model):
        def ask_many(self, queries, check=True):
            if not check:
                asked.append(self.name)
            return super().ask_many(queries, check)

    one, two = Told(), Told()
    one.name, two.name = "one", "two"
    for system in (one, two):
        system.open(tmp_path / system.name, small)
    measured = measure.ask_in_turns(figures.SINGLE, small, [one, two], measure.Agreement(), 0.0, 3)
    assert asked == ["one", "two"] * 3
    assert len(measured["one"].all) == 3 * measure.SINGLES_A_CHUNK


# -- Runs --


@pytest.fixture
def runner(monkeypatch, tmp_path):
    """Runs the command line on models, whose stores need no building."""

    def start(*models: type[Model]) -> tuple[int, Path]:
        monkeypatch.setattr(session, "QUICK", TINY)
        monkeypatch.setattr(systems, "wanted", lambda names: ([make() for make in models], {"LMDB": "not installed"}))
        for name in ("build", "synced", "concurrent", "offline", "logged"):
            monkeypatch.setattr(stages, name, lambda run: None)
        monkeypatch.setattr(reads, "cold", lambda run: None)
        path = tmp_path / "out" / "records.json"
        code = run.main(["--events", "4000", "--cache", str(tmp_path), "--json", str(path)])
        return code, path

    return start


class Other(Model):
    name = "tsfeat"
    rival = False


def test_systems_that_agree(runner, capsys):
    code, path = runner(Other, Model)
    assert code == 0
    records = json.loads(path.read_text())
    assert {record["system"] for record in records} == {"tsfeat", "model"}
    fields = ["figure", "system", "value", "unit", "p99", "runs", "events", "commit", "machine"]
    for record in records:
        assert list(record)[: len(fields)] == fields
        assert record["figure"] in GOALS
        assert record["value"] > 0
        assert record["events"] == 4000
    assert len(records) == 2 * 9
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        "figure", "tsfeat", "model", "ratio to the best rival", "goal",
    ]  # fmt: skip
    assert len({len(line) for line in lines[:11]}) == 1
    assert "Not measured: LMDB (not installed)." in printed
    assert "<= 2.50" in lines[2]


def test_a_wrong_bit_of_what_was_read_back_is_found(small, tmp_path, monkeypatch):
    """Of what a system returns from a process of its own, the checksum is compared."""

    class Logs(Other):
        kinds = Other.kinds | {"log"}

    right, wrong = Logs(), Logs()
    wrong.name, wrong.rival = "wrong", True
    made = report.Report("small", small.events)
    started = session.Run(small, [right, wrong], made, TINY, tmp_path)
    answer = {"log_seconds": 1.0, "read_seconds": 2.0, "file_bytes": 600, "events": 7}
    answers = iter([answer | {"checksum": 5}, answer | {"checksum": 4}])
    monkeypatch.setattr(session.Run, "in_child", lambda *_, **__: next(answers))
    with pytest.raises(measure.Disagreement, match=r"'1 M impressions logged', part 0: tsfeat: 7 .* 5; wrong: 7 .* 4"):
        stages.logged(started)
    assert made.find(figures.LOG_SIZE, "tsfeat").value == 2
    scaled = made.find(figures.LOG_TIME, "tsfeat")
    assert scaled.value == pytest.approx(3 * 1e6 / 300)
    assert scaled.note.startswith("scaled from 300 rows")


def test_a_wrong_answer_fails_the_run(runner, capsys):
    code, path = runner(Other, OneBitWrong)
    assert code == 1
    assert "The answers differ" in capsys.readouterr().err
    assert not path.exists()


def test_a_system_that_breaks_is_left_out_named_and_fails_the_run(runner, capsys):
    code, path = runner(Other, Breaks)
    assert code == 1
    assert {record["system"] for record in json.loads(path.read_text())} == {"tsfeat"}
    assert "Not measured: breaks (failed: the disk is on fire)." in capsys.readouterr().out


def test_tsfeat_through_every_stage(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(session, "QUICK", TINY)
    monkeypatch.setattr(process_io, "DROP_CACHES", tmp_path / "not" / "allowed")  # leave the machine's cache alone
    path = tmp_path / "records.json"
    given = ["--events", "30000", "--rivals", "fat rows", "--cache", str(tmp_path / "cache"), "--json", str(path)]
    code = run.main(given)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    records = json.loads(path.read_text())
    assert [record["figure"] for record in records if record["system"] == "tsfeat"]
    assert {record["figure"] for record in records} == set(GOALS)
    for figure in (figures.LOG_SIZE, figures.LOG_TIME):
        values = {r["system"]: r["value"] for r in records if (r["figure"], r["unit"]) == (figure.name, figure.unit)}
        assert set(values) == {"tsfeat", "fat rows (Parquet)"}
        assert figure is figures.LOG_TIME or 0 < values["tsfeat"] < values["fat rows (Parquet)"] / 2
    assert "\n1 parts were compared" in printed.out
    # What stats() says of bytes written agrees with the operating system.
    assert "do not agree" not in printed.out
    assert not list((tmp_path / "cache" / "stores").rglob("*.log"))


# -- The table --


def test_ratios_and_goals():
    made = report.Report("standard", 20_000_000)
    made.add(figures.SINGLE, "tsfeat", 2.0, p99=3.0, runs=9)
    made.add(figures.SINGLE, "RocksDB A2", 4.0)
    made.add(figures.SINGLE, "tsfeat engine", 0.5)
    made.add(figures.INGEST, "tsfeat", 4.0)
    made.add(figures.INGEST, "RocksDB A2", 8.0)
    assert table.ratio(figures.SINGLE, made) == 2
    assert table.ratio(figures.INGEST, made) == 0.5
    lines = table.table(made).splitlines()
    assert "2.00 (3.00)" in lines[2]
    assert "2.00 x (RocksDB A2)" in lines[2]
    assert "<= 2.50 met" in lines[2]
    assert ">= 8.00 missed" in lines[3]
    assert [record.goal for record in made.records[:3]] == [2.5, 2.5, 1.0]


# -- The operating system --


def test_a_meter_sees_writes_and_memory(tmp_path):
    import os

    meter = process_io.Meter([os.getpid()]).start()
    block = np.ones(30_000_000, np.uint8)
    (tmp_path / "file").write_bytes(block[:5_000_000].tobytes())
    used = meter.stop()
    assert used.wchar >= 5_000_000
    assert 30e6 <= used.held_bytes < 200e6
    assert used.resident_bytes > used.held_bytes
    assert 5_000_000 <= process_io.disk_usage(tmp_path) < 5_100_000


def test_rivals_are_chosen_by_prefix():
    assert systems.chosen("RocksDB A1", "rocksdb", None)
    assert systems.chosen("RocksDB A1", "rocksdb", ["rocksdb a1"])
    assert systems.chosen("RocksDB A2", "rocksdb", ["rocksdb"])
    assert systems.chosen("tsfeat", "tsfeat_python", ["none"])
    assert not systems.chosen("tsfeat engine", "tsfeat_engine", ["none"])
    assert not systems.chosen("RocksDB A2", "rocksdb", ["rocksdb a1", "lmdb"])


def test_a_module_that_cannot_be_imported_is_named(monkeypatch):
    monkeypatch.setattr(systems, "MODULES", {"no_such_module": "NoSuch"})
    found, missing = systems.wanted(None)
    assert not found
    assert missing["NoSuch"].startswith("not installed: ")
