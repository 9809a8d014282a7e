"""Long runs with new seeds: `python -m tests.soak --minutes 60`, `python -m tests.soak.replay`."""
