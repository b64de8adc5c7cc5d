"""What a task leaves behind, as its dependants' templates see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core.fact import fact

DEFAULT_MAX_OUTPUT = 1 << 20
"""Bytes of one field of a task's output that are kept in memory; ORCHESTRATOR_MAX_OUTPUT changes it."""


@fact
class Cut:
    """A text that was longer than memory allows: its beginning, the limit in bytes, and the file that holds it all."""

    kept: str
    limit: int
    path: str


@fact
class OutputShape:
    """The fields that a kind's output has, each with its empty value, and the one that a bare name stands for."""

    main: str
    fields: Mapping[str, object]


COMMON_FIELDS = (
    "state",
    "error",
    "attempts",
    "duration_s",
    "tokens",
    "cost_usd",
    "backend",
    "item",
    "label",
    "index",
)
"""The fields that every kind's output has besides its own."""


class Output(Mapping[str, object]):
    """A read-only view of one task's output. Used bare in a template it stands for its main field."""

    __slots__ = ("_fields", "kind", "main_field")

    def __init__(self, kind: str, main_field: str, fields: Mapping[str, object]) -> None:
        self.kind = kind
        self.main_field = main_field
        self._fields = fields

    @property
    def main(self) -> object:
        return self._fields.get(self.main_field)

    def __getitem__(self, key: str) -> object:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Output({self.kind}, {dict(self._fields)!r})"
