"""`tsfeat.features` against obvious Python."""
