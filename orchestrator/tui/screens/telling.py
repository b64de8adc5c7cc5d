"""How a person is told: by toasts, by the bell, by the desktop; as much of it as is wanted, and never twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from textual.app import App

from orchestrator.core.events import Record
from orchestrator.core.progress import Question
from orchestrator.core.run import Run
from orchestrator.tui.desktop import notice
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.news import ASKS, News, Rack, Toast, questions

SHORT: Final = 30
"""A screen of fewer lines shows less of everything."""


class Teller:
    """Tells one app's person. `wanted` are the ways that may be used: toast, bell and desktop."""

    def __init__(self, wanted: AbstractSet[str], key_of: Callable[[str], str]) -> None:
        self._wanted = wanted
        self._key_of = key_of
        self._news = News()
        self._rack = Rack()
        self._asked: dict[str, Question] | None = None
        self._was_short: bool | None = None
        self._is_due = False

    def tell(self, app: App[object], news: Iterable[Record], run: Run, now: float) -> None:
        """Tell what is new, and of questions that have come or gone; in the form that the screen has room for."""
        if self._was_short not in {None, _is_short(app)}:
            self._renew(app, now)
        self._was_short = _is_short(app)
        for record in news:
            toast = self._news.toast(record, run)
            if toast is not None:
                self._show(app, toast, now)
        if self._asked is None:
            self._asked = run.questions.copy()  # what was asked before anybody looked is no news
        elif run.questions.keys() != self._asked.keys() or _new(run, self._asked):
            self._tell_questions(app, self._asked, run, now)

    def answer(self, app: App[object], toast: Toast, now: float) -> None:
        """Tell who just did something what came of it, whatever is wanted of news."""
        self._stand(app, toast, now)

    def _tell_questions(self, app: App[object], before: dict[str, Question], run: Run, now: float) -> None:
        """One toast stands for all questions, as long as there are any; a new one rings, if none rang just now."""
        new = _new(run, before)
        self._asked = run.questions.copy()
        toast = questions(run)
        if toast is None:
            if self._rack.drop(ASKS, now):
                self._renew(app, now)
            return
        if not (new and self._news.is_new(ASKS, now)):
            toast = toast._replace(bell=False, urgent=False)
        self._show(app, toast, now)

    def _show(self, app: App[object], toast: Toast, now: float) -> None:
        if "toast" in self._wanted:
            self._stand(app, toast, now)
        if toast.bell and "bell" in self._wanted:
            app.bell()
        if toast.urgent and "desktop" in self._wanted and not (toast.last and app.app_focus):
            self._tell_desktop(app, toast)

    def _stand(self, app: App[object], toast: Toast, now: float) -> None:
        if self._rack.put(toast, now) or _is_short(app):
            self._renew(app, now)
        elif not self._is_due:
            self._notify(app, toast)

    def _renew(self, app: App[object], now: float) -> None:
        """Show all that stand anew, once for all that is told together.

        Textual shows a toast by a message, so that what is cleared before the message comes stands nevertheless.
        """
        if not self._is_due:
            self._is_due = True
            _ = app.call_later(self._show_again, app, now)

    def _show_again(self, app: App[object], now: float) -> None:
        self._is_due = False
        app.clear_notifications()
        for screen in app.screen_stack:
            _ = screen.query("ToastHolder").remove()  # Textual leaves them there, each a line high
        for toast in self._rack.foremost(now) if _is_short(app) else self._rack.standing(now):
            self._notify(app, toast)

    def _notify(self, app: App[object], toast: Toast) -> None:
        """On a screen of few lines a toast has one, so that it hides little."""
        brief = _is_short(app)
        text = toast.brief(self._key_of, app.size.width * 2 // 3) if brief else toast.words(self._key_of)
        title = "" if brief else toast.title
        if app.has_class("-ascii"):
            text = text.replace(UNICODE.ellipsis, ASCII.ellipsis)
        app.notify(text, title=title, severity=toast.severity, timeout=toast.seconds, markup=False)

    def _tell_desktop(self, app: App[object], toast: Toast) -> None:
        driver = app._driver  # noqa: SLF001 - Textual has no public way to write to the terminal itself
        if driver is not None:
            driver.write(notice(toast.title, toast.text, os.environ))
            driver.flush()


def _is_short(app: App[object]) -> bool:
    return app.is_inline or app.size.height < SHORT


def _new(run: Run, before: dict[str, Question]) -> bool:
    """Return whether anything is asked that was not; a task may ask again, with the same words."""
    return any(before.get(task) is not question for task, question in run.questions.items())
