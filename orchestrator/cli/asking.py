"""Asking a person at the terminal for approvals while a run goes on. Nothing here waits."""

from __future__ import annotations

import os
import select
from typing import IO, Final

from orchestrator.cli.streams import Out
from orchestrator.cli.watching import BlockFace, Viewer
from orchestrator.cli.words import clean, one_line
from orchestrator.core.commands import Approve, Command, Deny
from orchestrator.core.ports import Session
from orchestrator.core.progress import Question
from orchestrator.core.run import Run

MOST_SHOWN: Final = 40
"""Lines of what is to be approved that are shown."""

_YES: Final = frozenset({"y", "yes"})
_NO: Final = frozenset({"n", "no"})


def answer(task: str, text: str) -> Command | None:
    """Return the command that an answer means: `y` or `n`, and a reason behind it; None where it is neither."""
    word, _, reason = text.strip().partition(" ")
    if word.lower() in _YES:
        return Approve(task, reason.strip())
    if word.lower() in _NO:
        return Deny(task, reason.strip())
    return None


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
        self._asked: str | None = None
        self._answered: set[str] = set()

    def tick(self) -> None:
        """Ask the next question, or take the answer to the one that is asked."""
        self.look(self._viewer.run)

    def look(self, run: Run) -> None:
        self._answered &= run.questions.keys()
        if self._asked is not None and self._asked not in run.questions:
            self._finish("answered otherwise")
        if self._asked is not None:
            self._take_answer(self._asked)
        else:
            self._ask_next(run)

    def _ask_next(self, run: Run) -> None:
        task = next((task for task in run.questions if task not in self._answered), None)
        if task is None:
            return
        if self._face is not None:
            self._face.hide()
        self._asked = task
        self._out.write(_asked_as(task, run.questions[task]))

    def _take_answer(self, task: str) -> None:
        text = self._keyboard.line()
        if text is None:
            return
        command = answer(task, text) if text else Deny(task, "end of input")
        if command is None:
            self._out.write("  y or n, and a reason behind it if you like: ")
            return
        self._answered.add(task)
        self._session.send(command)
        self._finish("" if text else "no answer: denied")

    def _finish(self, remark: str) -> None:
        self._asked = None
        if remark:
            self._out.line(f"\n  {remark}")
        if self._face is not None:
            self._face.hidden = False


def _asked_as(task: str, question: Question) -> str:
    shown = clean(question.show or "").splitlines()
    lines = [f"  | {line}" for line in shown[:MOST_SHOWN]]
    if len(shown) > MOST_SHOWN:
        lines.append(f"  | ... {len(shown) - MOST_SHOWN} more lines")
    head = f"{one_line(task)} asks: {one_line(question.message)}"
    return "".join(f"{line}\n" for line in (head, *lines)) + "  Approve? y or n, and a reason behind it: "
