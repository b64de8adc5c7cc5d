"""Inputs that may be unset: nobody has to give them, and they have no default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.core.flow import Input
from orchestrator.flows.findings import Findings
from orchestrator.flows.templating import Sort, Use


class Unset:
    """Warns of those that templates write down as if they were there.

    Who asks for one anywhere, in `when` or in a larger expression, knows of it.
    """

    def __init__(self, inputs: Mapping[str, Input], written: Mapping[str, Any], findings: Findings) -> None:
        unset = [name for name, one in inputs.items() if not (one.required or "default" in (written[name] or {}))]
        name = rf"inputs?\.({'|'.join(unset)})"
        self._named = re.compile(rf"\b{name}\b") if unset else None
        self._plain = re.compile(rf"\{{\{{\s*{name}\s*\}}\}}|\$\{{{name}\}}")
        self._findings = findings
        self._taken: set[str] = set()
        self._asked: set[str] = set()

    def saw(self, use: Use) -> None:
        if self._named is None:
            return
        rest = use.text
        if use.sort is not Sort.EXPRESSION:
            self._taken.update(one or other for one, other in self._plain.findall(rest))
            rest = self._plain.sub("", rest)
        self._asked.update(self._named.findall(rest))

    def tell(self) -> None:
        for name in sorted(self._taken - self._asked):
            message = f"the input {name!r} may be empty: nobody has to give it, and it has no default"
            self._findings.warn(
                message, ("inputs", name), "write `required: true`, or a default: `default: null` says so"
            )
