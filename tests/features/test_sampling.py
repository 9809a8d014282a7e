"""Samplers: what they promise exactly, and the probabilities they claim.

The statistical tests have fixed seeds, so they pass or fail for good. Their bounds are so wide that with a random seed
a correct sampler would miss one with a probability of about 1e-6: a normal bound on every count, with the probability
divided among the counts of a test (Bonferroni).
"""

from __future__ import annotations

import itertools
import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tsfeat
from tests.features import definitions, reference
from tests.features.batches import SETTLED, moments, offsets_of, timed
from tests.support import run_python
from tsfeat import features

ERROR = 1e-6

SAMPLERS = st.one_of(
    st.builds(features.Recent, st.integers(0, 8)),
    st.builds(features.Uniform, st.integers(0, 8), seed=st.integers(0, 2**64 - 1)),
    st.builds(features.RecentAndUniform, st.integers(0, 5), st.integers(0, 5), seed=st.integers(0, 3)),
    st.builds(features.ExponentialInAge, st.integers(0, 8), st.integers(1, 50), seed=st.integers(0, 3)),
    st.builds(features.StochasticLength, st.integers(1, 12), st.floats(0.1, 2), seed=st.integers(0, 3)),
)


def kept_by(sampler, row):
    """How many events of a row remain; None where chance decides."""
    match sampler:
        case features.RecentAndUniform():
            return min(len(row), sampler.recent + sampler.uniform)
        case features.StochasticLength():
            longest = min(len(row), sampler.max_length)
            return longest if longest <= sampler.short_length else None
    return min(len(row), sampler.k)


@SETTLED
@given(SAMPLERS, timed(), st.data())
def test_every_sampler_keeps_events_once_and_in_order(sampler, batch, data):
    times, offsets = batch
    hashes = features.key_hashes(list(range(len(offsets) - 1)))
    before = moments(data.draw, len(hashes))
    limits, indices = sampler.select(hashes, before, offsets, times)
    assert limits[-1] == len(indices)
    for row, (begin, end) in enumerate(itertools.pairwise(offsets.tolist())):
        kept = indices[limits[row] : limits[row + 1]].tolist()
        assert kept == sorted(set(kept))
        assert all(begin <= index < end for index in kept)
        expected = kept_by(sampler, range(begin, end))
        assert expected is None or len(kept) == expected
        if isinstance(sampler, features.StochasticLength):
            longest = min(end - begin, sampler.max_length)
            assert len(kept) in (longest, sampler.short_length)
            assert all(index >= end - sampler.max_length for index in kept)
        recents = {features.Recent: "k", features.RecentAndUniform: "recent"}.get(type(sampler))
        if recents:
            newest = list(range(max(begin, end - getattr(sampler, recents)), end))
            assert kept[len(kept) - len(newest) :] == newest


@SETTLED
@given(SAMPLERS, timed(), st.data())
def test_every_sampler_keeps_what_its_definition_says(sampler, batch, data):
    times, offsets = batch
    keys = list(range(len(offsets) - 1))
    before = moments(data.draw, len(keys))
    limits, indices = sampler.select(features.key_hashes(keys), before, offsets, times)
    rows = reference.cut(times.tolist(), offsets)
    expected = [
        [offsets[row] + place for place in definitions.picked(sampler.to_spec(), key, before[row], rows[row])]
        for row, key in enumerate(keys)
    ]
    assert reference.cut(indices.tolist(), limits) == expected


@SETTLED
@given(SAMPLERS, timed(), st.data())
def test_a_row_does_not_depend_on_its_batch(sampler, batch, data):
    times, offsets = batch
    hashes = features.key_hashes(list(range(len(offsets) - 1)))
    before = moments(data.draw, len(hashes))
    limits, indices = sampler.select(hashes, before, offsets, times)
    for row, (begin, end) in enumerate(itertools.pairwise(offsets.tolist())):
        alone = sampler.select(hashes[row : row + 1], before[row : row + 1], [0, end - begin], times[begin:end])[1]
        assert (alone + begin).tolist() == indices[limits[row] : limits[row + 1]].tolist()


@SETTLED
@given(SAMPLERS)
def test_a_sampler_travels_as_json(sampler):
    again = features.sampler_from_spec(json.loads(json.dumps(sampler.to_spec())))
    assert again == sampler
    assert type(again) is type(sampler)


@SETTLED
@given(SAMPLERS, timed(far=False), st.integers(0, 30), st.data())
def test_the_pool_is_enough(sampler, batch, n, data):
    """Of a view's last n events, reading the newest pool(n) selects the same as reading all n."""
    times, offsets = batch
    hashes = features.key_hashes(list(range(len(offsets) - 1)))
    before = moments(data.draw, len(hashes))

    def picked(newest):
        flat, limits = features.truncate(times, offsets, newest)
        places = features.truncate(np.arange(len(times)), offsets, newest)[0]
        return places[sampler.select(hashes, before, limits, flat)[1]].tolist()

    assert sampler.pool(n) <= n
    assert picked(sampler.pool(n)) == picked(n)


SCRIPT = """
from tsfeat import features
hashes = features.key_hashes([f"user{i}" for i in range(40)])
times, offsets, before = list(range(40)) * 40, [40 * i for i in range(41)], [50 + i for i in range(40)]
for sampler in [features.Uniform(5, seed=3), features.RecentAndUniform(2, 5, seed=3),
                features.ExponentialInAge(5, 10, seed=3), features.StochasticLength(40, 1.5, seed=3)]:
    limits, indices = sampler.select(hashes, before, offsets, times)
    print(int(hashes.sum()), int((indices * (1 + indices % 7)).sum()), limits[-1])
"""
KNOWN = """5978181878569148061 605676 200
5978181878569148061 873561 280
5978181878569148061 599801 200
5978181878569148061 2481936 784
"""


def test_the_same_in_every_process_and_version():
    """Written down once: who changes a figure here changes what every model was trained on."""
    assert run_python(SCRIPT).stdout == KNOWN


def draws(sampler, size, rows=20_000):
    """How often each of `size` events was kept, over rows of distinct keys whose times are 0, 1, 2, ..."""
    hashes = features.key_hashes(np.arange(rows))
    times = np.tile(np.arange(size), rows)
    _, indices = sampler.select(hashes, np.full(rows, size), offsets_of([size] * rows), times)
    return np.bincount(indices % size, minlength=size), indices


def bound(probability, rows, tests):
    """Half the width of the interval in which a binomial count lies, but for ERROR / tests."""
    quantile = -statistics.NormalDist().inv_cdf(ERROR / tests / 2)
    return quantile * math.sqrt(rows * probability * (1 - probability)) + 1


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_uniform_keeps_every_event_and_pair_equally_often(seed):
    rows, size, k = 20_000, 10, 4
    counts, indices = draws(features.Uniform(k, seed=seed), size, rows)
    assert (abs(counts - rows * k / size) < bound(k / size, rows, size)).all()
    together = np.zeros((size, size))
    for a, b in itertools.combinations((indices % size).reshape(rows, k).T, 2):
        np.add.at(together, (a, b), 1)
    pair = k * (k - 1) / (size * (size - 1))
    seen = together[np.triu_indices(size, 1)]
    assert (abs(seen - rows * pair) < bound(pair, rows, len(seen))).all()


def test_uniform_beside_the_recent():
    rows, size = 20_000, 10
    counts, _ = draws(features.RecentAndUniform(2, 3, seed=5), size, rows)
    assert (counts[-2:] == rows).all()
    assert (abs(counts[:-2] - rows * 3 / 8) < bound(3 / 8, rows, 8)).all()


def test_one_event_by_age_follows_the_weights():
    rows, size, half_life = 20_000, 8, 2
    counts, _ = draws(features.ExponentialInAge(1, half_life, seed=5), size, rows)
    weights = 2.0 ** (-np.arange(size, 0, -1) / half_life)
    for count, probability in zip(counts, weights / weights.sum(), strict=True):
        assert abs(count - rows * probability) < bound(probability, rows, size)


def test_pairs_by_age_follow_successive_draws():
    """Without replacement: the probability of a set is the sum over its orders of drawing one after the other."""
    rows, size = 20_000, 4
    _, indices = draws(features.ExponentialInAge(2, 3, seed=9), size, rows)
    weights = 2.0 ** (-np.arange(size, 0, -1) / 3)
    weights /= weights.sum()
    pairs = (indices % size).reshape(rows, 2).tolist()
    for a, b in itertools.combinations(range(size), 2):
        probability = weights[a] * weights[b] * (1 / (1 - weights[a]) + 1 / (1 - weights[b]))
        assert abs(pairs.count([a, b]) - rows * probability) < bound(probability, rows, 6)


def test_events_of_any_age_can_be_kept():
    """No weight underflows: half of a million half-lives ago is still drawn before what is older."""
    times = np.array([-(2**62), 0, 10, 10**9])
    for seed in range(50):
        kept = features.ExponentialInAge(2, 1, seed=seed).select(features.key_hashes([1]), [10**9 + 1], [0, 4], times)
        assert kept[1].tolist() == [2, 3]


def test_long_rows_stay_whole_as_often_as_the_paper_says():
    rows, size = 20_000, 20
    sampler = features.StochasticLength(20, 1.6, seed=4)
    assert sampler.short_length == round(20**0.8) == 11
    hashes = features.key_hashes(np.arange(rows))
    times = np.tile(np.arange(size), rows)
    limits, indices = sampler.select(hashes, np.full(rows, size), offsets_of([size] * rows), times)
    lengths = np.diff(limits)
    whole = 11**2 / size**2
    assert set(lengths.tolist()) == {11, size}
    assert abs((lengths == size).sum() - rows * whole) < bound(whole, rows, 1)
    short = np.repeat(lengths == 11, lengths)
    counts = np.bincount(indices[short] % size, minlength=size)
    assert (abs(counts - (lengths == 11).sum() * 11 / 20) < bound(11 / 20, rows, size)).all()


def test_key_moment_and_seed_each_change_the_sample():
    def sample(key, before, seed):
        found = features.Uniform(20, seed=seed).select(features.key_hashes([key]), [before], [0, 100], np.arange(100))
        return tuple(found[1].tolist())

    assert len({sample(k, b, s) for k in range(4) for b in range(4) for s in range(4)}) == 64


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({"kind": "nearest", "k": 3}, "kind is one of recent, uniform"),
        ({}, "not None"),
        ("uniform", "not None"),
        ({"kind": "recent"}, "sampler 'recent'.*'k'"),
        ({"kind": "recent", "k": 3, "seed": 1}, "sampler 'recent'.*'seed'"),
        ({"kind": "uniform", "k": -1}, "k is a whole number from 0"),
        ({"kind": "uniform", "k": 1, "seed": 2**64}, "seed is a whole number"),
        ({"kind": "exponential_in_age", "k": 1, "half_life": 0}, "half_life is a whole number from 1"),
        ({"kind": "exponential_in_age", "k": 1, "half_life": "0s"}, "half_life is 0"),
        ({"kind": "stochastic_length", "max_length": 5, "alpha": 2.5}, "alpha is a number"),
    ],
)
def test_a_wrong_spec_is_refused(spec, match):
    with pytest.raises(tsfeat.SchemaError, match=match):
        features.sampler_from_spec(spec)


def test_select_says_what_does_not_fit():
    hashes = features.key_hashes([1])
    with pytest.raises(tsfeat.SchemaError, match=r"key_hashes are uint64\[1\] where uint64\[2\] is needed"):
        features.Recent(1).select(hashes, [1, 2], [0, 1, 1], [5])
    with pytest.raises(tsfeat.SchemaError, match="give an integer of the same unit"):
        features.ExponentialInAge(1, "7d").select(hashes, [9], [0, 2], [5, 6])
    times = np.array([5, 6], "M8[s]")
    assert len(features.ExponentialInAge(1, "7d").select(hashes, [9], [0, 2], times)[1]) == 1


@SETTLED
@given(st.lists(st.binary(max_size=20)))
def test_hashes_of_bytes(keys):
    assert features.key_hashes(keys or np.array([], "S1")).tolist() == [definitions.hash_bytes(key) for key in keys]


def test_hashes_of_whatever_holds_keys(store):
    pa = pytest.importorskip("pyarrow")
    numbers = features.key_hashes([1, 2, 3])
    assert len(set(numbers.tolist())) == 3
    for keys in (
        np.array([1, 2, 3], np.uint64), np.array([1, 2, 3], np.int32), np.array([1, 2, 3], object), (1, 2, 3),
        pa.array([1, 2, 3]), pa.chunked_array([[1], [2, 3]], pa.uint64()),
    ):  # fmt: skip
        assert features.key_hashes(keys).tolist() == numbers.tolist()
    texts = features.key_hashes(["a", "ü"])
    for keys in (
        np.array(["a", "ü"]), np.array(["a", "ü"], np.dtypes.StringDType()), [b"a", "ü".encode()],
        pa.array(["a", "ü"]), pa.array(["a", "ü"]).dictionary_encode(), pa.array([b"a", "ü".encode()]),
    ):  # fmt: skip
        assert features.key_hashes(keys).tolist() == texts.tolist()
    table = store.create_table("t", key=("k", "string"), time=("ts", "timestamp[s]"), columns={})
    assert features.key_hashes(table.last_n(["a", "ü"], 1)).tolist() == texts.tolist()
    assert features.key_hashes([2**64 - 1, 0]).tolist() == features.key_hashes([-1, 0]).tolist()


@pytest.mark.parametrize("keys", [[1.5], [None], ["a", 1], [True], np.zeros(2), [1, "a"]])
def test_what_is_no_key_is_refused(keys):
    with pytest.raises(tsfeat.SchemaError, match="keys"):
        features.key_hashes(keys)
