"""How the lines of the merged log look."""

from __future__ import annotations

import pytest

from orchestrator.core.run import Run
from orchestrator.tui.filter import Filter, FilterError, parse
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.lines import plain
from orchestrator.tui.loglines import Level
from orchestrator.tui.mergedlog import Entry
from orchestrator.tui.streamlines import UNWRAPPED, Look, Stamps, line_spans, line_text, name_cells, parts
from tests.tui.scene import research

RUN = research().run
LOOK = Look(RUN, UNICODE, 80)
WORDS = "one two three four five six seven eight nine ten eleven twelve"
ENTRY = Entry(63.25, "scrape[site-b]", "out", WORDS)


def text(entry: Entry, look: Look = LOOK, part: int = UNWRAPPED) -> str:
    return plain(line_spans(entry, look, part))


def test_a_line_says_when_whose_from_where_and_what() -> None:
    assert text(Entry(63.25, "scrape[site-b]", "err", "oh")) == " 01:03.2 ✗ scrape[site-b]         err  oh"
    assert text(Entry(3.0, "", "sys", "paused")) == " 00:03.0   run                    sys  paused"


def test_a_task_is_called_with_its_group_where_there_is_room() -> None:
    assert "review/publish" in text(Entry(1.0, "publish", "out", "x"))
    assert name_cells(RUN, 80) == 22
    assert name_cells(RUN, 140) == 24
    assert name_cells(Run(), 140) == 22


def test_a_line_that_finds_no_room_is_cut_off_and_shows_it() -> None:
    assert text(ENTRY).endswith("one two three four five six seven eight …")
    assert text(ENTRY, LOOK._replace(left=8)).endswith("three four five six seven eight nine ten…")


def test_a_wrapped_line_goes_on_under_its_text() -> None:
    rows = [text(ENTRY, part=part) for part in range(parts(ENTRY, LOOK))]
    assert len(rows) == 2
    assert rows[1].strip() == "nine ten eleven twelve"
    assert rows[1].startswith(" " * LOOK.indent)
    assert "".join(row[LOOK.indent :] for row in rows).replace(" ", "") == WORDS.replace(" ", "")


@pytest.mark.parametrize("words", ["", "x", "one two " * 90, "日本語" * 40, "é" * 200, "a" * 4096])
def test_every_part_of_a_line_is_shown_once(words: str) -> None:
    entry = Entry(1.0, "plan", "out", words)
    spans = [line_spans(entry, LOOK, part) for part in range(parts(entry, LOOK))]
    shown = "".join(span.text for line in spans for span in line if span.role == "text" and span.text.strip())
    assert shown == words


def test_time_is_that_of_the_run_of_the_day_or_none() -> None:
    line = Entry(63.25, "plan", "out", "x")
    assert text(line, LOOK._replace(stamps=Stamps.OFF)).startswith(" ✓ plan")
    clock = text(line, LOOK._replace(stamps=Stamps.CLOCK))
    assert clock[3] == clock[6] == ":"
    assert Stamps.ELAPSED.next is Stamps.CLOCK
    assert Stamps.OFF.next is Stamps.ELAPSED


def test_levels_have_colours_beside_their_words() -> None:
    roles = [line_spans(ENTRY._replace(level=level), LOOK, UNWRAPPED)[-1].role for level in Level]
    assert roles == ["text", "warn", "bad"]


def test_what_is_looked_for_stands_out() -> None:
    look = LOOK._replace(filter=parse("three /fo.r/ !nine", of_lines=True))
    found = [span.text for span in line_spans(ENTRY, look, UNWRAPPED) if span.role == "found"]
    assert found == ["three", "four"]
    wrapped = [span.text for span in line_spans(ENTRY, look._replace(filter=parse("nine")), 1) if span.role == "found"]
    assert wrapped == ["nine"]


def test_without_unicode_our_own_signs_are_ascii() -> None:
    line = Entry(1.0, "plan", "sys", "attempt 1/3 failed → next in 2s · web")
    assert text(line, LOOK._replace(glyphs=ASCII)).isascii()
    assert text(Entry(1.0, "", "mark", ""), LOOK._replace(glyphs=ASCII)).isascii()


def test_a_line_is_copied_whole() -> None:
    assert line_text(ENTRY, LOOK) == f"01:03.2 ✗ scrape[site-b]         out {WORDS}"
    assert line_text(Entry(61.0, "", "mark", ""), LOOK) == "---- 01:01 ----"


# ── filters of lines ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "tag", "words", "shown"),
    [
        ("oh", "out", "plan oh no", True),
        ("plan", "out", "plan oh no", True),
        ("!oh", "out", "plan oh no", False),
        ("/o. n/", "out", "plan oh no", True),
        ("tag:err", "out", "x", False),
        ("tag:err,out", "out", "x", True),
        ("!tag:sys", "sys", "x", False),
        ("tag:out oh", "out", "plan nothing", False),
    ],
)
def test_words_and_tags_choose_lines(wanted: str, tag: str, words: str, *, shown: bool) -> None:
    assert parse(wanted, of_lines=True).shows(tag, words) is shown


def test_fields_choose_the_tasks_whose_lines_are_shown() -> None:
    wanted = parse("state:failed oh", of_lines=True)
    assert wanted.allows(RUN.tasks["scrape[site-b]"], 252.0)
    assert not wanted.allows(RUN.tasks["plan"], 252.0)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("tag:", "there are"),
        ("tag:nope", "no tag 'nope'; there are ask, err, log, mark, out, sys, tool"),
    ],
)
def test_a_tag_that_there_is_not_is_told(wanted: str, why: str) -> None:
    with pytest.raises(FilterError, match=why):
        parse(wanted, of_lines=True)


def test_tasks_have_no_tags() -> None:
    with pytest.raises(FilterError, match="no field 'tag'"):
        parse("tag:err")


def test_an_empty_filter_shows_everything() -> None:
    assert not Filter()
    assert Filter().shows("out", "anything")
