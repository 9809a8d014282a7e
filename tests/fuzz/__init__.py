"""Fuzz targets and their corpus; see `make_corpus`."""
