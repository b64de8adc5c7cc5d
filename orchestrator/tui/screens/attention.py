"""The list of what needs a person. It comes only when it is asked for, and stays in step with the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from orchestrator.tui.commands import Motion
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.needs import Need, Want
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.text import clean, countdown, fit, shorten
from orchestrator.tui.widgets.painted import Bar, Text

_MOVES: Final = {
    "j": Motion.DOWN,
    "down": Motion.DOWN,
    "n": Motion.DOWN,
    "k": Motion.UP,
    "up": Motion.UP,
    "N": Motion.UP,
    "g": Motion.FIRST,
    "home": Motion.FIRST,
    "G": Motion.LAST,
    "end": Motion.LAST,
    "pagedown": Motion.PAGE_DOWN,
    "pageup": Motion.PAGE_UP,
}
_LONGEST_NAME: Final = 28
_SINCE: Final = 8
_ACTS: Final = {
    Want.APPROVAL: "answer",
    Want.ANSWER: "answer",
    Want.BUDGET: "raise",
    Want.BREAKER: "reset",
    Want.QUOTA: "try it",
    Want.FAILURE: "retry",
}


class Act(NamedTuple):
    """What a person wants to be done about a need: go to its task, or the act that helps it; and its place there."""

    need: Need
    go: bool
    place: int


class AttentionScreen(Dialog[Act]):
    """Lists what needs a person. Enter opens a question and goes to everything else; `a` acts, `t` goes to the task."""

    CSS = """
    AttentionScreen #box { width: 110; }
    AttentionScreen Text { height: auto; background: $surface; }
    AttentionScreen #hint { margin-top: 1; }
    """

    def __init__(self, found: Sequence[Need], now: float, paint: Paint, chosen: int = 0) -> None:
        super().__init__(paint)
        self._needs = list(found)
        self._now = now
        self._first = chosen

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Text(self.paint, ground="surface", id="needs")
            yield Bar(self.paint, ground="surface", id="hint")

    def on_mount(self) -> None:
        self._list.focus()
        self.draw()
        for _ in range(min(self._first, len(self._needs) - 1)):
            self._list.move(Motion.DOWN)
        self._draw_hint()

    @property
    def _list(self) -> Text:
        return self.query_one("#needs", Text)

    def renew(self, found: Sequence[Need], now: float) -> None:
        """Show what needs a person by now."""
        self._needs, self._now = list(found), now
        if self.is_mounted:
            self.draw()

    def draw(self) -> None:
        waiting = sum(need.want is not Want.FAILURE for need in self._needs)
        failed = len(self._needs) - waiting
        words = [f"{waiting} waiting for you"] * (waiting > 0) + [f"{failed} failed"] * (failed > 0)
        title = (Span("Needs you", "title"), Span(f"   {', '.join(words) or 'nothing now'}", "muted"))
        self.query_one("#title", Bar).show(title)
        text = self._list
        text.styles.height = max(1, min(len(self._needs), int(self.app.size.height * 0.8) - 6))
        empty: list[tuple[Line, str]] = [((Span("Nothing failed, and nobody waits for you.", "muted"),), "")]
        text.show([(self._line(need), _key(need)) for need in self._needs] or empty)
        self._draw_hint()

    @property
    def _names(self) -> int:
        return min(_LONGEST_NAME, max((len(clean(need.name)) for need in self._needs), default=0))

    def _line(self, need: Need) -> Line:
        glyphs = self.paint.glyphs
        status = need.want.value
        since = "" if need.since is None else f"{countdown(self._now - need.since)} ago"
        start = (
            Span(f"{glyphs.status[status]} ", f"{status.value}.plain"),
            Span(fit(_WORDS[need.want], 9), f"{status.value}.plain"),
            Span(fit(clean(need.name), self._names, glyphs.ellipsis) + " ", "text"),
        )
        room = max(10, self._list.columns - width(start) - _SINCE - 3)
        return (
            *start,
            Span(fit(shorten(clean(need.text), room, glyphs.ellipsis), room), "muted"),
            gap(1),
            Span(f"{since:>{_SINCE + 2}}", "muted"),
        )

    def _draw_hint(self) -> None:
        need = self._chosen
        pairs = [("j k", "choose")]
        if need is not None:
            asks = need.want in {Want.APPROVAL, Want.ANSWER}
            pairs += [("enter", "answer" if asks else "go there")] if asks or need.task else []
            pairs += [] if asks else [("a", _ACTS[need.want])]
            pairs += [("t", "show the task")] if asks else []
        pairs.append(("esc", "close"))
        line = tuple(span for key, label in pairs for span in (Span(key, "key"), Span(f" {label}  ", "muted")))
        self.query_one("#hint", Bar).show(line)

    @property
    def _chosen(self) -> Need | None:
        return next((need for need in self._needs if _key(need) == self._list.chosen), None)

    # ── keys ────────────────────────────────────────────────────────────────────────────────────

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in {"escape", "q"}:
            self.answer(None)
        elif event.key in _MOVES:
            self._list.move(_MOVES[event.key])
            self._draw_hint()
        elif event.key in {"enter", "a", "t"}:
            self._act(event.key)

    def _act(self, key: str) -> None:
        need = self._chosen
        if need is None:
            return
        asks = need.want in {Want.APPROVAL, Want.ANSWER}
        go = key == "t" or (key == "enter" and not asks)
        if not go or need.task is not None:
            self.answer(Act(need, go, self._needs.index(need)))

    @on(Text.Chosen)
    def line_clicked(self) -> None:
        self._act("enter")


_WORDS: Final = {
    Want.APPROVAL: "approve",
    Want.ANSWER: "answer",
    Want.BUDGET: "budget",
    Want.BREAKER: "tripped",
    Want.QUOTA: "quota",
    Want.FAILURE: "failed",
}


def _key(need: Need) -> str:
    return f"{need.want.name} {need.name}"
