"""The filter's language."""

from __future__ import annotations

from contextlib import suppress

import pytest

from orchestrator.core.events import GroupInfo
from orchestrator.tui.filter import FilterError, of_task, parse
from tests.tui.scene import Scene, research, started

SCENE = research()


def found(text: str, scene: Scene = SCENE) -> list[str]:
    chosen = parse(text)
    return [name for name, task in scene.run.tasks.items() if chosen.matches(task, scene.at)]


def test_an_empty_filter_lets_everything_through() -> None:
    assert not parse("  ")
    assert len(found("")) == len(SCENE.run.tasks)


def test_words_are_parts_of_the_id_and_all_must_hold() -> None:
    assert found("pricing") == ["research[pricing-eu]", "research[pricing-us]"]
    assert found("PRICING us") == ["research[pricing-us]"]
    assert found('"research[pat"') == ["research[patents]"]


def test_a_mark_of_exclamation_turns_a_test_around() -> None:
    assert found("survey !report g:survey") == ["survey-eu", "survey-us"]
    assert "scrape[site-b]" not in found("!state:failed")


def test_a_task_is_found_with_all_that_it_became() -> None:
    assert len(found("task:research")) == 12
    assert found('task:"scrape-merge"') == found("task:scrape-merge") == ["scrape-merge"]
    assert found("task:scrap") == []
    scene = Scene().tell(started([GroupInfo("g")], [], [])).task('odd "] name', "g").task("flow/a", "g")
    assert found("task:flow", scene) == ["flow/a"]
    assert of_task("evil\x1b]0;title\x07").text == 'task:"evil"'
    wanted = of_task('odd "] name')
    assert [name for name, task in scene.run.tasks.items() if wanted.matches(task, 0.0)] == ['odd "] name']


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("state:failed", ["scrape[site-b]", "scrape[site-c]", "scrape[site-h]"]),
        ("state:timeout", ["scrape[site-h]"]),
        ("state:succeeded g:plan", ["plan"]),
        ("state:done g:plan", ["plan"]),
        ("state:circuit", ["scrape[site-e]", "scrape[site-f]"]),
        ("state:breaker", ["scrape[site-e]", "scrape[site-f]"]),
        ("state:backoff,approval", ["scrape[site-d]", "legal-check"]),
        ("state:retry,approve", ["scrape[site-d]", "legal-check"]),
        ("group:plan", ["plan"]),
        ("g:plan,surv state:done,running", ["plan", "survey-eu", "survey-us"]),
        ("backend:openai", ["survey-eu", "survey-us"]),
        ("backend:open,web !state:circuit,failed !/site/", ["survey-eu", "survey-us"]),
        ("kind:gate", ["legal-check"]),
        ("text:503 state:retry", ["scrape[site-d]"]),
        ('text:"answers read"', ["survey-eu"]),
        ("agent:openai", ["survey-eu", "survey-us"]),
        ("agent:gate", ["legal-check"]),
        ("try>1", ["scrape[site-d]"]),
        ("try>=4", ["scrape[site-d]"]),
        ("cost>0.1 g:research", ["research[pricing-us]", "research[competitors]", "research[patents]"]),
        ("tok>25k", ["research[regulation]", "research[user-reviews]", "research[patents]"]),
        ("time>1m g:research state:done", ["research[pricing-eu]", "research[regulation]"]),
        ("time>1m state:failed", ["scrape[site-b]", "scrape[site-c]"]),
        (r"/site-[bc]\]$/", ["scrape[site-b]", "scrape[site-c]"]),
        ("!/site/ g:scrape", ["scrape-merge"]),
    ],
)
def test_fields(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("state:faled", "no state 'faled'; did you mean failed"),
        ("state:", "state: wants a word"),
        ("stat:failed", "no field 'stat'; did you mean state"),
        ("zzz:1", "no field 'zzz'; there are state"),
        ("try>many", "try> wants a number"),
        ("time>10k", "time> wants a number"),
        ("tok>5h", "tok> wants a number"),
        ("state>failed", "state goes with a colon"),
        ("/unfinished", "ends with /"),
        ("/(/", "bad regular expression"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, answer: str) -> None:
    with pytest.raises(FilterError, match=answer.replace("/", "/").replace("(", r"\(")):
        parse(text)


def test_only_what_moves_is_live() -> None:
    assert not parse("pricing g:scrape !x /y/").live
    assert parse("state:failed").live
    assert parse("pricing time>3").live


@pytest.mark.parametrize("text", ["[site", "a]b", "\\", '"', "!", ":", "x:", "{{ }}", "é 東", "a=b", '"open'])
def test_any_typing_is_read_or_refused(text: str) -> None:
    with suppress(FilterError):
        parse(text)
