"""Plain data checked against a node of the grammar: values, or problems in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from pydantic_core import SchemaValidator, ValidationError

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Node, OneOf, Path, Text, trace
from orchestrator.flows.wording import Words, label, tell

WRONG: Final = object()
"""What is read where the data is wrong; the problems are with the findings."""

_ABOUT_THE_FORM: Final = frozenset({"extra_forbidden", "missing"})


@fact
class _Fault:
    """One of pydantic's complaints, led back to the grammar and to the data. `place` is below what was read."""

    node: Node
    place: Path
    detail: Mapping[str, Any]

    @property
    def is_about_a_key(self) -> bool:
        return self.detail["type"] in {"extra_forbidden", "later"}

    @property
    def is_number_for_text(self) -> bool:
        return _takes_text(self.node) and isinstance(self.detail["input"], int | float)


class Reader:
    """Reads what one node of the grammar describes."""

    def __init__(self, node: Node) -> None:
        self.node = node

    @cached_property
    def _validator(self) -> SchemaValidator:
        """Return what checks the data: pydantic's core alone, for the rest takes longer to load than all of ours."""
        return SchemaValidator(self.node.core())

    def read(self, data: object, path: Path, findings: Findings) -> Any:  # noqa: ANN401 - what the node makes of it
        """Return the value, or WRONG. `path` is where in the file the data stands."""
        try:
            return self._validator.validate_python(data, context=findings.folder)
        except ValidationError as error:
            faults = [self._fault(detail, data) for detail in error.errors(include_url=False) if not _is_echo(detail)]
        return self._after(faults, data, path, findings)

    def _fault(self, detail: Any, data: object) -> _Fault:  # noqa: ANN401 - pydantic's own record
        steps = detail["loc"]
        if detail["type"] not in _ABOUT_THE_FORM:
            return _Fault(*trace(self.node, steps, data), detail)
        node, place = trace(self.node, steps[:-1], data)
        return _Fault(node, (*place, steps[-1]), detail)

    def _after(self, faults: list[_Fault], data: object, path: Path, findings: Findings) -> Any:  # noqa: ANN401
        """Take numbers for text where they print as they were written, and tell what else is wrong."""
        texts: dict[Path, str] = {}
        for fault in faults:
            printed = _printed(fault, (*path, *fault.place), findings)
            if printed is not None:
                texts[fault.place] = printed
        if texts:
            return self.read(_with_texts(data, texts), path, findings)
        for fault in faults:
            _tell(fault, path, findings)
        return WRONG


def _is_echo(detail: Any) -> bool:  # noqa: ANN401 - pydantic's own record
    """Return whether a list is called too short only because its items are wrong."""
    return bool(detail["type"] == "too_short" and detail["input"])


def _tell(fault: _Fault, path: Path, findings: Findings) -> None:
    path = (*path, *fault.place)
    written = findings.source.written(path) if fault.is_number_for_text else None
    if written is None:
        message, hint, code = tell(fault.node, path, fault.detail, findings.suggest)
    else:
        message, hint, code = _quote_it(path, written, fault.detail["input"])
    add = findings.add_at_key if fault.is_about_a_key else findings.add
    add(message, path, hint, code=code)


# ── numbers where text is expected ──────────────────────────────────────────────────────────────


def _takes_text(node: Node) -> bool:
    return isinstance(node, Text) or (isinstance(node, OneOf) and isinstance(node.members.get("text"), Text))


def _printed(fault: _Fault, path: Path, findings: Findings) -> str | None:
    """Return the text that a number or flag stands for; None where text is not expected, or it prints differently."""
    if not fault.is_number_for_text:
        return None
    printed, written = _as_printed(fault.detail["input"]), findings.source.written(path)
    return printed if written in {printed, None} else None


def _as_printed(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def text_of_number(value: object, path: Path, findings: Findings) -> str | None:
    """Return the text of a number or flag as it was written; None, with a finding, where it prints differently."""
    printed, written = _as_printed(value), findings.source.written(path)
    if written in {printed, None}:
        return printed
    message, hint, code = _quote_it(path, str(written), value)
    findings.add(message, path, hint, code=code)
    return None


def check_numbers(data: object, path: Path, findings: Findings) -> None:
    """Find numbers that would print otherwise than they were written: as labels and in commands they are text."""
    if isinstance(data, dict):
        for key, value in data.items():
            check_numbers(value, (*path, key), findings)
    elif isinstance(data, list):
        for number, value in enumerate(data):
            check_numbers(value, (*path, number), findings)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        text_of_number(data, path, findings)


def _quote_it(path: Path, written: str, value: object) -> Words:
    message = f"{label(path)} is {written}, which would become {value} as text"
    return message, f'quote it: "{written}"', Code.SCHEMA


def _with_texts(data: Any, texts: dict[Path, str]) -> Any:  # noqa: ANN401 - plain data
    """Return a copy with these texts in their places; what an alias shares stays as it is elsewhere."""
    for path, text in texts.items():
        data = _replaced(data, path, text)
    return data


def _replaced(data: Any, path: Path, text: str) -> Any:  # noqa: ANN401 - plain data
    if not path:
        return text
    copy = data.copy()
    copy[path[0]] = _replaced(data[path[0]], path[1:], text)
    return copy
