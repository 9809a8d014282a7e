"""Errors of the model; each has the name of the tsfeat error that the engine must raise in its place."""


class ModelError(Exception):
    """Base of all of them."""


class SchemaError(ModelError):
    """Data or arguments do not fit the schema."""


class NotFoundError(ModelError):
    """No such table."""


class ClosedError(ModelError):
    """The store was closed."""


class RetentionError(ModelError):
    """The read stands further back than the table's history reaches."""
