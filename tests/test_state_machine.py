"""The real store against the model, through random histories.

TSFEAT_EXAMPLES: how many examples in all; TSFEAT_SHARDS: over how many tests they are spread, so that workers can share
them; TSFEAT_SEED: another seed makes other examples; TSFEAT_SHRINK=0: report the first failure as it is found. The same
numbers give the same examples.
"""

from __future__ import annotations

import os
import sys
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.machine.world import World

EXAMPLES = int(os.environ.get("TSFEAT_EXAMPLES", "60"))
SHARDS = int(os.environ.get("TSFEAT_SHARDS", "4"))
SEED = int(os.environ.get("TSFEAT_SEED", "0"))
STEPS = 50
SHRINKING = (Phase.shrink,) if os.environ.get("TSFEAT_SHRINK", "1") == "1" else ()

# Contents are made from a seed and only their sizes are drawn: an example then costs milliseconds.
seeds = st.integers(0, 2**32 - 1)


class StoreMachine(RuleBasedStateMachine):
    """Each rule does one thing to both sides; `World` compares."""

    world: World | None = None

    @initialize(seed=seeds)
    def start(self, seed: int) -> None:
        self.world = World(Random(seed))

    @rule(seed=seeds, rows=st.sampled_from([1, 0, 2, 3]))
    def append_few(self, seed: int, rows: int) -> None:
        self.world.append(Random(seed), rows)

    @rule(seed=seeds, rows=st.integers(4, 40))
    def append_some(self, seed: int, rows: int) -> None:
        self.world.append(Random(seed), rows)

    @rule(seed=seeds, rows=st.integers(60, 250))
    def append_many(self, seed: int, rows: int) -> None:
        self.world.append(Random(seed), rows)

    @rule(seed=seeds, rows=st.sampled_from([0, 1, 5, 40, 200]))
    def load(self, seed: int, rows: int) -> None:
        self.world.load(Random(seed), rows)

    @rule(seed=seeds)
    def read(self, seed: int) -> None:
        self.world.read(Random(seed))

    @rule(seed=seeds)
    def changes(self, seed: int) -> None:
        self.world.changes(Random(seed))

    @rule(seed=seeds)
    def read_twice(self, seed: int) -> None:
        self.world.read(Random(seed))
        self.world.read(Random(seed + 1))

    @rule(seed=seeds)
    def read_again(self, seed: int) -> None:
        self.world.read(Random(seed))

    @rule(seed=seeds)
    def read_by_reader(self, seed: int) -> None:
        self.world.read_by_reader(Random(seed))

    @rule(seed=seeds)
    def delete(self, seed: int) -> None:
        self.world.delete(Random(seed))

    @rule(seed=seeds)
    def add_column(self, seed: int) -> None:
        self.world.add_column(Random(seed))

    @rule(seed=seeds)
    def set_retention(self, seed: int) -> None:
        self.world.set_retention(Random(seed))

    @rule(seed=seeds)
    def create_or_drop_table(self, seed: int) -> None:
        rng = Random(seed)
        if rng.random() < 0.5 and len(self.world.model.tables()) < 3:
            self.world.create_table(rng)
        else:
            self.world.drop_table(rng)

    @rule(units=st.sampled_from([1, 3, 10, 40]))
    def tick(self, units: int) -> None:
        self.world.tick(units)

    @rule()
    def flush(self) -> None:
        self.world.flush()

    @rule(erase=st.booleans())
    def compact(self, erase: bool) -> None:
        self.world.compact(erase=erase)

    @rule(seed=seeds)
    def reopen(self, seed: int) -> None:
        self.world.reopen(Random(seed))

    @rule(seed=seeds)
    def power_loss(self, seed: int) -> None:
        self.world.power_loss(Random(seed))

    @rule(seed=seeds)
    def checkpoint(self, seed: int) -> None:
        self.world.checkpoint(Random(seed))

    def teardown(self) -> None:
        if self.world is None:
            return
        if sys.exc_info()[0] is None:
            self.world.finish()
        else:  # a rule failed: its error is the one to report
            self.world.abandon()


def share(shard: int) -> int:
    return EXAMPLES // SHARDS + (shard < EXAMPLES % SHARDS)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_store_agrees_with_the_model(shard: int) -> None:
    machine = seed(SEED * SHARDS + shard)(type(f"Shard{shard}", (StoreMachine,), {}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=share(shard),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            phases=(Phase.generate, *SHRINKING),
            suppress_health_check=list(HealthCheck),
        ),
    )
