"""Stores and `os.fork`: the child has the memory of the engine but none of its threads, so it must not touch it."""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import NoReturn, Protocol

from tsfeat.errors import ClosedError


class Watched(Protocol):
    """An open store."""

    path: str

    def abandon(self, message: str) -> None: ...


_watched: weakref.WeakSet[Watched] = weakref.WeakSet()


class Gone:
    """Stands in for the engine in a forked child; any use says so."""

    def __init__(self, message: str) -> None:
        self._message = message

    @property
    def closed(self) -> bool:
        """There is nothing left to close: the store is the parent's."""
        return True

    def close(self) -> None:
        """Does nothing, so that a `with` block that the child inherited can end."""

    def __getattr__(self, name: str) -> NoReturn:
        raise ClosedError(self._message)


def watch(store: Watched) -> None:
    """Take the engine away from `store` in every child that is forked from now on."""
    _watched.add(store)


def leak(value: object) -> None:
    """Never free `value`: its destructor would wait for threads that a forked child does not have."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def _after_fork() -> None:
    for store in list(_watched):
        store.abandon(
            f"the store {store.path!r} was opened by the parent (process {os.getppid()}) before fork: open it again in "
            "this process (mode='r' for workers), or start workers with 'spawn'"
        )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
