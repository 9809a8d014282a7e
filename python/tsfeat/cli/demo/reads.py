"""The demo's reads: what a model server and a trainer ask."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import tsfeat
from tsfeat.cli.demo.data import TIME
from tsfeat.cli.demo.timing import measured
from tsfeat.cli.describe import events_of
from tsfeat.cli.output import human_seconds

if TYPE_CHECKING:
    from tsfeat.cli.demo.story import Story

HOUSEHOLD = 900
BATCH = 512
LAST = 200
DEPARTMENT = "PRODUCE"
SHOWN = [TIME, "department", "category", "quantity", "sales_value"]
MODEL_COLUMNS = ["product_id", "department", "quantity", "sales_value", TIME]


def pick_households(keys: Any) -> Any:
    """512 households, drawn once and for all, the one we look at in detail first."""
    others = np.setdiff1d(np.unique(keys), [HOUSEHOLD])
    drawn = np.random.default_rng(7).choice(others, min(BATCH - 1, len(others)), replace=False)
    return np.concatenate([np.array([HOUSEHOLD], dtype=np.uint64), drawn.astype(np.uint64)])


def spent(seconds: dict[str, float]) -> str:
    """How long a read took."""
    return f"{human_seconds(seconds['median_seconds'])} (first time {human_seconds(seconds['first_seconds'])})"


def single(story: "Story", table: tsfeat.Table, households: Any) -> dict[str, Any]:
    """The last ten purchases of one household."""
    story.heading(f"2. The last ten purchases of household {HOUSEHOLD}: last_n([{HOUSEHOLD}], 10)")
    sequences, seconds = measured(partial(table.last_n, households[:1], 10))
    story.show(events_of(table, table.last_n(households[:1], 10, columns=SHOWN), 0))
    story.say(f"All {len(sequences.columns)} columns of them in {spent(seconds)}.")
    return {"household": HOUSEHOLD, "events": len(sequences[TIME]), **seconds}


def batch(story: "Story", table: tsfeat.Table, households: Any) -> dict[str, Any]:
    """A batch for a model: many households, few columns."""
    story.heading(f"3. A batch for a model: last_n(households, {LAST}, columns=[...])")
    sequences, seconds = measured(partial(table.last_n, households, LAST, columns=MODEL_COLUMNS))
    events = int(sequences.offsets[-1])
    story.say(
        f"{len(households)} households, {events:,} events, {len(MODEL_COLUMNS)} columns in {spent(seconds)}: flat "
        "arrays and offsets (a jagged batch), oldest to newest in each row, nothing padded. A category comes as its "
        "stable code; table.categories has the words."
    )
    arrays = {"offsets": sequences.offsets, **{name: sequences[name] for name in MODEL_COLUMNS}}
    story.show([shape_of(name, values) for name, values in arrays.items()])
    return {"households": len(households), "n": LAST, "events": events, "columns": MODEL_COLUMNS, **seconds}


def shape_of(name: str, values: Any) -> dict[str, Any]:
    """An array in one line."""
    first = ", ".join(map(str, values[:3]))
    return {"array": name, "type": f"{values.dtype}[{len(values)}]", "first values": f"{first}, ..."}


def filtered(story: "Story", table: tsfeat.Table, households: Any) -> dict[str, Any]:
    """The filter comes first, then the count."""
    story.heading(f'4. Only one department: last_n(households, 50, where=tsfeat.col("department") == "{DEPARTMENT}")')
    condition = tsfeat.col("department") == DEPARTMENT
    read = partial(table.last_n, households, 50, where=condition, columns=MODEL_COLUMNS)
    sequences, seconds = measured(read)
    events = int(sequences.offsets[-1])
    full = int(np.count_nonzero(sequences.lengths == 50))
    story.say(
        f"{events:,} events in {spent(seconds)}. The filter applies first and n counts what is left, so {full} of "
        f"{len(households)} rows have all 50, however far back they reach."
    )
    figures = {"department": DEPARTMENT, "n": 50, "households": len(households), "events": events, "full_rows": full}
    return {**figures, **seconds}


def past(story: "Story", table: tsfeat.Table, households: Any) -> dict[str, Any]:
    """What the model could have seen at a past moment."""
    story.heading(f"5. The past as it was: last_n(households, {LAST}, before=label_times)")
    recent = table.last_n(households, LAST, columns=[TIME])
    chosen = recent.offsets[:-1] + np.random.default_rng(8).integers(0, np.maximum(recent.lengths, 1))
    labels = recent[TIME][chosen]
    sequences, seconds = measured(partial(table.last_n, households, LAST, before=labels, columns=MODEL_COLUMNS))
    late = int(np.count_nonzero(sequences[TIME] >= np.repeat(labels, sequences.lengths)))
    future = int(np.count_nonzero(recent[TIME] >= np.repeat(labels, recent.lengths)))
    one = label_of_one(story, table, households[:1], labels[:1])
    story.say(
        f"For training, each of {len(households)} rows has its own moment: {int(sequences.offsets[-1]):,} events in "
        f"{spent(seconds)}, {late} of them at or after their row's moment. Without the cut-offs, {future:,} events "
        "would have come from the future."
    )
    figures = {"rows": len(households), "events": int(sequences.offsets[-1]), "events_leaked": late}
    return {**figures, "events_leaked_without_cutoff": future, "label": one, **seconds}


def label_of_one(story: "Story", table: tsfeat.Table, household: Any, label: Any) -> dict[str, Any]:
    """One label in detail: the newest events that were visible, and what was not."""
    visible = int(table.count(household, before=label)[0])
    hidden = int(table.count(household)[0]) - visible
    moment = str(label[0]).replace("T", " ")
    story.say(f"Household {HOUSEHOLD} bought something at {moment}. The newest that a model could know just before:")
    story.show(events_of(table, table.last_n(household, 3, before=label, columns=SHOWN), 0))
    story.say(f"{visible:,} of its purchases were visible; that basket and all that came later, {hidden:,}, were not.")
    return {"household": HOUSEHOLD, "moment": label[0], "visible": visible, "hidden": hidden}


def equal(one: tsfeat.Sequences, other: tsfeat.Sequences) -> bool:
    """The same events, bit for bit."""
    if list(one.columns) != list(other.columns) or not np.array_equal(one.offsets, other.offsets):
        return False
    return all(one[name].tobytes() == other[name].tobytes() for name in one.columns)
