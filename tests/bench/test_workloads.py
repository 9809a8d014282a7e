"""The generator: the same seed gives the same bytes, and the distribution is the one that is stated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import columns, shapes, workload

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> workload.Workload:
    return shapes.SHAPES["standard"].make(tmp_path_factory.mktemp("workloads") / "standard", 400_000)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "STEP", 3_000)  # several steps
    for name in ("standard", "bursts", "late"):
        one, two, other = (tmp_path / f"{name}-{index}" for index in range(3))
        shapes.SHAPES[name].make(one, 10_000, seed=5)
        shapes.SHAPES[name].make(two, 10_000, seed=5)
        shapes.SHAPES[name].make(other, 10_000, seed=6)
        assert contents(one) == contents(two)
        assert contents(one)["item.npy"] != contents(other)["item.npy"]


def test_a_cached_workload_is_not_made_again(tmp_path):
    made = []

    def make(target: Path) -> workload.Workload:
        made.append(target)
        return shapes.SHAPES["uniform"].make(target, 1_000)

    first = workload.cached(tmp_path, "w", make)
    assert workload.cached(tmp_path, "w", make).meta == first.meta
    assert len(made) == 1


def test_activity_is_zipf_capped_with_the_stated_median():
    expected = shapes.capped_zipf(100_000, 20_000_000)
    assert expected.sum() == pytest.approx(20e6)
    assert expected[0] == expected[80] == 30_000
    assert np.median(expected) == pytest.approx(50, rel=0.02)
    # With s = 1, ten times the rank is a tenth of the events.
    assert expected[999] / expected[9_999] == pytest.approx(10)


@pytest.mark.parametrize("events", [2_000_000, 200_000_000])
def test_activity_keeps_its_shape_at_every_size(events):
    quantiles = np.linspace(0, 1, 21)
    full, other = (
        np.quantile(shapes.capped_zipf(size // 200, size), quantiles, method="inverted_cdf")
        for size in (20_000_000, events)
    )
    np.testing.assert_allclose(other, full, rtol=0.02)


def test_events_are_spread_over_90_days_in_order(standard):
    times = standard.array("ts")
    assert (np.diff(times) >= 0).all()
    assert 89.9 * DAY_MS < times[-1] - times[0] < 90 * DAY_MS
    daily = np.bincount((times - times[0]) // DAY_MS, minlength=90)
    assert daily.std() / daily.mean() < 0.05


def test_columns_have_the_stated_distributions(standard):
    assert standard.standard
    assert standard.row_bytes == 33
    np.testing.assert_allclose(standard.types, columns.TYPE_SHARES, atol=0.003)
    dwell = np.log(standard.array("dwell"))
    assert np.exp(np.median(dwell)) == pytest.approx(8_000, rel=0.02)
    assert dwell.std() == pytest.approx(1.2, rel=0.02)
    score = np.log(standard.array("score") / (1 - standard.array("score").astype(np.float64)))
    assert abs(score.mean()) < 0.01
    assert score.std() == pytest.approx(1, rel=0.02)
    _, counts = np.unique(standard.array("item"), return_counts=True)
    harmonic = columns.item_cumulative()[-1]
    assert counts.max() / standard.events == pytest.approx(1 / harmonic, rel=0.05)


def test_queries_pick_users_by_activity_or_uniformly(standard):
    users = standard.array("user")
    counts = np.bincount(users.astype(np.int64))
    busy = counts[standard.array("zipf_users").astype(np.int64)].mean()
    assert busy == pytest.approx((counts.astype(float) ** 2).sum() / counts.sum(), rel=0.1)
    assert counts[standard.array("uniform_users").astype(np.int64)].mean() == pytest.approx(200, rel=0.5)
    assert len(standard.array("zipf_users")) == len(standard.array("past_before")) == 512 * 64
    cold = standard.array("cold_users")
    assert len(np.unique(cold)) == len(cold)
    assert standard.meta["labels"] == len(standard.array("labels_user"))


@pytest.mark.parametrize("name", list(shapes.SHAPES))
def test_every_shape_can_be_made(tmp_path, name, monkeypatch):
    monkeypatch.setattr(columns, "ITEMS", 1_000)
    columns.item_names.cache_clear()
    columns.item_cumulative.cache_clear()
    made = shapes.SHAPES[name].make(tmp_path / name, 20_000)
    columns.item_names.cache_clear()
    columns.item_cumulative.cache_clear()
    assert made.events == 20_000
    for column, dtype in {"user": np.dtype("u8"), **made.columns}.items():
        assert made.array(column).dtype == dtype
        assert len(made.array(column)) == 20_000
    _, counts = np.unique(made.array("user"), return_counts=True)
    backwards = (np.diff(made.array("ts")) < 0).mean()
    assert (backwards > 0.08) == (name == "late")
    assert (counts.max() > 9_000) == (name == "giant")
    assert (counts.mean() < 5) == (name == "tiny")
    if name == "strings":
        lengths = np.strings.str_len(made.array("item"))
        assert lengths.min() == 12
        assert lengths.max() == 40
    if name == "bursts":
        # Most events come within a few minutes of another of their user.
        order = np.lexsort((made.array("ts"), made.array("user")))
        gaps = np.diff(made.array("ts")[order])
        assert np.median(gaps) < 60_000


def test_parquet_holds_the_same_rows(standard):
    pq = pytest.importorskip("pyarrow.parquet")
    labels = pq.read_table(standard.labels_parquet)
    np.testing.assert_array_equal(labels["user"].to_numpy(), standard.array("labels_user"))
    events = pq.read_table(standard.events_parquet)
    assert events.column_names == ["user", *standard.columns]
    users, times = events["user"].to_numpy(), events["ts"].to_numpy()
    assert ((np.diff(users.astype(np.int64)) > 0) | (np.diff(times) >= 0)).all()
    assert events["item"].to_numpy().sum() == standard.array("item").sum()
