"""Asking a terminal for its background: what it may answer, and that it is left as it was."""

from __future__ import annotations

import os
import pty
import select
import termios
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from orchestrator.cli.background import Background, asked, is_bright

WHITE = b"\x1b]11;rgb:ffff/fafa/f0f0\x1b\\"
DA1 = b"\x1b[?62;22c"


class FakeTerminal:
    """The far end of a terminal: answers once it was asked."""

    def __init__(self, stack: ExitStack) -> None:
        self._far, near = pty.openpty()
        self.stream: IO[str] = stack.enter_context(os.fdopen(near, "w"))
        stack.callback(os.close, self._far)

    def answers(self, *parts: bytes) -> None:
        def answer() -> None:
            asked = b""
            while not asked.endswith(b"c"):
                asked += os.read(self._far, 100)
            for part in parts:
                os.write(self._far, part)

        threading.Thread(target=answer, daemon=True).start()

    def was_asked(self) -> bool:
        return bool(select.select([self._far], [], [], 0)[0])


@pytest.fixture
def terminal() -> Iterator[FakeTerminal]:
    with ExitStack() as stack:
        yield FakeTerminal(stack)


@pytest.mark.parametrize(
    ("answer", "bright"),
    [
        (WHITE, True),
        (b"\x1b]11;rgb:1212/1515/1f1f\x07", False),
        (b"\x1b]11;rgb:ff/ff/ff\x07", True),
        (b"\x1b]11;rgba:0000/0000/0000/ffff\x07", False),
        (b"", False),
    ],
)
def test_what_it_says_is_understood(terminal: FakeTerminal, answer: bytes, *, bright: bool) -> None:
    terminal.answers(answer, DA1)
    before = termios.tcgetattr(terminal.stream.fileno())
    assert is_bright(terminal.stream, terminal.stream, {}, patience=5.0) is bright
    assert termios.tcgetattr(terminal.stream.fileno()) == before


def test_a_terminal_that_says_nothing_is_not_waited_for_long(terminal: FakeTerminal) -> None:
    assert not is_bright(terminal.stream, terminal.stream, {}, patience=0.05)


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "NO_COLOR"])
def test_where_the_answer_may_come_late_or_is_of_no_use_nobody_asks(terminal: FakeTerminal, name: str) -> None:
    assert not is_bright(terminal.stream, terminal.stream, {name: "1"})
    assert not terminal.was_asked()


def test_what_is_no_terminal_is_dark() -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        assert not is_bright(nothing, nothing, {})


def test_it_is_asked_at_once_and_may_answer_later(terminal: FakeTerminal) -> None:
    background = Background(terminal.stream, terminal.stream, {}, patience=5.0)
    assert background.is_awaited
    terminal.answers(WHITE, DA1)
    assert background.is_bright()
    assert not background.is_awaited


def test_nothing_is_asked_where_no_dashboard_will_be_shown() -> None:
    assert asked({"plain": True}) is None
