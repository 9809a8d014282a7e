"""Work done ahead of its consumer, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tsfeat import _core

Task = TypeVar("Task")
Made = TypeVar("Made")


def ahead(make: Callable[[Task], Made], tasks: Iterable[Task | None], depth: int, threads: int) -> Iterator[Made]:
    """`make` of each task, in their order, while so many of those to come are made already or being made.

    None for a task says that the next may be long in coming: all that were before it are given before it is asked for.
    An error is raised where its result would have come. Without depth all is done by the caller.
    """
    if depth == 0:
        yield from (make(task) for task in tasks if task is not None)
        return
    waiting: deque[Future[Made]] = deque()
    # Each has a batch of its own to read, and the consumer a use for the other processors.
    with ThreadPoolExecutor(threads, "tsfeat-prefetch", initializer=_core.work_alone) as pool:
        try:
            for task in tasks:
                if task is not None:
                    waiting.append(pool.submit(make, task))
                while len(waiting) > (0 if task is None else depth):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # The consumer stopped: what has not begun is not wanted.
            for future in waiting:
                future.cancel()
