"""Libraries that some commands need and the package does not install by itself."""

from typing import Any

from tsfeat.cli.output import Failure


def need_pyarrow() -> Any:
    """The pyarrow module, or a line that says how to get it."""
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise Failure("this command needs pyarrow; install it with: pip install 'tsfeat[cli,arrow]'") from None
    return pyarrow
