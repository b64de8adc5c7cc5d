"""Words and commands as a shell makes them of a script, and what is refused on the way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NoReturn

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.shell_frames import MARK, Block, Frame, Pending, Script
from orchestrator.templates.shell_rules import (
    EVALUATES,
    RUNS_CODE,
    UNKNOWN,
    VALUE,
    Anything,
    Arguments,
    Declare,
    Joined,
    Rule,
    Slot,
    Test,
    Word,
    Wrapper,
    assigned_name,
    check_element,
    rule_for,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.templates.scanning import Piece, Statement

VARIABLE_FIRST: Final = 'set a variable on a line of its own, value={{ … }}, and use "$value" here'

_AT_START: Final = frozenset(("if", "then", "else", "elif", "do", "while", "until", "!", "{", "time"))
_ENDING: Final = frozenset(("fi", "done", "}", "esac"))
_SETS = re.compile(r"[A-Za-z_]\w*\+?=")


class Reader:
    """What was read so far: the stack of what is open, the words, the places of the values."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._script = Script(pieces)
        self._position = 0
        self._slots: dict[int, Slot] = {}
        self._stack = [Frame("commands", "", 0)]
        self._blocks: list[Block] = []
        self._evaluating = False

    # Words and commands.

    @property
    def _frame(self) -> Frame:
        return self._stack[-1]

    @property
    def _owner(self) -> Frame:
        """The frame whose word is being read."""
        top = self._stack[-1]
        if top.kind == "commands":
            return top
        return next(frame for frame in reversed(self._stack) if frame.kind in {"commands", "array"})

    def _take(self, text: str, *, quoted: bool = False) -> None:
        """Text goes to the word."""
        word = self._owner.word
        word.add(text)
        word.quoted = word.quoted or quoted
        self._position += len(text)

    def _unknown(self, length: int) -> None:
        self._owner.word.add(UNKNOWN)
        self._position += length

    def _end_word(self) -> None:
        frame = self._frame
        pending = frame.word
        if pending.started is False:
            return
        frame.word = Pending()
        try:
            self._finish_word(frame, pending)
        except TemplateError as error:
            raise error.at(self._script.place(pending.slots[0]) if pending.slots else self._last_value()) from None

    def _finish_word(self, frame: Frame, pending: Pending) -> None:
        word = pending.word()
        if frame.kind == "array":
            check_element(word)
        elif frame.redirect:
            operator, frame.redirect = frame.redirect, ""
            _check_redirect(operator, word)
        elif frame.cases and frame.cases[-1] != "body":
            _case_word(frame, word)
        elif frame.rule is None:
            self._first_word(frame, word, pending)
        else:
            self._argument(frame, frame.rule, word, pending)

    def _first_word(self, frame: Frame, word: Word, pending: Pending) -> None:
        reserved = not word.quoted and not frame.begun
        if reserved and self._is_reserved(frame, word.text):
            return
        if word.text[:1] == "-":
            return
        if assigned_name(word) is not None:
            frame.begun = True
            return
        if word.has_value:
            self._names_program(word, pending, RUNS_CODE)
        frame.rule = Test(double=True) if word.text == "[[" and reserved else rule_for(word.text)

    def _is_reserved(self, frame: Frame, text: str) -> bool:
        if text == "case":
            frame.cases.append("word")
        elif text in _ENDING:
            if text == "esac" and frame.cases:
                frame.cases.pop()
            frame.rule = Anything()
        frame.begun = False
        return text in _AT_START or text in _ENDING or text == "case"

    def _argument(self, frame: Frame, rule: Rule, word: Word, pending: Pending) -> None:
        if frame.begun and frame.in_test and word.text != "!":
            frame.begun = False
            if word.has_value:
                self._names_program(word, pending, EVALUATES)
        if word.doubtful and not rule.bears_doubt:
            self._unsure("a condition or loop decides how this command is read", None)
        if isinstance(rule, Declare) and rule.makes_evaluating(word):
            self._evaluating = True
        if frame.in_test and word.text == "]]" and not word.quoted:
            rule.finish()
            frame.rule = Anything()
        else:
            frame.rule = rule.after(word)

    def _names_program(self, word: Word, pending: Pending, forbidden: frozenset[str]) -> None:
        """A value names the program, or a part of its name."""
        hidden = word.nested or not pending.slots
        if hidden or word.text.count(VALUE) + word.text.count(UNKNOWN) > 1:
            if "/" in word.text and not hidden:
                return
            self._unsure("it cannot be told which command this is", None)
        before, _, after = word.text.partition(VALUE)
        self._forbid(pending.slots[0], before, after, forbidden)

    def _forbid(self, number: int, before: str, after: str, names: frozenset[str]) -> None:
        self._slots[number] = replace(self._slots[number], before=before, after=after, forbidden=names)

    def _end_command(self) -> None:
        self._end_word()
        frame = self._frame
        if frame.rule is not None:
            rule, frame.rule = frame.rule, None
            try:
                rule.finish()
            except TemplateError as error:
                raise error.at(self._last_value()) from None
        frame.redirect = ""
        frame.begun = False

    def push(self, kind: str, closer: str, length: int, *, depth: int = 0) -> None:
        self._stack.append(Frame(kind, closer, self._position, depth))
        self._position += length
        if len(self._stack) > 100:
            self._unsure("the command nests deeper than 100")

    def close(self, length: int = 1) -> None:
        frame = self._stack.pop()
        if frame.heredocs:
            self._unsure("a heredoc has no body here", frame.at)
        self._position += length
        if frame.kind == "array":
            self._owner.word.add(UNKNOWN)

    # Conditions and loops of ours.

    def _statement(self, piece: Statement) -> None:
        if piece.keyword in {"for", "if"}:
            self._blocks.append(Block(piece.keyword, self._shape(), self._frame.begun, replace(self._owner.word)))
            if piece.keyword == "for":
                self._blur(self._blocks[-1])
            return
        block = self._blocks[-1]
        if block.joined or self._shape() != block.shape:
            self._check_join(block)
            block.joined = True
        if block.joined:
            self._join(block, last=piece.keyword == "endif")
        else:
            self._blur(block)
        if piece.keyword in {"endfor", "endif"}:
            self._blocks.pop()

    def _shape(self) -> tuple[tuple[object, ...], ...]:
        return tuple(frame.shape() for frame in self._stack)

    def _blur(self, block: Block) -> None:
        """What the word holds from here on depends on a condition or loop."""
        word = self._owner.word
        if word.started is False and block.word.started is False:
            return
        if word.text and not isinstance(rule_for(word.text), Arguments | Wrapper):
            self._unsure("a condition or loop decides how this command is read", None)
        match = _SETS.match(block.word.text)
        begins_alike = match is not None and word.text.startswith(match[0])
        word.text = (match[0] if match and begins_alike else "") + UNKNOWN
        word.nested = word.nested or bool(word.slots)
        word.doubtful = True
        if self._frame.kind in {"commands", "array"}:
            word.started = None

    def _check_join(self, block: Block) -> None:
        """A condition may hold a whole command, or the last arguments of one whose name stands before it."""
        frame = self._frame
        alike = self._shape()[:-1] == block.shape[:-1] and frame.shape()[1:] == block.shape[-1][1:]
        fits = block.keyword == "if" and alike and frame.kind == "commands" and block.shape[-1][0] is None
        before = block.word.started is False or (_ends_plainly(block.word) and not block.begun)
        if not (fits and before and (frame.rule is None or frame.rule.bears_doubt)):
            hint = (
                "close inside the block what it opens (quotes, parentheses), and put whole commands or arguments in it"
            )
            self._unsure("what the shell reads here depends on a condition or loop", None, hint)

    def _join(self, block: Block, *, last: bool) -> None:
        self._end_word()
        frame = self._frame
        frame.begun = block.begun
        if last:
            rest = None if block.word.started is False else Arguments()
            frame.rule = Joined(rest)
            frame.word = Pending(UNKNOWN, started=None, doubtful=True)
        else:
            frame.rule = None
            frame.word = replace(block.word)

    # Refusing.

    def _refuse_marks(self, end: int, place: str, hint: str) -> None:
        """Refuse the first template before `end`; raw values may pass."""
        position = self._script.text.find(MARK, self._position, end)
        while position >= 0:
            if not self._script.is_raw():
                self._refuse_mark(f"it stands inside {place}", hint)
            self._script.mark += 1
            position = self._script.text.find(MARK, position + 1, end)

    def _refuse_mark(self, why: str, hint: str) -> NoReturn:
        piece = self._script.piece
        raise TemplateError(
            f"a value cannot be kept apart from the command here: {why}", offset=piece.offset, hint=hint
        )

    def _unsure(self, what: str, at: int | None = -1, hint: str = VARIABLE_FIRST) -> NoReturn:
        position = self._position if at is None or at < 0 else at
        raise TemplateError(
            f"values cannot be kept apart from this command: {what}", offset=self._script.offset(position), hint=hint
        )

    def _last_value(self) -> int:
        return self._script.place(max(self._slots)) if self._slots else 0

    def _first_value(self) -> int:
        return self._script.place(min(self._slots)) if self._slots else 0


def _check_redirect(operator: str, word: Word) -> None:
    if operator in {">&", "<&"} and word.has_value:
        hint = "write > {{ … }} 2>&1"
        raise TemplateError(f"bash evaluates what follows `{operator}`", hint=hint)


def _ends_plainly(word: Pending) -> bool:
    """Whether the word is the whole name of a program that takes plain arguments."""
    plain = bool(word.text) and not word.slots and not word.doubtful and word.text not in _AT_START | _ENDING | {"case"}
    return plain and not _SETS.match(word.text) and isinstance(rule_for(word.text), Arguments)


def _case_word(frame: Frame, word: Word) -> None:
    """The words of `case WORD in PATTERN) … ;; esac`."""
    state = frame.cases[-1]
    if state == "word":
        frame.cases[-1] = "in"
    elif state == "in":
        frame.cases[-1] = "pattern"
    elif word.text == "esac" and not word.quoted:
        frame.cases.pop()
        frame.rule = Anything()
