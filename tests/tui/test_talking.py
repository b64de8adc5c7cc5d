"""A conversation is read in the pane: who, what, with which tools, and how full the model's head is."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.progress import Attempt, TaskProgress
from orchestrator.core.talk import Said, Talk, ToolUse
from orchestrator.tui.glyphs import UNICODE
from orchestrator.tui.lines import plain, width
from orchestrator.tui.talking import Place, talk_lines, talk_text

TASK = TaskProgress(
    ev.TaskAdded("a", "agent", "g"),
    attempts=(Attempt(1, 0.0, output_tokens=120),),
    input_tokens=5_000,
    output_tokens=120,
    cost_usd=0.03,
)


def talk(*entries: Said | ToolUse) -> Talk:
    told = Talk()
    for entry in entries:
        told.add(entry)
    return told


def shown(told: Talk, *opened: str, cells: int = 80, now: float = 4.0) -> list[str]:
    return [plain(line) for line, _ in talk_lines(told, TASK, now, Place(cells, UNICODE, frozenset(opened)))]


LOOKED = ToolUse(2.0, "c1", "git.git_log", '{"max_count": 5}', "fixed it", ended=2.5)


def test_it_says_how_far_it_is_and_how_full_the_context() -> None:
    told = talk(Said(1.0, "user", "Review."), Said(1.5, "assistant", "Let me look."), LOOKED)
    told.used(12_000, 200_000)
    assert shown(told)[0] == " 1 turn  1 tool call  context 12.0k of 200k (6 %)  30 tokens/s  5.0k in, 120 out, $0.030"


def test_messages_stand_under_each_other_with_who_said_them() -> None:
    told = talk(Said(1.0, "user", "Review\nthis."), Said(1.5, "assistant", "It is fine.", "Where is it?"))
    assert shown(told)[1:] == [
        " 00:01.0 task      Review",
        "                   this.",
        " 00:01.5 model     Where is it?",
        "                   It is fine.",
    ]


def test_a_line_that_is_broken_keeps_its_indent_but_not_the_space_where_it_is_broken() -> None:
    told = talk(Said(1.0, "assistant", "  " + "word " * 30))
    assert shown(told, cells=40)[1] == " 00:01.0 model       word word word"
    assert all(line.startswith(" " * 19 + "word") for line in shown(told, cells=40)[2:])


def test_a_tool_is_one_line_until_it_is_unfolded() -> None:
    (folded,) = shown(talk(LOOKED))[1:]
    assert folded.startswith(' 00:02.0 tool      ▸ git.git_log {"max_count": 5}')
    assert folded.endswith("✓ 0.5s")
    assert shown(talk(LOOKED), "c1")[2:] == ['                     {"max_count": 5}', "                     fixed it"]


def test_what_the_model_is_told_to_be_is_one_dim_line_until_it_is_unfolded() -> None:
    told = talk(Said(1.0, "system", "Be kind.\nBe brief."), Said(1.0, "user", "hi"))
    (folded, action), _ = talk_lines(told, TASK, 4.0, Place(80, UNICODE))[1:]
    assert plain(folded).startswith(" 00:01.0 system    ▸ Be kind.  ")
    assert plain(folded).endswith(" 2 lines")
    assert folded[-1].role == "muted"
    assert shown(told, action.removeprefix("talk:"))[2:4] == [
        "                     Be kind.",
        "                     Be brief.",
    ]
    assert shown(talk(Said(1.0, "system", "Be kind.")))[1:] == [" 00:01.0 system    Be kind."]


@pytest.mark.parametrize(
    ("entry", "end"),
    [
        (ToolUse(2.0, "c", "shell", "{}"), "► 2.0s"),
        (ToolUse(2.0, "c", "shell", "{}", "no", is_error=True, ended=3.0), "✗ 1.0s"),
    ],
)
def test_a_tool_shows_how_it_stands(entry: ToolUse, end: str) -> None:
    assert shown(talk(entry))[1].endswith(end)


def test_choosing_a_tool_unfolds_it() -> None:
    actions = [action for _, action in talk_lines(talk(LOOKED), TASK, 4.0, Place(80, UNICODE))]
    assert actions == ["", "talk:c1"]


@pytest.mark.parametrize("cells", [40, 80, 200])
def test_hostile_texts_are_harmless_and_fit(cells: int) -> None:
    hostile = "\x1b]0;pwned\x07\u202etxt [bold]x[/] 漢字" * 30
    told = talk(
        Said(0.5, "system", hostile),
        Said(1.0, "assistant", hostile, hostile),
        ToolUse(1.0, "c", hostile, hostile, hostile, ended=1.0),
    )
    lines = talk_lines(told, TASK, 4.0, Place(cells, UNICODE, frozenset({"c", "system 0.5"})))
    assert not any("\x1b" in plain(line) or "\u202e" in plain(line) for line, _ in lines)
    assert all(width(line) < 2 * cells for line, _ in lines)


def test_a_long_text_ends_with_what_is_left_out() -> None:
    assert shown(talk(Said(1.0, "assistant", "x\n" * 500)))[-1].strip() == "… 100 more lines"


def test_all_of_it_can_be_copied() -> None:
    assert talk_text(talk(Said(1.0, "user", "hi"), LOOKED)).splitlines() == [
        "00:01.0 task: hi",
        '00:02.0 git.git_log {"max_count": 5}',
        "  fixed it",
    ]


def test_a_tool_ends_with_the_attempt_that_used_it() -> None:
    told = talk(ToolUse(2.0, "c1", "wait", "{}"), ToolUse(6.0, "c2", "wait", "{}"))
    tried = TASK._replace(attempts=(Attempt(1, 0.0, ended=3.0), Attempt(2, 5.0)))
    lines = [plain(line) for line, _ in talk_lines(told, tried, 9.0, Place(80, UNICODE))][1:]
    assert [line.split()[-2:] for line in lines] == [["∅", "1.0s"], ["►", "3.0s"]]
