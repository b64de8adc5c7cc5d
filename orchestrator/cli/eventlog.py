"""A journal of the command line that keeps what tasks leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.core.events import Record, TaskFailed, TaskReset, TaskSucceeded
from orchestrator.core.flow import Json


class OutputsKept:
    """A journal that holds the output of every task, for the report."""

    def __init__(self) -> None:
        self.outputs: dict[str, Mapping[str, Json] | None] = {}

    def append(self, records: Sequence[Record]) -> None:
        for record in records:
            event = record.event
            if isinstance(event, TaskSucceeded | TaskFailed):
                self.outputs[event.task] = event.output
            elif isinstance(event, TaskReset):
                self.outputs.pop(event.task, None)

    def close(self) -> None:
        """Keep everything: the report is written after the run."""
