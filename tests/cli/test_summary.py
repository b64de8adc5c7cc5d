from __future__ import annotations

from dataclasses import replace

from orchestrator.cli.streams import Looks
from orchestrator.cli.summary import Paper, outputs_text, summary
from orchestrator.core import events as ev
from orchestrator.core.flow import Json
from orchestrator.core.states import Outcome, Reason
from tests.cli.story import SILENT, Story


def burnt() -> Story:
    story = Story(groups=["research", "scraping"], backends=["m"]).adds("plan", group="research")
    story.adds("scrape[a]", "scrape[bb]", "merge", group="scraping")
    story.starts("plan").happens(ev.UsageReported("plan", 1, "m", 400_000, 89_000, 4.16)).succeeds("plan")
    story.starts("scrape[a]", of=2).writes("scrape[a]", "GET /\n503 \x1b[31mbusy\n").retries("scrape[a]", 1)
    story.at_second(588).starts("scrape[a]", attempt=2, of=2).fails("scrape[a]")
    story.starts("scrape[bb]").fails("scrape[bb]", SILENT)
    return story.happens(ev.TaskSkipped("merge", "'scrape[a]' failed", "scrape[a]")).ends(Outcome.FAILED)


PAPER = Paper(log_path=lambda task: f"~/runs/7f3a2c/{task}.log")


def test_the_summary_says_how_it_went_and_where_to_look() -> None:
    assert summary(burnt().run, PAPER).splitlines()[:4] == [
        "✗ research.yaml  run 7f3a2c  failed  2 of 4 failed, 1 skipped, 1 done  09:48  $4.16  489k tok",
        "  ✗ scrape[a]   HTTP 503 after 2 tries  ~/runs/7f3a2c/scrape[a].log",
        "  ◷ scrape[bb]  no output for 60s       ~/runs/7f3a2c/scrape[bb].log",
        "  isolated: 1 of 2 groups untouched",
    ]


def test_on_a_narrow_terminal_lines_break_between_words() -> None:
    assert summary(burnt().run, replace(PAPER, columns=60)).splitlines()[:7] == [
        "✗ research.yaml  run 7f3a2c  failed  2 of 4 failed, 1",
        "      skipped, 1 done  09:48  $4.16  489k tok",
        "  ✗ scrape[a]   HTTP 503 after 2 tries",
        "      ~/runs/7f3a2c/scrape[a].log",
        "  ◷ scrape[bb]  no output for 60s",
        "      ~/runs/7f3a2c/scrape[bb].log",
        "  isolated: 1 of 2 groups untouched",
    ]


def test_the_last_lines_of_what_failed_follow_and_are_harmless() -> None:
    assert summary(burnt().run, PAPER).splitlines()[4:] == ["", "── scrape[a] ──", "  GET /", "  503 busy"]


def test_an_output_that_is_null_for_want_of_a_value_says_why() -> None:
    end = ev.RunFinished(Outcome.SUCCEEDED, {"notes": None}, {"notes": "division by zero\nat once"})
    story = Story().adds("a").starts("a").succeeds("a").happens(end)
    assert "  output notes is null: division by zero at once\n" in summary(story.run, Paper())


def test_no_logs_are_printed_when_none_are_wanted() -> None:
    assert "──" not in summary(burnt().run, Paper(logs="none"))


def test_all_logs_are_printed_when_all_are_wanted() -> None:
    story = Story().adds("a").starts("a").writes("a", "fine\n").succeeds("a").ends(Outcome.SUCCEEDED)
    assert "fine" not in summary(story.run, Paper())
    assert summary(story.run, Paper(logs="all")).endswith("── a ──\n  fine\n")


def test_only_the_last_twenty_lines_are_printed() -> None:
    story = Story().adds("a").starts("a").writes("a", "".join(f"line {number}\n" for number in range(50))).fails("a")
    text = summary(story.ends(Outcome.FAILED).run, Paper())
    assert "the last 20 lines" in text
    assert "line 30\n" in text
    assert "line 29\n" not in text


def test_a_success_is_one_line() -> None:
    story = Story().adds("a").starts("a").at_second(1).succeeds("a").ends(Outcome.SUCCEEDED)
    assert summary(story.run, Paper()) == "✓ research.yaml  run 7f3a2c  succeeded  1 of 1 done  00:01\n"


def test_a_held_run_says_what_it_waits_for() -> None:
    story = Story().adds("a").happens(ev.TaskWaiting("a", Reason.APPROVAL), ev.RunHeld(("a waits for approval",)))
    assert "  held: a waits for approval\n" in summary(story.ends(Outcome.HELD).run, Paper())


def test_a_held_run_says_what_helps_once_for_each_thing_that_is_waited_for() -> None:
    story = Story().adds("a", "b", "c", "d")
    story.happens(*(ev.TaskWaiting(task, Reason.BUDGET, gate="run") for task in "ab"))
    story.happens(ev.TaskWaiting("c", Reason.APPROVAL), ev.TaskWaiting("d", Reason.BUDGET, gate="group:g"))
    story.happens(ev.RunHeld(("a: budget", "b: budget", "c: approval", "d: budget")))
    lines = summary(story.ends(Outcome.HELD).run, Paper()).splitlines()
    assert lines[1:] == [
        "  held: a: budget",
        "  held: b: budget",
        "  held: c: approval",
        "  held: d: budget",
        "  to go on: raise the budget of the run (dollars: `--budget-usd`), or set its `on_exceeded: fail` or `warn`",
        "  to go on: say `--approve TASK` or `--approve-all`, or run it where a terminal can ask",
        "  to go on: raise the budget of the group g in the flow, or set its `on_exceeded: fail` or `warn`",
    ]


def test_many_who_wait_are_counted_not_listed() -> None:
    story = Story().adds("a").happens(ev.RunHeld(tuple(f"t{number}: budget" for number in range(30))))
    assert "  … and 10 more\n" in summary(story.ends(Outcome.HELD).run, Paper())


def test_without_unicode_the_summary_is_ascii() -> None:
    assert summary(burnt().run, Paper(looks=Looks(unicode=False))).isascii()


def test_many_failures_are_counted_not_listed() -> None:
    story = Story().adds(*(f"t{number}" for number in range(30)))
    for number in range(30):
        story.starts(f"t{number}").fails(f"t{number}")
    assert "  … and 10 more\n" in summary(story.ends(Outcome.FAILED).run, Paper(logs="none"))


def test_outputs_stand_under_their_names() -> None:
    outputs: dict[str, Json] = {"notes": "short", "table": [1, 2], "text": "two\nlines"}
    assert (
        outputs_text(Story().ends(Outcome.SUCCEEDED, outputs).run) == "notes: short\ntable: [1, 2]\ntext:\ntwo\nlines\n"
    )


def test_what_nobody_can_price_is_never_taken_for_nothing() -> None:
    story = Story(backends=["m"]).adds("a").starts("a")
    story.happens(ev.UsageReported("a", 1, "m", 90, 10, 0.5), ev.UsageReported("a", 1, "m", 5, 5, None))
    assert summary(story.succeeds("a").ends(Outcome.SUCCEEDED).run, PAPER).endswith("  $0.50 + unpriced  110 tok\n")
