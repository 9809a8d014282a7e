"""`tsfeat.diff`."""
