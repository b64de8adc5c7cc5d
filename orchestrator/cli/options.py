"""The options that several commands share, and how their texts become values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])

DEFAULT_FLOW: Final = "flow.yaml"


def found(ctx: click.Context, param: click.Parameter, flow: str) -> str:
    """Say how to come by a flow where nobody named one and the default is not there."""
    del param
    if flow == DEFAULT_FLOW and not os.path.lexists(flow):
        raise click.UsageError("there is no flow.yaml here; name a FLOW, or make one with `orchestrator init`", ctx)
    return flow


flow_argument = click.argument("flow", metavar="[FLOW]", default=DEFAULT_FLOW, type=click.Path(), callback=found)


class FlowCommand(click.Command):
    """A command on which `--simulate` may stand alone: what follows it is never taken for its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--simulate=all" if each == "--simulate" else each for each in args])


def _pairs(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Return what `name=value` says, as often as it was given; the last one counts."""
    parts = [text.partition("=") for text in given]
    for name, equals, text in parts:
        if not (name and equals):
            raise click.BadParameter(f"{name + equals + text!r} is not name=value", ctx, param)
    return {name: text for name, _, text in parts}


def _length(ctx: click.Context, param: click.Parameter, given: str | None) -> float | None:
    """Return the seconds of a duration."""
    from orchestrator.core.units import seconds  # noqa: PLC0415 - only a duration pays for it

    try:
        return None if given is None else seconds(given)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _dollars(ctx: click.Context, param: click.Parameter, given: float | None) -> float | None:
    """Return an amount of money, as large as a flow's budget may be at most; `nan` is in no range and outside none."""
    if given is not None and not given < _MOST_DOLLARS:
        raise click.BadParameter(f"{given} is no amount of money; write US dollars, such as 5.00", ctx, param)
    return given


def instance(name: str) -> str:
    """Return a task's id as the engine writes it: `review:de`, for shells, is `review[de]`."""
    task, colon, label = name.partition(":")
    return f"{task}[{label}]" if colon and label and "[" not in task else name


def instances(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(instance(name) for name in names)


_MOST_DOLLARS: Final = 1e12

_INPUTS: Final = "Give the flow an input. Lists and maps are JSON; a list may be a,b,c; @FILE takes a file's text."
_SIMULATE: Final = "Touch nothing: every backend and task answers from its simulation. =models swaps the backends only."

inputs_option = click.option(
    "-i", "--input", "inputs", callback=_pairs, multiple=True, metavar="NAME=VALUE", help=_INPUTS
)


def print_logs(*, default: str) -> Callable[[_Function], _Function]:
    return click.option(
        "--print-logs",
        type=click.Choice(["failed", "all", "none"]),
        default=default,
        show_default=True,
        help="Whose last lines of output stand under the summary.",
    )


_RUN_OPTIONS: Final = (
    inputs_option,
    click.option("--only", multiple=True, metavar="TASK", help="Run this task and what it needs; may be repeated."),
    click.option("--simulate", type=click.Choice(["all", "models"]), metavar="[=models]", help=_SIMULATE),
    click.option("--max-concurrency", type=click.IntRange(min=1), metavar="N", help="Run at most N tasks at once."),
    click.option(
        "--budget-usd",
        type=click.FloatRange(min=0),
        callback=_dollars,
        metavar="N",
        help="Spend at most N US dollars.",
    ),
    click.option("--deadline", callback=_length, metavar="D", help="Stop the run after this time: 90, 30s, 5m, 1h30m."),
    click.option("--env-file", type=click.Path(), metavar="F", help="Read environment variables from this file too."),
    click.option("--approve", multiple=True, metavar="TASK", help="Approve this task in advance; may be repeated."),
    click.option("--approve-all", is_flag=True, help="Approve every task in advance."),
    click.option("--seed", type=int, metavar="N", help="Repeat the chance of an earlier run."),
    print_logs(default="failed"),
)


def run_options(function: _Function) -> _Function:
    """Give a command everything that says how a flow runs."""
    for option in reversed(_RUN_OPTIONS):
        function = option(function)
    return function
