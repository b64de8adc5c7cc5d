"""Events as lines: all of them, in their order, and a reader who goes away."""

from __future__ import annotations

import io
import json
import os

from orchestrator.core.events import GroupPaused, Record
from orchestrator.journal import JsonLines


def records(first: int, last: int) -> list[Record]:
    return [Record("r", seq, seq / 10, GroupPaused("left", "you")) for seq in range(first, last)]


def test_every_event_is_a_line_when_the_journal_is_closed() -> None:
    stream, gone = io.StringIO(), list[str]()
    journal = JsonLines(stream, lambda: gone.append("gone"))
    journal.append(records(0, 3))
    journal.append(records(3, 5))
    journal.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["seq"] for line in lines] == [0, 1, 2, 3, 4]
    assert gone == []


def test_closing_twice_is_closing_once() -> None:
    journal = JsonLines(stream := io.StringIO(), lambda: None, owns_stream=True)
    journal.close()
    journal.close()
    assert stream.closed


def test_a_reader_who_has_gone_is_told_of_and_holds_up_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    gone = list[str]()
    with open(writer, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a pipe has no path
        journal = JsonLines(stream, lambda: gone.append("gone"))
        journal.append(records(0, 1))
        journal.close()
        journal.append(records(1, 2))
        journal.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # what is left in the stream has to go somewhere
    assert gone == ["gone"]
