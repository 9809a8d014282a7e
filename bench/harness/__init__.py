"""The bench's own machinery: workloads, figures, measuring, reporting. Start at `run.py` in the folder above."""
