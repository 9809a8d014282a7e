"""The `tsfeat` command. Importing this package needs nothing beyond tsfeat; running it needs the extra tsfeat[cli]."""

import json
import sys
from collections.abc import Sequence

MISSING_EXTRA = "the tsfeat command needs click and rich; install them with: pip install 'tsfeat[cli]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 a failure or problems found, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        if "--json" in given:
            print(json.dumps({"error": {"type": "UsageError", "message": MISSING_EXTRA}}))
        else:
            print(f"error: {MISSING_EXTRA}", file=sys.stderr)
        return 2
    from tsfeat.cli.app import application

    return int(application.main(given, prog_name="tsfeat", standalone_mode=False))
