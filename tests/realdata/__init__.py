"""Real data, every kind of read compared with polars on the raw rows."""
