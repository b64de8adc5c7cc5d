"""What a function leaves behind: plain values for the tasks that follow, or an error in the user's own terms."""

from __future__ import annotations

import json
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Final

from orchestrator.core.errors import AttemptError, Code, WorkError

OURS: Final = str(Path(__file__).parent)
SHOWN_FRAMES: Final = 8


def fields(value: object) -> dict[str, object]:
    """Return the output's fields. Raises WorkError for what other tasks could not read."""
    plain = _plain(value)
    own = plain if isinstance(plain, dict) else {}
    return {**own, "value": plain}


def _plain(value: object) -> object:
    """Return the value as JSON would carry it: a copy, so that nobody changes it later."""
    if value is None or isinstance(value, bool):
        return value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise WorkError(
            f"the function returned what is no JSON: {_reason(error)}",
            code=Code.UNREADABLE_OUTPUT,
            hint="return None, booleans, numbers, texts, and lists and mappings of them",
        ) from error


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def failure(error: BaseException) -> AttemptError:
    """Return the error of an attempt whose function raised this one."""
    if isinstance(error, AttemptError):
        return error
    said = _said(error)
    name = type(error).__name__
    return WorkError(f"{name}: {said}" if said else name, code=Code.RAISED)


def story(error: BaseException) -> str:
    """Return the traceback from the user's own frames on, the last ones where there are many."""
    told = TracebackException(type(error), error, error.__traceback__)
    told.stack = StackSummary.from_list([frame for frame in told.stack if not _is_ours(frame)][-SHOWN_FRAMES:])
    return "".join(told.format())


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - foreign code: an exception that cannot say what it is
        return ""


def _is_ours(frame: FrameSummary) -> bool:
    return frame.filename.startswith((OURS, "<frozen importlib"))
