"""From an argument list to an exit status: every error ends here, as advice and a number, never as a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import click

from orchestrator.cli.commands import cli
from orchestrator.cli.exits import Exit, of_signal
from orchestrator.cli.stops import Stopped, leave_nobody, stops_raise
from orchestrator.cli.streams import fill_gaps, last_flush


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    fill_gaps()
    given = list(sys.argv[1:] if arguments is None else arguments)
    status = run_safely(_command, given, os.environ)
    return status if last_flush() else status or Exit.FAILED


def run_safely(command: Callable[[list[str]], int], arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run the command and return a status whatever it raises; a bug of ours leaves a report."""
    try:
        with stops_raise():
            return int(command(arguments))
    except BaseException as error:  # noqa: BLE001 - the one place where a bug of ours becomes a report
        leave_nobody()
        return _answer(error, arguments, environ)


def _answer(error: BaseException, arguments: list[str], environ: Mapping[str, str]) -> int:
    """Return the status of a command that was ended by this."""
    if isinstance(error, Stopped):
        return of_signal(error.number)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Exit.INTERRUPTED
    if isinstance(error, BrokenPipeError):  # a reader that left needs no word
        return Exit.FAILED
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return _unwritten(error)
    if isinstance(error, Exception):
        return _bug(error, arguments, environ)
    raise error


def _unwritten(error: OSError) -> int:
    """Say why what was to be printed is lost."""
    with suppress(OSError):
        click.echo(f"the output cannot be written: {error.strerror}", err=True)
    return Exit.FAILED


_UNWRITABLE: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG})
"""What says that the output has no place to go, which is no bug of ours."""


def _command(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="orchestrator", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        from orchestrator.core.errors import FlowError  # noqa: PLC0415 - only an error pays for it

        if not isinstance(error, FlowError):
            raise
        click.echo(str(error), err=True)
        return Exit.USAGE
    return result if isinstance(result, int) else Exit.OK


def _bug(error: Exception, arguments: list[str], environ: Mapping[str, str]) -> int:
    from orchestrator.cli.bugs import report  # noqa: PLC0415 - only a bug pays for it

    line = report(error, arguments, environ)
    with suppress(OSError):
        click.echo(line, err=True)
    return Exit.BUG
