"""Every text of a task that may hold a template, with what it may name there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from orchestrator.core.errors import Code
from orchestrator.core.flow import FLOW_KIND, ForEach, Matrix
from orchestrator.core.output import COMMON_FIELDS
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Path, has_template
from orchestrator.flows.names import LOOP, Place, Shape
from orchestrator.flows.reading import check_numbers
from orchestrator.flows.tasks import Draft
from orchestrator.flows.templating import Sort, Use, texts

_EVERYWHERE = Place()

FAN_OUTS: Final = ("for_each", "matrix")
_RENDERED: Final = ("approve", "save")
"""Keys of every task, besides the one of its kind, that hold templates for each instance."""

LONGEST_CHAIN: Final = 100
"""How many fan-outs may follow one another with `each`."""


class Places:
    """What the templates of each task may name, besides what the whole file knows."""

    def __init__(self, drafts: Mapping[str, Draft]) -> None:
        self._drafts = drafts
        self._known: dict[str, Place] = {}

    def of(self, draft: Draft) -> Place:
        """Return the place of what is rendered for each instance."""
        if draft.fan_out is None:
            return _EVERYWHERE
        if draft.id not in self._known:
            self._known[draft.id] = self._chain(draft)
        return self._known[draft.id]

    def _chain(self, draft: Draft) -> Place:
        """Follow the fan-outs that each other: an instance sees its partner, and all that the partner saw."""
        paired: dict[str, None] = {}
        while draft.each in self._drafts and draft.each not in paired and len(paired) < LONGEST_CHAIN:
            paired[draft.each or ""] = None
            draft = self._drafts[draft.each or ""]
        return Place(_bound(draft.fan_out), frozenset(paired))


def _bound(fan_out: ForEach | Matrix | None) -> frozenset[str]:
    match fan_out:
        case ForEach():
            return LOOP | {fan_out.name}
        case Matrix():
            return LOOP | {"matrix", *fan_out.axes, *(name for row in fan_out.include for name in row)}
        case None:
            return LOOP


# ── the uses of one task ────────────────────────────────────────────────────────────────────────


def uses(draft: Draft, place: Place, shape: Shape | None) -> Iterator[Use]:
    """Yield every text of the task that may hold a template."""
    data, path = draft.data, draft.path
    yield from _settings(draft, place)
    if draft.fan_out is not None:
        yield from _fan_out(data, path, place)
    for key in _RENDERED:
        if key in data:
            yield from _templates(data, key, path, place)
    if "when" in data:
        yield from _expression(data, "when", path, place)
    if "until" in data:
        yield from _expression(data, "until", path, _own(place, shape))


def _expression(data: Mapping[str, Any], key: str, path: Path, place: Place) -> Iterator[Use]:
    text = data.get(key)
    if isinstance(text, str) and text.strip():
        yield Use((*path, key), text, place, Sort.EXPRESSION)


def _templates(data: Mapping[str, Any], key: str, path: Path, place: Place) -> Iterator[Use]:
    for where, text in texts(data.get(key), (*path, key)):
        yield Use(where, text, place)


def _own(place: Place, shape: Shape | None) -> Place:
    """Return the place of `until`, which sees the fields of the task's own output as names."""
    if shape is None or shape.fields is None:
        return replace(place, is_open=True)
    return replace(place, local=place.local | shape.fields.keys() | set(COMMON_FIELDS), fields=(*shape.fields,))


def _fan_out(data: Mapping[str, Any], path: Path, place: Place) -> Iterator[Use]:
    """Yield the texts that make the instances: they stand before any instance is there."""
    for_each = data.get("for_each")
    if isinstance(for_each, dict):
        yield from _templates(for_each, "items", (*path, "for_each"), _EVERYWHERE)
        yield from _templates(for_each, "label", (*path, "for_each"), Place(place.local - {"label"}))
    else:
        yield from _templates(data, "for_each", path, _EVERYWHERE)
    yield from _templates(data, "matrix", path, _EVERYWHERE)


def _settings(draft: Draft, place: Place) -> Iterator[Use]:
    match draft.kind:
        case _ if draft.sort is None:
            return
        case "flow":
            yield from _flow_inputs(draft, place)
        case "shell":
            yield from _shell(draft, place)
        case "agent" | "subagent":
            yield from _agent(draft, place)
        case kind:
            yield from _templates(draft.data, kind, draft.path, place)


def _flow_inputs(draft: Draft, place: Place) -> Iterator[Use]:
    call = draft.data.get(FLOW_KIND)
    if isinstance(call, dict):
        yield from _templates(call, "inputs", (*draft.path, FLOW_KIND), place)


def _agent(draft: Draft, place: Place) -> Iterator[Use]:
    """The command that verifies what an agent did is read as a shell would; all else holds plain templates."""
    check = (*draft.path, draft.kind, "verify", "shell")
    for where, text in texts(draft.data.get(draft.kind), (*draft.path, draft.kind)):
        yield Use(where, text, place, Sort.SHELL if where == check else Sort.TEMPLATE)


def _shell(draft: Draft, place: Place) -> Iterator[Use]:
    """A command that is a text is read as a shell would; one that is a list holds plain templates."""
    path = (*draft.path, "shell")
    written = draft.data["shell"]
    settings = written if isinstance(written, dict) else {"command": written}
    for key in settings:
        if key != "command":
            yield from _templates(settings, key, path, place)
    command = settings.get("command")
    where = (*path, "command") if isinstance(written, dict) else path
    if settings.get("templates") is False:
        return
    if isinstance(command, str) and has_template(command):
        yield Use(where, command, place, Sort.SHELL)
    elif isinstance(command, list):
        yield from (Use(at, text, place) for at, text in texts(command, where))


def check_fan_outs(drafts: Mapping[str, Draft], findings: Findings) -> None:
    """Check the names that fan-outs give, and that `each` follows a fan-out."""
    _check_chains(drafts, findings)
    for draft in drafts.values():
        fan_out, path = draft.fan_out, draft.path
        for key in FAN_OUTS:
            check_numbers(draft.data.get(key), (*path, key), findings)
        if isinstance(fan_out, Matrix):
            for name in fan_out.axes:
                _check_name(name, (*path, "matrix", name), drafts, findings)
        elif isinstance(fan_out, ForEach) and fan_out.each is None:
            _check_name(fan_out.name, (*path, "for_each", "as"), drafts, findings)
        elif isinstance(fan_out, ForEach):
            _check_each(draft, drafts, findings)


def _check_chains(drafts: Mapping[str, Draft], findings: Findings) -> None:
    followers: dict[str, list[str]] = {}
    for draft in drafts.values():
        if draft.each is not None:
            followers.setdefault(draft.each, []).append(draft.id)
    last = [name for name in followers if name in drafts and drafts[name].each is None]
    for _ in range(LONGEST_CHAIN):
        last = [follower for name in last for follower in followers.get(name, ())]
    for name in last:
        message = f"{name!r} is the last of more than {LONGEST_CHAIN} fan-outs that follow one another"
        findings.add(message, ("tasks", name, "for_each", "each"), code=Code.FLOW_LIMIT)


def _check_name(name: str, path: Path, drafts: Mapping[str, Draft], findings: Findings) -> None:
    if name in drafts:
        findings.add(f"{name!r} is the id of a task, so it cannot name an item", path, "choose another name")
    elif name in {"inputs", "input", "env", "run", "secrets", "label", "index", "matrix"}:
        findings.add(f"{name!r} means something else in templates", path, "choose another name")


def _check_each(draft: Draft, drafts: Mapping[str, Draft], findings: Findings) -> None:
    path = (*draft.path, "for_each", "each")
    partner = drafts.get(draft.each or "")
    if partner is None:
        hint = findings.suggest(draft.each or "", drafts) or "expected the id of a task with for_each or matrix"
        findings.add(f"there is no task {draft.each!r}", path, hint, code=Code.UNKNOWN_NAME)
    elif partner.fan_out is None:
        hint = "each follows a task with for_each or matrix"
        findings.add(f"{draft.each!r} has no instances to follow", path, hint, code=Code.UNKNOWN_NAME)
