"""What reclaim keeps: the one-test shortcut of the model against the definition tried in full."""

from hypothesis import given, settings
from hypothesis import strategies as st

from .retention import Event, ModelRetention, kept, kept_by_definition, version_at, visible

SMALL = st.integers(0, 12)
STANDS = range(-15, 40)


def optional(strategy):
    return st.one_of(st.none(), strategy)


@st.composite
def histories(draw):
    """Events of one key over a few versions, with the moments of those versions, and a present after them."""
    steps = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    moments = [sum(steps[: index + 1]) for index in range(len(steps))]
    events = [
        Event(time, version, position, ())
        for version in range(1, len(moments) + 1)
        for position, time in enumerate(draw(st.lists(SMALL, max_size=3)))
    ]
    return events, moments, moments[-1] + draw(st.integers(0, 6))


policies = st.builds(
    ModelRetention,
    max_age=optional(st.integers(0, 8)),
    max_events=optional(st.integers(0, 4)),
    min_events=st.integers(0, 3),
    history=st.integers(0, 12),
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(histories(), policies)
def test_one_read_decides_what_is_kept(history, policy):
    events, moments, now = history
    for event in events:
        expected = kept_by_definition(events, event, policy, now, moments, STANDS)
        assert kept(events, event, policy, now, moments) == expected, event


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(histories(), policies, st.integers(0, 10))
def test_what_is_hidden_stays_hidden(history, policy, later):
    """Reclaiming early or late gives the same answers: no permitted read, now or later, misses what went."""
    events, moments, now = history
    rest = [event for event in events if kept(events, event, policy, now, moments)]
    present = now + later
    horizon = present - policy.history
    for version in range(version_at(moments, horizon), len(moments) + 1):
        for before in [None, *range(horizon, 25)]:
            whole = visible(events, policy, version, before, present)
            assert visible(rest, policy, version, before, present) == whole
