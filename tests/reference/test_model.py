"""The model against examples worked out by hand."""

import pytest

from . import ModelColumn, ModelRetention, ModelSchema, ModelStore, NotFoundError, RetentionError, SchemaError
from .errors import ClosedError

SECOND_NS = 1_000_000_000


class Now:
    """A clock that stands where it is put, in seconds."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        return self.seconds * SECOND_NS


def make_table(*columns, retention=None, now=None, unit="s"):
    store = ModelStore(now or Now(0))
    return store.create_table("t", ModelSchema("k", "uint64", "ts", unit, columns), retention)


def times(rows):
    return [[row[0] for row in events] for events in rows]


def test_late_events_go_where_their_time_puts_them_and_ties_keep_arrival_order():
    table = make_table(ModelColumn("x", "int8"))
    table.append({"k": [1, 1, 2], "ts": [10, 30, 5], "x": [1, 2, 3]})
    table.append({"k": [1, 1, 1], "ts": [10, 20, 10], "x": [4, 5, 6]})
    assert table.last_n([1], 9) == [[(10, 1), (10, 4), (10, 6), (20, 5), (30, 2)]]
    assert table.last_n([1, 7, 1], 2, columns=["x"]) == [[(5,), (2,)], [], [(5,), (2,)]]


def test_cut_offs_are_exclusive_above_and_inclusive_below():
    table = make_table()
    table.append({"k": [1] * 4, "ts": [1, 2, 3, 3]})
    assert times(table.last_n([1], 9, before=3)) == [[1, 2]]
    assert times(table.between([1, 1], [2, 3], [3, 4])) == [[2], [3, 3]]
    assert table.count([1], since=2) == [3]
    assert table.latest([1, 2], before=3) == [(2,), None]


def test_n_counts_what_the_filter_leaves():
    table = make_table(ModelColumn("x", "int8", nullable=True))
    table.append({"k": [1] * 5, "ts": [1, 2, 3, 4, 5], "x": [1, None, 1, 2, None]})
    assert times(table.last_n([1], 1, where=("cmp", "x", "==", 1))) == [[3]]
    assert times(table.last_n([1], 9, where=("not", ("cmp", "x", "==", 1)))) == [[4]]
    either = ("or", ("cmp", "x", "==", 2), ("not", ("cmp", "x", "==", 2)))
    assert times(table.last_n([1], 9, where=either)) == [[1, 3, 4]]
    assert times(table.last_n([1, 1], 9, where=("rows", "x", ">=", [1, 2]))) == [[1, 3, 4], [4]]
    assert times(table.last_n([1], 9, where=("and", ("in", "x", [1, 2]), ("cmp", "ts", "<", 4)))) == [[1, 3]]


def test_nan_compares_as_ieee():
    table = make_table(ModelColumn("x", "float64"))
    nan = float("nan")
    table.append({"k": [1] * 3, "ts": [1, 2, 3], "x": [nan, 1.0, 2.0]})
    assert times(table.last_n([1], 9, where=("cmp", "x", "!=", 1.0))) == [[1, 3]]
    assert times(table.last_n([1], 9, where=("in", "x", [nan, 1.0]))) == [[2]]
    assert times(table.last_n([1], 9, where=("not", ("cmp", "x", "<", 2.0)))) == [[1, 3]]


def test_versions_see_the_appends_up_to_them():
    table = make_table()
    assert table.append({"k": [1], "ts": [5]}) == 1
    assert table.append({"k": [], "ts": []}) == 2
    assert table.append({"k": [1], "ts": [4]}) == 3
    assert times(table.last_n([1, 1, 1], 9, version=[0, 2, 3])) == [[], [5], [4, 5]]
    with pytest.raises(SchemaError):
        table.last_n([1], 9, version=4)


def test_positions_make_appends_exactly_once():
    table = make_table()
    assert table.append({"k": [1], "ts": [5]}, source="a", position=7) == 1
    assert table.append({"k": [1], "ts": [5]}, source="a", position=7) == 1
    assert table.append({"k": [1], "ts": [5]}, source="b", position=7) == 2
    assert (table.position("a"), table.position("c"), table.count([1])) == (7, None, [2])


def test_delete_counts_what_was_visible_and_lets_later_appends_in():
    table = make_table()
    table.append({"k": [1, 1, 2], "ts": [1, 5, 1]})
    assert table.delete([1, 1, 3], before=5) == 1
    assert times(table.last_n([1, 2], 9, version=1)) == [[5], [1]]
    table.append({"k": [1], "ts": [2]})
    assert times(table.last_n([1], 9)) == [[2, 5]]
    assert table.delete([1]) == 2
    assert table.keys() == [2]


def test_added_columns_read_as_their_default():
    table = make_table()
    table.append({"k": [1], "ts": [1]})
    table.add_column(ModelColumn("x", "int8", default=3))
    table.add_column(ModelColumn("y", "string", nullable=True, default=None))
    table.append({"k": [1], "ts": [2], "y": ["a"]})
    assert table.last_n([1], 9) == [[(1, 3, None), (2, 3, "a")]]
    assert table.scan(columns=["k", "x"], since=2) == [(1, (1, 3))]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ModelRetention(max_age=10), [90, 95, 100]),
        (ModelRetention(max_events=2), [95, 100]),
        (ModelRetention(max_age=5, min_events=3), [90, 95, 100]),
        (ModelRetention(max_age=10, max_events=1, min_events=2), [95, 100]),
        (ModelRetention(max_age=0), [100]),
    ],
)
def test_retention_of_a_read_that_stands_now(policy, expected):
    table = make_table(retention=policy, now=Now(100))
    table.append({"k": [1] * 5, "ts": [100, 95, 90, 89, 10]})
    assert times(table.last_n([1], 9)) == [expected]


def test_a_read_with_a_cut_off_ranks_only_what_is_before_it():
    table = make_table(retention=ModelRetention(max_age=10, max_events=2, history=20), now=Now(100))
    table.append({"k": [1] * 5, "ts": [100, 95, 90, 89, 80]})
    assert times(table.last_n([1], 9, before=95)) == [[89, 90]]
    assert times(table.last_n([1], 9, before=90)) == [[80, 89]]
    with pytest.raises(RetentionError):
        table.last_n([1], 9, before=79)


def test_the_event_clock_is_the_newest_time_ever_appended():
    table = make_table(retention=ModelRetention(max_age=10, clock="event"), now=Now(10**6))
    table.append({"k": [1, 2], "ts": [100, 50]})
    assert times(table.last_n([1, 2], 9)) == [[100], []]
    table.delete([1])
    assert table.now() == 100


def test_versions_before_the_horizon_cannot_be_read():
    now = Now(100)
    table = make_table(retention=ModelRetention(max_age=1000, history=10), now=now)
    for moment in (100, 105, 110):
        now.seconds = moment
        table.append({"k": [1], "ts": [moment]})
    now.seconds = 115
    assert times(table.last_n([1], 9, version=2)) == [[100, 105]]
    with pytest.raises(RetentionError):
        table.last_n([1], 9, version=1)


def test_loosening_brings_back_what_was_kept_and_nothing_else():
    now = Now(100)
    table = make_table(retention=ModelRetention(max_events=1, history=10), now=now)
    table.append({"k": [1] * 4, "ts": [80, 89, 95, 100]})
    table.set_retention(ModelRetention(max_events=10, history=100))
    assert times(table.last_n([1], 9)) == [[89, 95, 100]]
    with pytest.raises(RetentionError):
        table.last_n([1], 9, before=89)
    table.set_retention(None)
    with pytest.raises(RetentionError):
        table.last_n([1], 9, before=89)


@pytest.mark.parametrize(
    "data",
    [
        {"k": [1], "ts": [1]},
        {"k": [1], "ts": [1], "x": [1], "y": [1]},
        {"k": [1], "ts": [1], "x": [None]},
        {"k": [1], "ts": [1], "x": [128]},
        {"k": [1], "ts": [1], "x": [1, 2]},
        {"k": [-1], "ts": [1], "x": [1]},
        {"k": [1], "ts": [-(2**63)], "x": [1]},
        {"k": [1], "x": [1]},
        {"k": [1, 1], "ts": [1, 1], "x": [1, 1.5]},
    ],
)
def test_bad_input_changes_nothing(data):
    table = make_table(ModelColumn("x", "int8"))
    with pytest.raises(SchemaError):
        table.append(data)
    assert (table.version, table.keys()) == (0, [])


def test_a_store_knows_its_tables():
    store = ModelStore(Now(0))
    schema = ModelSchema("k", "string", "ts", "ms", ())
    store.create_table("b", schema)
    assert store.create_table("b", schema, if_exists="open") is store.table("b")
    with pytest.raises(SchemaError):
        store.create_table("b", schema)
    with pytest.raises(NotFoundError):
        store.table("a")
    store.drop_table("b")
    assert store.tables() == []
    store.close()
    with pytest.raises(ClosedError):
        store.tables()


def test_a_copy_is_its_own():
    table = make_table()
    table.append({"k": [1], "ts": [1]})
    twin = table.copy()
    table.append({"k": [1], "ts": [2]})
    assert (twin.count([1]), twin.version) == ([1], 1)
