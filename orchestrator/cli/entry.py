"""From an argument list to an exit status: every error ends here, as advice and a number, never as a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

import click

from orchestrator.cli.commands import cli
from orchestrator.cli.exits import Exit
from orchestrator.cli.streams import fill_gaps, last_flush


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    fill_gaps()
    given = list(sys.argv[1:] if arguments is None else arguments)
    status = run_safely(_command, given, os.environ)
    last_flush()
    return status


def run_safely(command: Callable[[list[str]], int], arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run the command and return a status whatever it raises; a bug of ours leaves a report."""
    try:
        return int(command(arguments))
    except BrokenPipeError:
        return Exit.FAILED
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where a bug of ours becomes a report
        return _bug(error, arguments, environ)


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
    try:
        click.echo(line, err=True)
    except OSError:
        return Exit.BUG
    return Exit.BUG
