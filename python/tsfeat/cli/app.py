"""The command tree, and the one place where errors become messages and exit codes."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

import tsfeat
from tsfeat.cli.delete import delete
from tsfeat.cli.demo import demo
from tsfeat.cli.diff import diff
from tsfeat.cli.export import export
from tsfeat.cli.get import get
from tsfeat.cli.load import load
from tsfeat.cli.look import info, stats, tables
from tsfeat.cli.output import print_json
from tsfeat.cli.upkeep import checkpoint, compact, repair, verify

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def message_of(error: BaseException) -> str:
    """What an error says. A KeyError's own text would be quoted, so its argument is taken instead."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__


def report(error: BaseException, code: int, as_json: bool) -> int:
    """Print an error as one JSON document on stdout, or as lines on stderr; returns the exit code."""
    if as_json:
        print_json({"error": {"type": type(error).__name__, "message": message_of(error)}})
        return code
    if isinstance(error, click.UsageError) and error.ctx is not None:
        print(error.ctx.get_usage(), file=sys.stderr)
    print(f"error: {message_of(error)}", file=sys.stderr)
    return code


def drop_stdout() -> int:
    """The reader of a pipe has gone (`| head`): say nothing more, also not when the interpreter flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


class Application(click.Group):
    """A click group whose failures print `error: message`, or JSON under --json, and never a traceback."""

    def run(self, arguments: list[str], prog_name: str | None, **extra: Any) -> int:
        """The exit code of one invocation."""
        as_json = "--json" in arguments
        try:
            if not arguments:
                print(self.get_help(self.make_context(prog_name, [], resilient_parsing=True)), file=sys.stderr)
                return USAGE
            result = super().main(arguments, prog_name, standalone_mode=False, **extra)
            sys.stdout.flush()
            return result if isinstance(result, int) else 0
        except click.UsageError as error:
            return report(error, USAGE, as_json)
        except BrokenPipeError:
            return drop_stdout()
        except (click.Abort, KeyboardInterrupt):
            return report(click.ClickException("interrupted"), INTERRUPTED, as_json)
        except (click.ClickException, tsfeat.Error, OSError) as error:
            return report(error, FAILED, as_json)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> int:
        """As click's, but the exit code is returned when standalone_mode is off."""
        arguments = list(sys.argv[1:] if args is None else args)
        code = self.run(
            arguments, prog_name, complete_var=complete_var, windows_expand_args=windows_expand_args, **extra
        )
        if standalone_mode:
            sys.exit(code)
        return code


@click.group(cls=Application, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tsfeat.__version__, prog_name="tsfeat")
def application() -> None:
    """Event sequences on disk: what each user did, newest last, as arrays.

    Every command takes --json: one JSON document on stdout, errors too. Exit codes: 0 done, 1 a failure or problems
    found, 2 wrong usage. `tsfeat demo` shows what this is for, on real data.
    """


for command in (demo, load, export, info, tables, get, stats, verify, compact, checkpoint, repair, delete, diff):
    application.add_command(command)
