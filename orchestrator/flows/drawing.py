"""The graph of a flow as text for reading, as mermaid for Markdown, as dot for Graphviz."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from orchestrator.core.flow import DEFAULT_GROUP, FLOW_KIND, Condition, Flow, FlowCall, Need, Task
from orchestrator.flows.counting import instances
from orchestrator.flows.dependencies import in_order

TIMES: Final = "\N{MULTIPLICATION SIGN}"


def graph(flow: Flow, shape: str = "text") -> str:
    """Return the drawing: `text`, `mermaid` or `dot`."""
    return "\n".join(_DRAWN[shape](flow)) + "\n"


def _groups(flow: Flow) -> dict[str, list[Task]]:
    """Return the tasks by group, each after what it needs."""
    groups: dict[str, list[Task]] = {}
    for name in in_order({task.id: [need.task for need in task.needs] for task in flow.tasks.values()}):
        groups.setdefault(flow.tasks[name].group, []).append(flow.tasks[name])
    return groups


def _label(flow: Flow, task: Task) -> str:
    """Return the task's id, its kind, and how often it runs."""
    count = instances(flow, task)
    times = "" if task.fan_out is None else f" {TIMES}{'?' if count is None else count}"
    kind = _plain(str(task.settings.file).rpartition("/")[2]) if isinstance(task.settings, FlowCall) else task.kind
    return f"{task.id}{times} ({kind})"


def _condition(need: Need) -> str:
    return "" if need.condition is Condition.SUCCEEDED else need.condition.value.replace("_", " ")


def _plain(text: str) -> str:
    """Return the text without what would end a label in one of the formats."""
    return "".join(char for char in text if char.isprintable() and char not in '"<>[]{}()|\\')


# ── text ────────────────────────────────────────────────────────────────────────────────────────


def _text(flow: Flow) -> Iterator[str]:
    yield flow.name
    for group, tasks in _groups(flow).items():
        yield f"  {group}"
        width = max(len(_label(flow, task)) for task in tasks)
        for task in tasks:
            needs = ", ".join(_need_in_text(need) for need in task.needs)
            label = _label(flow, task)
            yield f"    {label.ljust(width)}  ← {needs}" if needs else f"    {label}"


def _need_in_text(need: Need) -> str:
    condition = _condition(need)
    return f"{need.task} ({condition})" if condition else need.task


# ── mermaid ─────────────────────────────────────────────────────────────────────────────────────


def _mermaid(flow: Flow) -> Iterator[str]:
    nodes = _numbers(flow)
    yield "flowchart LR"
    for number, (group, tasks) in enumerate(_groups(flow).items()):
        if group == DEFAULT_GROUP:
            yield from (f"  {_mermaid_node(flow, task, nodes)}" for task in tasks)
            continue
        yield f'  subgraph g{number}["{_plain(group)}"]'
        yield from (f"    {_mermaid_node(flow, task, nodes)}" for task in tasks)
        yield "  end"
    for task in flow.tasks.values():
        for need in task.needs:
            condition = _condition(need)
            arrow = f"-. {condition} .->" if condition else "-->"
            yield f"  {nodes[need.task]} {arrow} {nodes[task.id]}"


def _mermaid_node(flow: Flow, task: Task, nodes: Mapping[str, str]) -> str:
    begin, end = ("[[", "]]") if task.kind == FLOW_KIND else ("[", "]")
    return f'{nodes[task.id]}{begin}"{_label(flow, task)}"{end}'


def _numbers(flow: Flow) -> dict[str, str]:
    """Return a name for each task that no format takes for a word of its own, such as `end`."""
    return {task: f"t{number}" for number, task in enumerate(flow.tasks)}


# ── dot ─────────────────────────────────────────────────────────────────────────────────────────


def _dot(flow: Flow) -> Iterator[str]:
    nodes = _numbers(flow)
    yield f'digraph "{_plain(flow.name)}" {{'
    yield "  rankdir=LR"
    yield "  node [shape=box, style=rounded]"
    for number, (group, tasks) in enumerate(_groups(flow).items()):
        lines = [f'{nodes[task.id]} [label="{_label(flow, task)}"]' for task in tasks]
        if group == DEFAULT_GROUP:
            yield from (f"  {line}" for line in lines)
            continue
        yield f"  subgraph cluster_{number} {{"
        yield f'    label="{_plain(group)}"'
        yield from (f"    {line}" for line in lines)
        yield "  }"
    for task in flow.tasks.values():
        for need in task.needs:
            condition = _condition(need)
            style = f' [label="{condition}", style=dashed]' if condition else ""
            yield f"  {nodes[need.task]} -> {nodes[task.id]}{style}"
    yield "}"


_DRAWN: Final[Mapping[str, Callable[[Flow], Iterator[str]]]] = {"text": _text, "mermaid": _mermaid, "dot": _dot}
