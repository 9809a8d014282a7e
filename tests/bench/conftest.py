"""Lets the tests import the bench as its programs do: its packages `harness` and `systems` lie in bench/."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
