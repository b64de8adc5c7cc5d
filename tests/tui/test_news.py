"""What is told without asking, and how often."""

from __future__ import annotations

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, Event, GroupInfo, Record
from orchestrator.core.states import BreakerState, Outcome, Reason
from orchestrator.tui.news import ANSWER, ASKS, News, Rack, Toast, questions
from tests.tui.scene import Scene, finished, started, upstream

KEYS = {"view.summary": "6", "run.retry_failed": "R", "quit": "q"}


def scene() -> Scene:
    told = Scene().tell(started([GroupInfo("a")], [BackendInfo("web", "http")], []))
    for name in ("x", "y", "z"):
        told.task(name, "a", backend="web")
    return told


def toast(news: News, told: Scene, event: Event) -> Toast | None:
    told.tell(event)
    return news.toast(Record("r", 0, told.at, event), told.run)


def test_a_breaker_that_opens_says_why_and_that_others_go_on() -> None:
    told = scene()
    event = ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in 3s", 30.0)
    found = toast(News(), told, event)
    assert found is not None
    assert found.severity == "error"
    assert found.text == "web opened: 5 failures in 3s. Probe in 30s. What does not need it goes on."


def test_a_probe_is_no_news_but_closing_is() -> None:
    told, news = scene(), News()
    told.tell(ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "x", 1.0))
    assert toast(news, told, ev.BreakerMoved("web", BreakerState.OPEN, BreakerState.HALF_OPEN, "x")) is None
    assert toast(news, told, ev.BreakerMoved("web", BreakerState.HALF_OPEN, BreakerState.OPEN, "x", 2.0)) is None
    closed = toast(news, told, ev.BreakerMoved("web", BreakerState.HALF_OPEN, BreakerState.CLOSED, "x"))
    assert closed is not None
    assert closed.text == "web answers again."


def test_only_a_groups_first_failure_is_told_in_full_then_they_are_counted() -> None:
    told, news = scene(), News()
    texts = []
    for second, name in ((1.0, "x"), (2.0, "y"), (3.0, "z")):
        told.starts(name, at=second).tell(ev.AttemptFailed(name, 1, upstream("HTTP 503")))
        found = toast(news, told, ev.TaskFailed(name, upstream("HTTP 503")))
        texts.append(found.text if found else None)
    assert texts == ["x: HTTP 503", "a: 2 failed", None]


def test_questions_are_told_by_one_toast_that_stays_and_rings() -> None:
    told = scene().waits("x", Reason.APPROVAL).tell(ev.ApprovalRequested("x", "Ship \x1b[2Jit?"))
    found = questions(told.run)
    assert found is not None
    assert found.bell
    assert found.urgent
    assert found.seconds > 600
    assert found.words(lambda _: "n") == "x: Ship it?  (n lists what needs you)"
    told.waits("y", Reason.ANSWER).tell(ev.QuestionAsked("y", "Which?", ("a", "b")))
    several = questions(told.run)
    assert several is not None
    assert several.text == "2 tasks ask you."
    told.tell(ev.ApprovalGiven("x", "ada"), ev.QuestionAnswered("y", "a", "ada"))
    assert questions(told.run) is None


def test_what_waits_for_a_person_rings_and_is_urgent() -> None:
    told, news = scene(), News()
    quota = toast(news, told, ev.BackendHeld("web", None, "usage limit", Reason.QUOTA))
    spent = toast(news, told, ev.RunHeld(("budget: run",)))
    assert quota is not None
    assert quota.urgent
    assert quota.text == "web takes no calls until you act: usage limit"
    assert spent is not None
    assert spent.bell


def test_a_hold_that_ends_by_itself_is_no_news() -> None:
    told, news = scene(), News()
    assert toast(news, told, ev.BackendHeld("web", 30.0, "slow down", Reason.RATE_LIMIT)) is None
    assert toast(news, told, ev.BackendHeld("web", None, "the hold ended")) is None


def test_a_few_toasts_stand_at_once_and_the_one_about_questions_stays() -> None:
    rack = Rack()
    first = Toast(ASKS, "Q", "asks", seconds=3600.0)
    others = [Toast(f"t{number}", "T", str(number)) for number in range(3)]
    assert not rack.put(first, 0.0)
    assert [rack.put(other, 1.0) for other in others] == [False, False, True]
    assert [one.key for one in rack.standing(2.0)] == [ASKS, "t1", "t2"]
    assert [one.key for one in rack.standing(20.0)] == [ASKS]
    assert rack.drop(ASKS, 20.0)


def test_where_there_is_little_room_questions_and_the_newest_stand() -> None:
    rack = Rack()
    for key in ("a", ASKS, "b"):
        rack.put(Toast(key, "T", key, seconds=60.0), 0.0)
    assert [one.key for one in rack.foremost(1.0)] == [ASKS, "b"]


def test_where_there_is_little_room_no_news_hides_what_a_key_was_answered() -> None:
    rack = Rack()
    for toast in (Toast("x", "", "x", about=ANSWER), Toast("y", "", "y", about=ANSWER), Toast("news", "T", "news")):
        rack.put(toast, 0.0)
    assert [one.key for one in rack.foremost(1.0)] == ["y"]
    assert [one.key for one in rack.foremost(5.0)] == []


def test_a_brief_toast_is_cut_so_that_its_first_hint_stays() -> None:
    hints = (("view.summary", "shows the summary"), ("quit", "quits"))
    toast = Toast("k", "Finished", "3 of 3 done, and much more can be said of that.", hints=hints)
    text = toast.brief(KEYS.__getitem__, 50)
    assert len(text) == 50
    assert text.startswith("Finished: 3 of 3 done")
    assert text.endswith("…  (6 shows the summary)")
    assert Toast("k", "Budget", "75%").brief(KEYS.__getitem__, 50) == "Budget: 75%"
    assert Toast("k", "", "Nothing failed.").brief(KEYS.__getitem__, 50) == "Nothing failed."


def test_budgets_are_told_at_each_threshold_once() -> None:
    told, news = scene(), News()
    severities = [
        found.severity if (found := toast(news, told, ev.BudgetThreshold("run", "cost_usd", percent))) else None
        for percent in (75, 75, 90, 100)
    ]
    assert severities == ["warning", None, "error", "error"]


def test_a_refusal_says_why() -> None:
    found = toast(News(), scene(), ev.CommandRefused("c7", "RetryTask", "x runs"))
    assert found is not None
    assert found.text == "x runs"


def test_the_end_is_told_with_what_can_be_done() -> None:
    bad, good = finished(well=False), finished(well=True)
    news = News()
    text = news.toast(Record("r", 0, 4.0, ev.RunFinished(Outcome.FAILED)), bad.run)
    assert text is not None
    assert text.words(KEYS.__getitem__) == "1 failed, 1 skipped of 3.  (6 shows the summary, R retries, q quits)"
    text = News().toast(Record("r", 0, 4.0, ev.RunFinished(Outcome.SUCCEEDED)), good.run)
    assert text is not None
    assert text.words(KEYS.__getitem__) == "3 of 3 done.  (6 shows the summary, q quits)"


def test_a_run_that_lost_only_what_it_could_spare_tells_so_at_its_end() -> None:
    text = News().toast(Record("r", 0, 4.0, ev.RunFinished(Outcome.DEGRADED)), finished(well=False).run)
    assert text is not None
    assert (text.title, text.severity) == ("Finished: degraded", "warning")
    assert text.text == "1 failed, 1 skipped of 3."


def test_what_nobody_needs_to_know_is_not_told() -> None:
    assert toast(News(), scene(), ev.TaskPaused("x", "operator")) is None
