"""What is left behind when the fault is ours: a report file and one line that names it."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Mapping, Sequence

from orchestrator import __version__
from orchestrator.cli.places import short
from orchestrator.config.places import state_folder, write_report


def report(error: BaseException, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Write the report and return the line for the person at the terminal."""
    text = _text(error, arguments)
    where = write_report(text, state_folder(environ))
    advice = f"the report is {short(where, environ)}" if where else "and the report could not be written"
    return f"internal error: {type(error).__name__}: {_first_line(error)}; {advice}"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else "no message"


def _text(error: BaseException, arguments: Sequence[str]) -> str:
    facts = (
        f"orchestrator {__version__}",
        f"python {platform.python_version()} on {platform.platform()}",
        f"arguments: {' '.join(_without_values(arguments))}",
        "",
    )
    return "\n".join(facts) + "".join(traceback.format_exception(error))


def _without_values(arguments: Sequence[str]) -> list[str]:
    """Leave out the values of inputs: they may be secret."""
    return [argument.partition("=")[0] + "=…" if "=" in argument else argument for argument in arguments]
