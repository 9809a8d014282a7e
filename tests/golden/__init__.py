"""Small stores of the current format, kept as files; see `make`."""
