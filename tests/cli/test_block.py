from __future__ import annotations

import io
import os

import pyte

from orchestrator.cli.block import MOST_ROWS, Block, frame
from orchestrator.cli.streams import Looks, Out
from orchestrator.cli.words import cells, clean
from orchestrator.core import events as ev
from orchestrator.core.states import BreakerState, Reason
from tests.cli.story import Story

PLAIN = Looks(terminal=True)


class Terminal(Out):
    """A terminal of a given size that draws what is written to it."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(io.StringIO(), PLAIN)
        self.screen = pyte.Screen(columns, rows)
        self._feed = pyte.Stream(self.screen)

    def write(self, text: str) -> None:
        self._feed.feed(text.replace("\n", "\r\n"))

    def size(self) -> os.terminal_size:
        return os.terminal_size((self.screen.columns, self.screen.lines))

    @property
    def shown(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display if line.strip()]


def busy(tasks: int) -> Story:
    story = Story().adds(*(f"task-{number}" for number in range(tasks)))
    for number in range(tasks):
        story.happens(ev.TaskWaiting(f"task-{number}", Reason.SLOT), ev.AttemptStarted(f"task-{number}", 1, 1))
    return story


def test_the_block_counts_and_names_what_runs() -> None:
    story = Story().adds("fetch", "report").starts("fetch").writes("fetch", "page 3 of 9\n")
    lines = frame(story.run, 12, width=80, height=24, looks=PLAIN)
    assert lines == ["00:12  0 of 2 done, 1 running, 1 pending", "  fetch     12s  page 3 of 9"]


def test_the_block_is_never_wider_than_the_terminal() -> None:
    story = Story().adds("日本" * 30).starts("日本" * 30).writes("日本" * 30, "語" * 200)
    lines = frame(story.run, 1, width=40, height=24, looks=Looks(terminal=True, colour=True))
    assert max(cells(clean(line)) for line in lines) <= 39


def test_the_block_is_never_higher_than_its_share() -> None:
    for height in (6, 24, 80):
        lines = frame(busy(50).run, 1, width=80, height=height, looks=PLAIN)
        assert len(lines) <= min(MOST_ROWS, height - 2)
        assert lines[-1].endswith("more running")


def test_an_open_breaker_stands_in_the_block() -> None:
    story = Story(backends=["web"]).happens(
        ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "5 failures", until=30)
    )
    assert "  breaker web open, 20s left (5 failures)" in frame(story.run, 10, width=80, height=24, looks=PLAIN)


def test_a_hold_stands_in_the_block_until_it_ends() -> None:
    story = Story(backends=["web"]).happens(ev.BackendHeld("web", None, "usage limit", Reason.QUOTA))
    assert "  backend web held, until you act (usage limit)" in frame(story.run, 10, width=80, height=24, looks=PLAIN)
    story.happens(ev.BackendHeld("web", None, "the hold ended"))
    assert not any("held" in line for line in frame(story.run, 10, width=80, height=24, looks=PLAIN))


def test_without_unicode_the_block_is_ascii() -> None:
    lines = frame(busy(50).run, 1, width=80, height=24, looks=Looks(terminal=True, unicode=False))
    assert "".join(lines).isascii()


def test_a_block_replaces_itself_and_lines_stay_above_it() -> None:
    terminal = Terminal(40, 10)
    block = Block(terminal)
    block.draw(["one", "two", "three"])
    block.above("lasting\n")
    block.draw(["four"])
    assert terminal.shown == ["lasting", "four"]
    block.clear()
    assert terminal.shown == ["lasting"]


def test_a_block_on_a_terminal_that_became_narrower_leaves_nothing_behind() -> None:
    terminal = Terminal(40, 10)
    block = Block(terminal)
    block.draw(["x" * 35])
    narrow = Terminal(20, 10)
    narrow.write("x" * 20 + "\n" + "x" * 15 + "\n")  # how a terminal wraps the line when it shrinks
    terminal.screen, terminal._feed = narrow.screen, narrow._feed
    block.clear()
    assert terminal.shown == []
