"""Work done ahead of its consumer, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tsfeat import _core

Task = TypeVar("Task")
Made = TypeVar("Made")


def ahead(make: Callable[[Task], Made], tasks: Iterable[Task], depth: int, threads: int) -> Iterator[Made]:
    """`make` of each task, in their order, while so many of those to come are made already or being made.

    An error is raised where its result would have come. Without depth all is done by the caller.
    """
    if depth == 0:
        yield from map(make, tasks)
        return
    waiting: deque[Future[Made]] = deque()
    left = iter(tasks)
    # Each has a batch of its own to read, and the consumer a use for the other processors.
    with ThreadPoolExecutor(threads, "tsfeat-prefetch", initializer=_core.work_alone) as pool:
        try:
            for task in left:
                waiting.append(pool.submit(make, task))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # The consumer stopped: what has not begun is not wanted.
            for future in waiting:
                future.cancel()
