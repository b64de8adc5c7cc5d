from __future__ import annotations

import io
import json
import threading

from orchestrator.cli.eventlog import LinesPrinted, OutputsKept
from orchestrator.core import events as ev
from orchestrator.core.codec import decode
from orchestrator.core.states import Outcome
from tests.cli.story import Story


def story() -> Story:
    return Story().adds("a", "b").starts("a").succeeds("a", {"stdout": "x\u2028y"}).starts("b").fails("b")


def test_every_event_is_printed_losslessly_one_a_line() -> None:
    stream, records = io.StringIO(), story().records
    printed = LinesPrinted(stream, lambda: None)
    for record in records:
        printed.append([record])
    printed.close()
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    assert [decode(json.loads(line)) for line in lines] == records
    assert {"type", "seq", "at", "run"} <= json.loads(lines[0]).keys()


class Stuck(io.StringIO):
    """A reader that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait(10)
        return super().write(text)


def test_a_reader_that_does_not_read_stops_nobody() -> None:
    stream = Stuck()
    printed = LinesPrinted(stream, lambda: None)
    for record in story().records:
        printed.append([record])
    stream.go.set()
    printed.close()
    assert len(stream.getvalue().splitlines()) == len(story().records)


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError


def test_a_reader_that_is_gone_is_told_once_and_quietly() -> None:
    told: list[str] = []
    printed = LinesPrinted(Gone(), lambda: told.append("gone"))
    for record in story().records:
        printed.append([record])
    printed.close()
    printed.close()
    assert told == ["gone"]


def test_outputs_are_kept_for_the_report_and_dropped_with_a_reset() -> None:
    kept = OutputsKept()
    kept.append(story().records)
    assert kept.outputs == {"a": {"stdout": "x\u2028y"}, "b": None}
    reset = story().ends(Outcome.FAILED).happens(ev.RunReopened("operator"), ev.TaskReset("b", "retry"))
    kept.append(reset.records)
    assert "b" not in kept.outputs
