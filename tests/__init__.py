"""Tests of tsfeat, as a package so that every suite can use the reference model and the helpers beside it."""
