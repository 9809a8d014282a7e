"""Proof of consistency: whether two batches of sequences are equal, and where they are not."""

from tsfeat.comparison.compare import diff
from tsfeat.comparison.difference import Difference

__all__ = ["Difference", "diff"]
