from __future__ import annotations

import io
import os
import threading

from orchestrator.cli.streams import NOTHING_SPECIAL, Looks, Out, Reader
from orchestrator.cli.watching import BlockFace, PlainFace, ReaderWatch, Together, Viewer, Watch
from orchestrator.core.states import Outcome
from tests.cli.story import FakeSession, Story


class Text(Out):
    """A stream that keeps what was written."""

    def __init__(self, looks: Looks = NOTHING_SPECIAL) -> None:
        self.kept = io.StringIO()
        super().__init__(self.kept, looks)

    @property
    def text(self) -> str:
        return self.kept.getvalue()


def two_tasks() -> Story:
    story = Story().adds("a", "b").starts("a").at_second(1).succeeds("a").starts("b").at_second(2).fails("b")
    return story.ends(Outcome.FAILED)


def test_on_a_pipe_every_line_is_appended_as_it_comes() -> None:
    story, session, out = two_tasks(), FakeSession(), Text()
    viewer = Viewer(session, PlainFace(out))
    session.tell(*story.records[:5])
    viewer.tick()
    assert out.text.splitlines()[1:] == ["00:00 a starts"]
    session.tell(*story.records[5:])
    viewer.close()
    assert out.text.splitlines()[-1] == "00:02 run failed: 1 of 2 done, 1 failed"


def test_lines_keep_nothing_of_what_tasks_write() -> None:
    story, session = Story().adds("a").starts("a").writes("a", "hello\n").succeeds("a"), FakeSession()
    viewer = Viewer(session, PlainFace(Text()))
    session.tell(*story.records)
    viewer.tick()
    assert (viewer.run.tails, viewer.run.tally.done) == ({}, 1)


def test_the_block_shows_what_a_task_wrote_last() -> None:
    out, session = Text(Looks(terminal=True)), FakeSession()
    viewer = Viewer(session, BlockFace(out))
    session.tell(*Story().adds("a").starts("a").writes("a", "hello\n").records)
    viewer.tick()
    assert "hello" in out.text


def test_on_a_pipe_the_counts_come_every_thirty_seconds() -> None:
    story, out = Story().adds("a").starts("a"), Text()
    session = FakeSession(story.records)
    viewer = Viewer(session, PlainFace(out))
    for now in (10, 29, 31, 45, 61):
        session.time = now
        viewer.tick()
    assert out.text == "00:31 0 of 1 done, 1 running\n01:01 0 of 1 done, 1 running\n"


def test_a_viewer_that_fell_behind_goes_on_from_what_is() -> None:
    story, session, out = two_tasks(), FakeSession(), Text()
    viewer = Viewer(session, PlainFace(out))
    session.lose(*story.records)
    viewer.tick()
    viewer.close()
    assert viewer.run.outcome is Outcome.FAILED
    assert "events not shown" in out.text


def test_on_a_terminal_only_what_matters_stays_and_the_block_goes_at_the_end() -> None:
    out = Text(Looks(terminal=True))
    session = FakeSession()
    viewer = Viewer(session, BlockFace(out))
    session.tell(*two_tasks().records)
    viewer.tick()
    assert "1 of 2 done, 1 failed" in out.text
    assert "b failed: HTTP 503" in out.text
    assert "a starts" not in out.text
    viewer.close()
    assert out.text.endswith("\x1b[J")


def test_the_block_is_drawn_four_times_a_second_at_most() -> None:
    out = Text(Looks(terminal=True))
    session = FakeSession(Story().adds("a").starts("a").records)
    viewer = Viewer(session, BlockFace(out))
    for tick in range(20):
        session.time = tick / 10
        viewer.tick()
    assert out.text.count("\x1b[J") <= 8


def test_no_colour_is_sent_where_none_is_wanted() -> None:
    for colour in (False, True):
        out = Text(Looks(terminal=True, colour=colour))
        viewer = Viewer(session := FakeSession(), BlockFace(out))
        session.tell(*two_tasks().records)
        viewer.close()
        assert ("\x1b[31m" in out.text) is colour


def test_where_there_is_no_unicode_signs_are_written_in_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Out(stream, Looks(unicode=False)).line("✓ done → 日本")
    assert stream.buffer.getvalue() == b"+ done -> ??\n"


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError


def test_a_reader_that_went_away_is_no_error() -> None:
    out = Out(Broken(), Looks())
    out.line("anybody?")
    assert out.gone


class Stumbles:
    def __init__(self) -> None:
        self.ticked = threading.Event()

    def tick(self) -> None:
        self.ticked.set()
        raise KeyError("a bug")


def test_a_bug_in_what_is_shown_is_kept_and_hurts_nobody() -> None:
    what = Stumbles()
    with Watch(what, every=0.001) as watch:
        assert what.ticked.wait(5)
    assert isinstance(watch.error, KeyError)


def test_a_reader_that_closes_a_pipe_is_seen_without_writing() -> None:
    read, write = os.pipe()
    told: list[str] = []
    with os.fdopen(write, "w") as stream:
        watch = ReaderWatch(Reader(stream), lambda: told.append("gone"))
        watch.tick()
        assert told == []
        os.close(read)
        Together(watch, watch).tick()
        assert told == ["gone"]
