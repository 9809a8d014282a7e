"""Every error that tsfeat raises. A message says what was wrong, where (table, column, row), and what to do."""

from __future__ import annotations

from pickle import PicklingError

__all__ = [
    "ClosedError",
    "CorruptionError",
    "Error",
    "LockedError",
    "NotFoundError",
    "OutOfSpaceError",
    "PoisonedError",
    "RetentionError",
    "SchemaError",
    "StorageError",
]


class Error(Exception):
    """Base of all errors of tsfeat.

    Examples
    --------
    >>> import tsfeat
    >>> issubclass(tsfeat.SchemaError, tsfeat.Error), issubclass(tsfeat.SchemaError, ValueError)
    (True, True)
    """


class SchemaError(Error, ValueError):
    """Data, an argument or a filter does not fit the table; nothing was written."""


class NotFoundError(Error, KeyError):
    """No such store, table or column."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would quote and escape the message.
        return str(self.args[0]) if self.args else ""


class UnknownColumnError(SchemaError, NotFoundError):
    """A column that the table does not have was asked for."""


class LockedError(Error):
    """Another writer has the store open; the message names its process."""


class ClosedError(Error):
    """The store was closed, or was opened by the parent of this (forked) process."""


class RetentionError(Error):
    """A read stands further back than the table's `history` allows; the message names the horizon."""


class CorruptionError(Error):
    """Bytes on disk are not what was written; the message names file and offset."""


class StorageError(Error, OSError):
    """The operating system refused; `errno` says why.

    Examples
    --------
    >>> import errno, tsfeat
    >>> tsfeat.StorageError(errno.EROFS, "the store is open read-only").errno == errno.EROFS
    True
    """


class OutOfSpaceError(StorageError):
    """The disk (or the quota) is full; the store is as it was before the call."""


class PoisonedError(Error):
    """A write or fsync of the log failed earlier: the store refuses writes until it is opened again."""


class PickleError(Error, TypeError, PicklingError):
    """This object cannot be sent to another process; the message says why."""


class ExpressionError(SchemaError, TypeError):
    """A filter was used where Python wants a plain True or False."""
