"""What is left behind when the fault is ours: a report file and one line that names it."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import __version__
from orchestrator.cli.places import short, state_folder


def report(error: BaseException, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Write the report and return the line for the person at the terminal."""
    text = _text(error, arguments)
    where = _write(text, environ)
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


def _write(text: str, environ: Mapping[str, str]) -> str | None:
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S")
    name = f"bug-{stamp}-{os.getpid()}.txt"
    for folder in (state_folder(environ) / "reports", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return str(path)
    return None
