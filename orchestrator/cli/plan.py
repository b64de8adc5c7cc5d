"""What is said of a flow without running it: its errors, its plan, its bounds, its graph, its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.bootstrap import load, registry, unread
from orchestrator.cli.exits import Exit
from orchestrator.cli.streams import Streams, standard_streams
from orchestrator.cli.words import amount, cells, money, one_line, pad
from orchestrator.core.errors import FlowError
from orchestrator.core.flow import Flow
from orchestrator.core.units import many
from orchestrator.flows.bounds import Bounds, bounds, say_seconds
from orchestrator.flows.counting import with_known_lists
from orchestrator.flows.drawing import graph
from orchestrator.flows.estimates import TaskEstimate, estimates
from orchestrator.flows.jsonschema import json_schema
from orchestrator.flows.plan import Plan, Planned, PlannedGroup, plan

MOST_TASKS: Final = 50
"""Tasks of one group that the plan names."""

MOST_OF_A_CHAIN: Final = 12
"""Tasks of the longest chain that the plan names."""


_TIMES: Final = "\N{MULTIPLICATION SIGN}"


def validate_all(files: Sequence[str]) -> int:
    """Check every file; print plans to stdout, errors and warnings to stderr."""
    streams = standard_streams()
    good = [_validate(file, streams, blank=number > 0) for number, file in enumerate(files)]
    return Exit.OK if all(good) else Exit.USAGE


def _validate(file: str, streams: Streams, *, blank: bool) -> bool:
    try:
        loaded = load(file)
    except FlowError as error:
        streams.err.line(str(error))
        return False
    for warning in (*loaded.warnings, *unread(loaded.flow)):
        streams.err.line(f"warning: {warning}")
    streams.out.write(("\n" if blank else "") + plan_text(with_known_lists(loaded.flow)))
    return True


def draw(file: str, shape: str) -> None:
    standard_streams().out.write(graph(with_known_lists(load(file).flow), shape))


def print_schema() -> None:
    out = standard_streams().out
    out.line(json.dumps(json_schema(registry()), indent=2, ensure_ascii=not out.looks.unicode))


# ── the plan ────────────────────────────────────────────────────────────────────────────────────


def plan_text(flow: Flow, *, by_task: bool = False) -> str:
    """Return the plan and the bounds of a flow, for people; with what each task comes to at most if that is wanted."""
    planned = plan(flow)
    lines = [*_head(flow, planned), *(line for group in planned.groups for line in _group(group))]
    if by_task:
        lines += ["  at most, task by task", *_table(estimates(flow, registry()))]
    lines += ["  at worst", *_bounds(bounds(flow, registry()))]
    return "".join(f"{line}\n" for line in lines)


def _head(flow: Flow, planned: Plan) -> Iterator[str]:
    at_least = "at least " if planned.unknown else ""
    groups = f" in {many(len(planned.groups), 'group')}" if len(planned.groups) > 1 else ""
    width = min(planned.widest, flow.max_concurrency)
    yield f"{one_line(flow.name)}: {at_least}{many(planned.tasks, 'task')}{groups}, at most {width} at once"
    yield f"  longest chain: {_chain(planned.longest)}"


def _chain(names: Sequence[str]) -> str:
    if len(names) > MOST_OF_A_CHAIN:
        names = [*names[: MOST_OF_A_CHAIN - 1], f"… {len(names) - MOST_OF_A_CHAIN} more …", names[-1]]
    return " → ".join(names)


def _group(group: PlannedGroup) -> Iterator[str]:
    bound = f" (at most {group.max_concurrency} at once)" if group.max_concurrency else ""
    yield f"  group {group.name}{bound}"
    shown = group.tasks[:MOST_TASKS]
    width = max(len(_name(task)) for task in shown)
    kinds = max(len(task.kind) for task in shown)
    for task in shown:
        needs = f"  after {', '.join(task.needs)}" if task.needs else ""
        yield f"    {pad(_name(task), width)}  {pad(task.kind, kinds)}{needs}".rstrip()
    if len(group.tasks) > len(shown):
        yield f"    … and {len(group.tasks) - len(shown)} more"


def _name(task: Planned) -> str:
    if task.instances is None:
        return f"{task.id} {_TIMES}?"
    return task.id if task.instances == 1 else f"{task.id} {_TIMES}{task.instances}"


# ── the estimates ───────────────────────────────────────────────────────────────────────────────

_HEADS: Final = ("task", "attempts", "calls", "tokens in", "tokens out", "cost")


def _table(found: Sequence[TaskEstimate]) -> Iterator[str]:
    """Yield a line for each task, with numbers under each other."""
    rows = [_HEADS, *(_row(one) for one in found[:MOST_TASKS])]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        columns = (" " * (width - cells(text)) + text for text, width in zip(numbers, widths[1:], strict=True))
        yield f"    {pad(name, widths[0])}  {'  '.join(columns)}".rstrip()
    if len(found) > MOST_TASKS:
        yield f"    … and {len(found) - MOST_TASKS} more"


def _row(one: TaskEstimate) -> tuple[str, ...]:
    if not one.tokens:
        return one.id, str(one.attempts), "", "", "", ""
    cost = "unpriced" if one.cost_usd is None else money(one.cost_usd)
    return (
        one.id,
        str(one.attempts),
        str(one.attempts * one.turns),
        amount(one.input_tokens),
        amount(one.output_tokens),
        cost,
    )


# ── the bounds ──────────────────────────────────────────────────────────────────────────────────


def _bounds(worst: Bounds) -> Iterator[str]:
    yield f"    attempts  {worst.attempts}"
    yield f"    time      {'no limit' if worst.seconds is None else say_seconds(worst.seconds)}"
    if worst.tokens:
        yield f"    tokens    {amount(worst.tokens)}"
        yield f"    cost      {'not known' if worst.cost_usd is None else money(worst.cost_usd)}"
    yield from (f"    rates     {text}" for _, text in worst.forced)
    yield from (f"    note      {one_line(note)}" for note in worst.notes)
