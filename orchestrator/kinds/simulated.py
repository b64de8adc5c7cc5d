"""Answers of a task that nobody carries out: those that its flow gives it, or empty ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TypeGuard

from orchestrator.core.errors import TRANSIENT_STATUS, Code, InputError, UpstreamError, WorkError
from orchestrator.core.flow import Json
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Context, Performer
from orchestrator.core.simulation import OK, SCRIPT, Ending, Outcome, error_of, is_outcome, outcome
from orchestrator.templates import text_of


async def run_simulated(shape: OutputShape, settings: object, simulate: Json, context: Context) -> Mapping[str, object]:
    """Do a task's work without doing it. `simulate` is what the flow says of it, templates rendered.

    A list of outcomes, by itself or as `script` beside the output, is used up attempt by attempt; afterwards all is
    well. Anything else is the output: a mapping of its fields, or the value of its main field. An output that the task
    itself would not accept fails as it would.
    """
    if isinstance(context.backend, Performer):
        await context.backend.perform(context)
    script, answer = scripted(simulate)
    await _end_as(_nth(script, context.attempt))
    output = _output(shape, settings, answer, context)
    context.write("out", _shown(output[shape.main]))
    _check(output, settings)
    return output


def is_script(simulate: Json) -> TypeGuard[Sequence[str | int]]:
    """Tell whether this is a list of outcomes."""
    return isinstance(simulate, list | tuple) and len(simulate) > 0 and all(map(is_outcome, simulate))


def scripted(simulate: Json) -> tuple[Sequence[str | int], Json]:
    """Return the outcomes of the attempts, and what is answered where all is well."""
    if is_script(simulate):
        return simulate, None
    if isinstance(simulate, Mapping) and is_script(script := simulate.get(SCRIPT)):
        return script, {name: value for name, value in simulate.items() if name != SCRIPT} or None
    return (), simulate


def _nth(script: Sequence[str | int], attempt: int) -> Outcome:
    return outcome(script[attempt - 1]) if attempt <= len(script) else OK


async def _end_as(result: Outcome) -> None:
    if result.ending is Ending.HANG:
        await asyncio.get_running_loop().create_future()
    if error := error_of(result):
        raise error


# ── the output ──────────────────────────────────────────────────────────────────────────────────


def _output(shape: OutputShape, settings: object, simulate: Json, context: Context) -> dict[str, object]:
    defaults = {
        "stdout_path": context.path("out"),
        "path": context.path("out"),
        "exit_code": next(iter(_accepted(settings)), 0),
        "status": next(iter(_expected(settings)), 200),
    }
    known = {name: value for name, value in defaults.items() if name in shape.fields}
    return {**shape.fields, **known, **_given(shape, simulate)}


def _given(shape: OutputShape, simulate: Json) -> Mapping[str, object]:
    if simulate is None:
        return {}
    if not isinstance(simulate, Mapping):
        return {shape.main: simulate}
    if len(shape.fields) == 1 and shape.main not in simulate:
        return {**simulate, shape.main: simulate}  # a mapping is a function's value, and its keys are fields
    for name in simulate:
        if name not in shape.fields:
            raise _unknown(name, shape)
    return simulate


def _unknown(name: str, shape: OutputShape) -> InputError:
    close = get_close_matches(name, shape.fields, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(shape.fields)}"
    return InputError(f"simulate: the output has no field {name!r}", hint=hint)


def _shown(value: object) -> str:
    return "" if value is None else text_of(value)


# ── what the task would not accept ──────────────────────────────────────────────────────────────


def _check(output: dict[str, object], settings: object) -> None:
    """Fail as the kind would where the output holds an exit code or a status that is not accepted."""
    code, status = output.get("exit_code"), output.get("status")
    if isinstance(code, int) and code not in _accepted(settings):
        raise WorkError(f"simulated: exit code {code}", code=Code.EXIT_CODE, exit_code=code, output=output)
    if isinstance(status, int) and status not in (_expected(settings) or range(200, 300)):
        transient = status in TRANSIENT_STATUS
        raise UpstreamError(f"simulated: answered {status}", transient=transient, status=status, output=output)


def _accepted(settings: object) -> Sequence[int]:
    accept: Sequence[int] = getattr(settings, "accept", (0,))
    return accept


def _expected(settings: object) -> Sequence[int]:
    expect: Sequence[int] = getattr(settings, "expect", ())
    return expect
