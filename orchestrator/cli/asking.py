"""Asking a person at the terminal, for approvals and for answers, while a run goes on. Nothing here waits."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from typing import IO, Final

from orchestrator.cli.streams import Out
from orchestrator.cli.watching import BlockFace, Viewer
from orchestrator.cli.words import clean, one_line
from orchestrator.core.commands import Answer, Approve, Command, Deny
from orchestrator.core.ports import Session
from orchestrator.core.progress import Question
from orchestrator.core.run import Run

MOST_SHOWN: Final = 40
"""Lines of what is to be approved that are shown."""

_YES: Final = frozenset({"y", "yes"})
_NO: Final = frozenset({"n", "no"})


def answer(task: str, text: str, question: Question | None = None) -> Command | None:
    """Return the command that a line means, None where it is no answer.

    That is `y` or `n`, and a reason behind it; where the question wants an answer, a text or one of the choices, whole
    or by its number.
    """
    if question is not None and question.wants_answer:
        return _told(task, text.strip(), question.choices)
    word, _, reason = text.strip().partition(" ")
    if word.lower() in _YES:
        return Approve(task, reason.strip())
    if word.lower() in _NO:
        return Deny(task, reason.strip())
    return None


def _told(task: str, text: str, choices: Sequence[str]) -> Command | None:
    if not choices:
        return Answer(task, text) if text else None
    numbered = {str(number): choice for number, choice in enumerate(choices, 1) if str(number) not in choices}
    lower = {choice.lower(): choice for choice in choices}
    chosen = text if text in choices else lower.get(text.lower(), numbered.get(text))
    return None if chosen is None else Answer(task, chosen)


class Keyboard:
    """Lines that a person types, taken as they come; `None` when none is there, an empty text at the end of input."""

    def __init__(self, stream: IO[str]) -> None:
        self._descriptor = stream.fileno()

    def line(self) -> str | None:
        ready, _, _ = select.select([self._descriptor], [], [], 0)
        if not ready:
            return None
        try:
            return os.read(self._descriptor, 4096).decode(errors="replace")
        except OSError:
            return ""


class Asker:
    """Asks one question after the other, in the order in which tasks asked them."""

    def __init__(
        self, session: Session, viewer: Viewer, keyboard: Keyboard, out: Out, face: BlockFace | None = None
    ) -> None:
        self._session = session
        self._viewer = viewer
        self._keyboard = keyboard
        self._out = out
        self._face = face
        self._asked: tuple[str, Question] | None = None
        self._answered: dict[str, Question] = {}

    def tick(self) -> None:
        """Ask the next question, or take the answer to the one that is asked."""
        self.look(self._viewer.run)

    def look(self, run: Run) -> None:
        if self._asked is not None and not _stands(run, *self._asked):
            self._finish("answered otherwise")
        if self._asked is not None:
            self._take_answer(*self._asked)
        else:
            self._ask_next(run)

    def _ask_next(self, run: Run) -> None:
        """Ask what is new. A task may ask again: then it is another question, even if it sounds alike."""
        new = (one for one in run.questions.items() if self._answered.get(one[0]) is not one[1])
        asked = next(new, None)
        if asked is None:
            return
        if self._face is not None:
            self._face.hide()
        self._asked = asked
        self._out.write(_asked_as(*asked))

    def _take_answer(self, task: str, question: Question) -> None:
        text = self._keyboard.line()
        if text is None:
            return
        command = answer(task, text, question) if text else Deny(task, "end of input")
        if command is None:
            self._out.write(f"  {_wanted(question)}: ")
            return
        self._answered[task] = question
        self._session.send(command)
        self._finish("" if text else "no answer" if question.wants_answer else "no answer: denied")

    def _finish(self, remark: str) -> None:
        self._asked = None
        if remark:
            self._out.line(f"\n  {remark}")
        if self._face is not None:
            self._face.hidden = False


def _stands(run: Run, task: str, question: Question) -> bool:
    return run.questions.get(task) is question


def _wanted(question: Question) -> str:
    """Say what would be an answer."""
    if not question.wants_answer:
        return "y or n, and a reason behind it if you like"
    return f"one of {', '.join(map(one_line, question.choices))}" if question.choices else "your answer"


def _asked_as(task: str, question: Question) -> str:
    shown = clean(question.show or "").splitlines()
    lines = [f"  | {line}" for line in shown[:MOST_SHOWN]]
    if len(shown) > MOST_SHOWN:
        lines.append(f"  | ... {len(shown) - MOST_SHOWN} more lines")
    head = f"{one_line(task)} asks: {one_line(question.message)}"
    choices = [f"  {number}  {one_line(choice)}" for number, choice in enumerate(question.choices, 1)]
    prompt = "  Answer: " if question.wants_answer else "  Approve? y or n, and a reason behind it: "
    return "".join(f"{line}\n" for line in (head, *lines, *choices)) + prompt
