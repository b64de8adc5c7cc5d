"""How a shell reads a script with values in it: where each value stands, and whether that place is safe.

The script is read as bash and POSIX shells read it, with a marker for every template. Whatever cannot be told for
sure is refused: it is better to ask for another way of writing than to guess.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NoReturn

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.scanning import Expression, Piece, Statement, Text
from orchestrator.templates.shell_rules import (
    UNKNOWN,
    VALUE,
    Anything,
    Arguments,
    Declare,
    Joined,
    Nothing,
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
    from collections.abc import Callable, Sequence

_MARK: Final = "\0"
_VARIABLE_FIRST: Final = 'set a variable on a line of its own, value={{ … }}, and use "$value" here'


def slots_of(pieces: Sequence[Piece]) -> dict[int, Slot]:
    """The place of every expression that is not raw, by its number among the pieces.

    Raises:
        TemplateError: a value stands where the shell, or a program that it starts, would read it as code.
    """
    if not any(isinstance(piece, Expression) and not piece.raw for piece in pieces):
        return {}
    return _Lexer(pieces).slots()


# ── what is open ────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Pending:
    """The word that is being read. `started` is None where it depends on a condition."""

    text: str = ""
    started: bool | None = False
    quoted: bool = False
    nested: bool = False
    compound: bool = False
    doubtful: bool = False
    slots: tuple[int, ...] = ()

    def add(self, text: str) -> None:
        self.text += text
        self.started = True

    def word(self) -> Word:
        return Word(self.text, self.quoted, self.nested, self.compound, self.doubtful)


@dataclass(slots=True, eq=False)
class _Frame:
    """Something that was opened: a list of commands, double quotes, arithmetic, `${…}`, an array, a group.

    `begun`: an assignment or a redirection stands before the command, so reserved words mean nothing any more. Inside
    `[[` it says that a shell which does not know `[[` would begin a command here.
    """

    kind: str
    closer: str
    at: int
    depth: int = 0
    rule: Rule | None = None
    cases: list[str] = field(default_factory=list)
    heredocs: list[tuple[str, bool]] = field(default_factory=list)
    redirect: str = ""
    begun: bool = False
    word: _Pending = field(default_factory=_Pending)

    @property
    def in_test(self) -> bool:
        return isinstance(self.rule, Test) and self.rule.double

    def shape(self) -> tuple[object, ...]:
        """What must be the same on every way through a condition or loop; first the rule."""
        return (self.rule, self.kind, self.closer, self.depth, tuple(self.cases), self.redirect, len(self.heredocs))


_AT_START: Final = frozenset(("if", "then", "else", "elif", "do", "while", "until", "!", "{", "time"))
_ENDING: Final = frozenset(("fi", "done", "}", "esac"))
_RUN = re.compile(r"[^\s\x00\"'`$\\;&|<>()#]+")
_QUOTED_RUN = re.compile(r"[^\"\\$`\x00]+")
_INNER_RUN = re.compile(r"[^\"'\\$`\x00(){}\[\]]+")
_PARAMETER = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])")
_REDIRECT = re.compile(r"<<<|<<-?|<>|<&|>>|>&|>\||&>>?|<|>")
_DELIMITER = re.compile(r"[ \t]*((?:[^\s\x00\"'\\;&|<>()`$]|'[^'\x00\n]*'|\"[^\"\x00\n]*\"|\\[^\x00\n])+)")
_ANSI_QUOTE = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")
_SETS = re.compile(r"[A-Za-z_]\w*\+?=")
_ARRAY = re.compile(r"[A-Za-z_]\w*(?:\[[^]]*\])?\+?=").fullmatch


@dataclass(slots=True)
class _Block:
    """A condition or loop that is open: what the shell was reading when it began."""

    keyword: str
    shape: tuple[tuple[object, ...], ...]
    begun: bool
    word: _Pending
    joined: bool = False


class _Lexer:
    """One pass over the script."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._text, self._marks, self._starts = _joined(pieces)
        self._position = 0
        self._mark = 0
        self._slots: dict[int, Slot] = {}
        self._stack = [_Frame("commands", "", 0)]
        self._blocks: list[_Block] = []
        self._evaluating = False

    def slots(self) -> dict[int, Slot]:
        self._read()
        self._end_command()
        if len(self._stack) > 1:
            self._unsure("something opens here that is never closed", self._frame.at)
        if self._evaluating:
            hint = "leave `-i` and `-n` out: the shell evaluates whatever is assigned to such a variable"
            raise TemplateError("a variable is declared with `-i` or `-n`", offset=self._first_value(), hint=hint)
        return self._slots

    def _read(self) -> None:
        """Each character means something to what is open, or belongs to a word."""
        text, stack = self._text, self._stack
        while self._position < len(text):
            kind = stack[-1].kind
            char = text[self._position]
            meaning = _MEANINGS[kind].get(char)
            if meaning is not None:
                meaning(self)
                continue
            run = _RUNS[kind].match(text, self._position)
            self._take(run[0] if run else char)

    # Words and commands.

    @property
    def _frame(self) -> _Frame:
        return self._stack[-1]

    @property
    def _owner(self) -> _Frame:
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

    def blank(self) -> None:
        self._end_word()
        self._position += 1

    def _end_word(self) -> None:
        frame = self._frame
        pending = frame.word
        if pending.started is False:
            return
        frame.word = _Pending()
        try:
            self._finish_word(frame, pending)
        except TemplateError as error:
            raise error.at(self._pieces[pending.slots[0]].offset if pending.slots else self._last_value()) from None

    def _finish_word(self, frame: _Frame, pending: _Pending) -> None:
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

    def _first_word(self, frame: _Frame, word: Word, pending: _Pending) -> None:
        reserved = not word.quoted and not frame.begun
        if reserved and self._is_reserved(frame, word.text):
            return
        if word.text[:1] == "-":
            return
        if assigned_name(word) is not None:
            frame.begun = True
            return
        if word.has_value:
            self._names_program(word, pending)
        frame.rule = Test(double=True) if word.text == "[[" and reserved else rule_for(word.text)

    def _is_reserved(self, frame: _Frame, text: str) -> bool:
        if text == "case":
            frame.cases.append("word")
        elif text in _ENDING:
            if text == "esac" and frame.cases:
                frame.cases.pop()
            frame.rule = Anything()
        frame.begun = False
        return text in _AT_START or text in _ENDING or text == "case"

    def _argument(self, frame: _Frame, rule: Rule, word: Word, pending: _Pending) -> None:
        if frame.begun and frame.in_test and word.text != "!":
            frame.begun = False
            if word.has_value:
                self._names_program(word, pending)
        if word.doubtful and not rule.bears_doubt:
            self._unsure("a condition or loop decides how this command is read", None)
        if isinstance(rule, Declare) and rule.makes_evaluating(word):
            self._evaluating = True
        if frame.in_test and word.text == "]]" and not word.quoted:
            rule.finish()
            frame.rule = Anything()
        else:
            frame.rule = rule.after(word)

    def _names_program(self, word: Word, pending: _Pending) -> None:
        """A value names the program, or a part of its name."""
        if word.nested or word.text.count(VALUE) + word.text.count(UNKNOWN) > 1:
            if "/" in word.text and not word.nested:
                return
            self._unsure("it cannot be told which command this is", None)
        number = pending.slots[0]
        before, _, after = word.text.partition(VALUE)
        self._slots[number] = Slot(self._slots[number].quoted, self._slots[number].whole, (before, after))

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

    # Characters of command lists.

    def newline(self) -> None:
        if self._frame.in_test or self._frame.kind == "array":
            self.blank()
            self._frame.begun = True
            return
        if any(frame.heredocs for frame in self._stack[:-1]):
            self._unsure("a heredoc waits while another line begins")
        self._end_command()
        self._position += 1
        heredocs, self._frame.heredocs = self._frame.heredocs, []
        for delimiter, indented in heredocs:
            self._heredoc_body(delimiter, indented=indented)

    def semicolon(self) -> None:
        if self._frame.kind == "array":
            self._unsure("a `;` stands inside an array")
        self._end_command()
        cases = self._frame.cases
        ends_case = self._text[self._position + 1 : self._position + 2] in {";", "&"}
        if ends_case and cases:
            cases[-1] = "pattern"
        self._position += 2 if ends_case else 1

    def ampersand(self) -> None:
        if self._text.startswith("&>", self._position):
            self.redirection()
        else:
            self._connect("&")

    def bar(self) -> None:
        if self._frame.cases and self._frame.cases[-1] == "pattern":
            self.blank()
        else:
            self._connect("|&")

    def _connect(self, chars: str) -> None:
        """`&&`, `||`, `|` and `&` end a command, but not inside `[[`."""
        if self._frame.in_test:
            self._end_word()
            self._frame.begun = True
        else:
            self._end_command()
        self._position += 1
        while self._text[self._position : self._position + 1] in set(chars):
            self._position += 1

    def redirection(self) -> None:
        if self._text[self._position : self._position + 2] in {"<(", ">("}:
            self._take_substitution()
            return
        frame = self._frame
        if frame.in_test:
            self._connect("=")
            return
        if frame.word.text.isdigit() and not frame.word.quoted:
            frame.word = _Pending()
        self._end_word()
        match = _REDIRECT.match(self._text, self._position)
        operator = match[0] if match else ">"
        self._position += len(operator)
        frame.begun = True
        if operator in {"&>", "&>>"}:
            self._end_command()
            frame.rule = _AFTER_BOTH
            frame.redirect = operator
        elif operator in {"<<", "<<-"}:
            self._heredoc(indented=operator == "<<-")
        else:
            frame.redirect = operator

    def _take_substitution(self) -> None:
        self._owner.word.add(UNKNOWN)
        self._push("commands", ")", 2)

    def open_parenthesis(self) -> None:
        frame = self._frame
        if frame.word.started is None:
            self._unsure("it depends on a condition what opens here")
        if frame.word.started:
            self._glued_parenthesis(frame)
        elif self._text.startswith("((", self._position) and not frame.in_test:
            self._push("inner", "))", 2, depth=2)
        else:
            self._loose_parenthesis(frame)

    def _loose_parenthesis(self, frame: _Frame) -> None:
        if frame.in_test or (frame.cases and frame.cases[-1] == "pattern"):
            self._position += 1
        elif frame.rule is None and frame.kind == "commands":
            self._push("commands", ")", 1)
        elif _EMPTY_PARENTHESES.match(self._text, self._position):
            self._function()
        else:
            self._unsure("a parenthesis stands where none is expected")

    def _glued_parenthesis(self, frame: _Frame) -> None:
        text = frame.word.text
        if _ARRAY(text):
            self._push("array", ")", 1)
        elif frame.in_test or (text[-1:] in {"?", "*", "+", "@", "!"} and text != "!"):
            frame.word.add(UNKNOWN)
            self._push("group", ")", 1, depth=1)
        elif _EMPTY_PARENTHESES.match(self._text, self._position) and VALUE not in text:
            self._function()
        else:
            self._unsure("a parenthesis stands where none is expected")

    def _function(self) -> None:
        """`name()`: a body follows."""
        frame = self._frame
        frame.word = _Pending()
        frame.rule = None
        self._position = self._text.index(")", self._position) + 1

    def close_parenthesis(self) -> None:
        frame = self._frame
        if frame.in_test:
            self.blank()
            return
        self._end_word()
        if frame.cases and frame.cases[-1] == "pattern":
            frame.cases[-1] = "body"
            self._position += 1
            return
        self._end_command()
        if frame.closer != ")":
            self._unsure("a parenthesis closes nothing")
        self.close()

    def hash(self) -> None:
        word = self._frame.word
        if word.started is None:
            self._unsure("it depends on a condition whether a comment begins here")
        if word.started:
            self._take("#")
            return
        end = self._text.find("\n", self._position)
        end = end if end >= 0 else len(self._text)
        if "`" in self._text[self._position : end] and self._in_backticks():
            self._unsure("a comment stands inside backticks")
        self._refuse_marks(end, "a comment", "take the template out of the comment")
        self._position = end

    # Quotes and substitutions.

    def single_quotes(self) -> None:
        if self._frame.kind == "inner" and any(frame.kind == "quotes" for frame in self._stack):
            self._unsure("single quotes inside `${…}` inside double quotes are read differently by different shells")
        end = self._text.find("'", self._position + 1)
        if end < 0:
            self._unsure("a single quote opens here that is never closed")
        hint = 'close the quotes before it, or use double quotes: "… {{ … }} …"'
        self._refuse_marks(end, "single quotes", hint)
        self._check_backticks(self._text[self._position : end])
        text = self._text[self._position + 1 : end]
        self._position = end + 1
        self._owner.word.add(text)
        self._owner.word.quoted = True

    def double_quotes(self) -> None:
        self._owner.word.add("")
        self._owner.word.quoted = True
        self._push("quotes", '"', 1)

    def backtick(self) -> None:
        if self._frame.closer == "`":
            self._end_command()
            self.close()
        elif self._in_backticks():
            self._unsure("backticks stand inside backticks")
        else:
            self._owner.word.add(UNKNOWN)
            self._push("commands", "`", 1)

    def _in_backticks(self) -> bool:
        return any(frame.closer == "`" for frame in self._stack)

    def _check_backticks(self, text: str) -> None:
        if ("`" in text or "\\" in text) and self._in_backticks():
            self._unsure("a backslash or a backtick stands inside backticks")

    def backslash(self) -> None:
        self._check_backticks("\\")
        after = self._text[self._position + 1 : self._position + 2]
        if after == _MARK:
            self._position += 1
            self._refuse_mark("a backslash stands right before it", "write it without the backslash")
        if after == "\n":
            self._position += 2
            return
        self._position += 2
        self._owner.word.add(after)
        self._owner.word.quoted = True

    def dollar(self) -> None:
        after = self._text[self._position + 1 : self._position + 3]
        if after[:1] == _MARK:
            self._position += 1
            self._refuse_mark("a `$` stands right before it", "write {{ … }} without the `$`, or `\\$` for a dollar")
        opening = self._opening(after)
        if opening is not None:
            kind, closer, length, depth = opening
            self._owner.word.add(UNKNOWN)
            self._push(kind, closer, length, depth=depth)
            return
        self._plain_dollar(after)

    @staticmethod
    def _opening(after: str) -> tuple[str, str, int, int] | None:
        if after == "((":
            return "inner", "))", 3, 2
        openings = {"(": ("commands", ")", 2, 0), "{": ("inner", "}", 2, 1), "[": ("inner", "]", 2, 1)}
        return openings.get(after[:1])

    def _plain_dollar(self, after: str) -> None:
        if after[:1] == "'" and self._frame.kind != "quotes":
            self._ansi_quotes()
        elif after[:1] == '"' and self._frame.kind != "quotes":
            self._owner.word.add(UNKNOWN)
            self._push("quotes", '"', 2, depth=1)
        else:
            match = _PARAMETER.match(self._text, self._position)
            self._unknown(len(match[0])) if match else self._take("$")

    def _ansi_quotes(self) -> None:
        match = _ANSI_QUOTE.match(self._text, self._position)
        if match is None or "\\'" in match[1]:
            self._unsure("these quotes are read differently by different shells")
        self._refuse_marks(match.end(), "single quotes", 'use double quotes: "… {{ … }} …"')
        self._check_backticks(match[0])
        self._unknown(len(match[0]))

    def deeper(self) -> None:
        frame = self._frame
        if self._text[self._position] == _OPENS.get(frame.closer[:1]):
            frame.depth += 1
        self._take(self._text[self._position])

    def shallower(self) -> None:
        frame = self._frame
        if self._text[self._position] != frame.closer[:1]:
            self._take(self._text[self._position])
            return
        frame.depth -= 1
        if frame.depth <= 0:
            self.close(1)
        else:
            self._take(frame.closer[:1])

    def _push(self, kind: str, closer: str, length: int, *, depth: int = 0) -> None:
        self._stack.append(_Frame(kind, closer, self._position, depth))
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

    # Heredocs.

    def _heredoc(self, *, indented: bool) -> None:
        match = _DELIMITER.match(self._text, self._position)
        if match is None or self._in_backticks():
            self._unsure("a heredoc whose end cannot be told")
        self._position = match.end()
        if self._text[self._position : self._position + 1] == _MARK:
            self._refuse_mark("it stands in the name that ends a heredoc", "write a fixed name")
        self._frame.heredocs.append((re.sub(r"['\"\\]", "", match[1]), indented))

    def _heredoc_body(self, delimiter: str, *, indented: bool) -> None:
        position = self._position
        while position < len(self._text):
            end = self._text.find("\n", position)
            end = end if end >= 0 else len(self._text)
            line = self._text[position:end]
            position = end + 1
            if (line.lstrip("\t") if indented else line) == delimiter:
                break
        self._refuse_marks(
            min(position, len(self._text)), "a heredoc", "use `stdin: …`, or: printf '%s\\n' {{ … }} | …"
        )
        self._position = min(position, len(self._text))

    # Templates.

    def template(self) -> None:
        number = self._marks[self._mark]
        piece = self._pieces[number]
        if isinstance(piece, Statement):
            self._statement(piece)
        elif isinstance(piece, Expression) and piece.raw:
            self._owner.word.add(UNKNOWN)
        else:
            self._value(number)
        self._mark += 1
        self._position += 1

    def _value(self, number: int) -> None:
        self._refuse_inner()
        quoted = self._frame.kind == "quotes"
        owner = self._owner
        whole = not quoted and self._is_whole(owner)
        self._slots[number] = Slot(quoted, whole)
        owner.word.add(VALUE)
        owner.word.slots += (number,)
        owner.word.quoted = True
        self._note_outside(owner)

    def _note_outside(self, owner: _Frame) -> None:
        """The words around a substitution hold the value too."""
        inner = owner
        for frame in reversed(self._stack[: self._stack.index(owner)]):
            if frame.kind not in {"commands", "array"}:
                continue
            if inner.kind == "array":
                frame.word.compound = True
            else:
                frame.word.nested = True
            inner = frame

    def _refuse_inner(self) -> None:
        for frame in self._stack:
            if frame.kind == "quotes" and frame.depth:
                self._refuse_mark('it stands inside $"…"', "write it without the `$`")
            if frame.kind == "inner" and frame.closer == "}":
                self._refuse_mark("it stands inside the shell's own `${…}`", _VARIABLE_FIRST)
            if frame.kind == "inner":
                self._refuse_mark("it stands inside arithmetic, which the shell evaluates", _ARITHMETIC_HINT)

    def _is_whole(self, owner: _Frame) -> bool:
        """Whether the value is a word of its own, so that a list can become several."""
        in_case = bool(owner.cases) and owner.cases[-1] != "body"
        special = bool(owner.redirect) or isinstance(owner.rule, Test) or in_case
        if owner.word.started is not False or special or self._frame is not owner:
            return False
        position, mark = self._position + 1, self._mark + 1
        while position < len(self._text) and self._text[position] == _MARK and self._is_condition(mark):
            position, mark = position + 1, mark + 1
        return position >= len(self._text) or self._text[position] in " \t\r\n;|&)`<>"

    def _is_condition(self, mark: int) -> bool:
        piece = self._pieces[self._marks[mark]]
        return isinstance(piece, Statement) and piece.keyword in {"if", "elif", "else", "endif"}

    def _statement(self, piece: Statement) -> None:
        if piece.keyword in {"for", "if"}:
            self._blocks.append(_Block(piece.keyword, self._shape(), self._frame.begun, replace(self._owner.word)))
            if piece.keyword == "for":
                self._blur(self._blocks[-1])
            return
        block = self._blocks[-1]
        if not block.joined and self._shape() != block.shape:
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

    def _blur(self, block: _Block) -> None:
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

    def _check_join(self, block: _Block) -> None:
        """A condition may hold a whole command, or the last arguments of one whose name stands before it."""
        frame = self._frame
        alike = self._shape()[:-1] == block.shape[:-1] and frame.shape()[1:] == block.shape[-1][1:]
        fits = block.keyword == "if" and alike and frame.kind == "commands" and block.shape[-1][0] is None
        before = block.word.started is False or (_ends_plainly(block.word) and not block.begun)
        if not (fits and before and frame.rule is not None and frame.rule.bears_doubt):
            hint = (
                "close inside the block what it opens (quotes, parentheses), and put whole commands or arguments in it"
            )
            self._unsure("what the shell reads here depends on a condition or loop", None, hint)

    def _join(self, block: _Block, *, last: bool) -> None:
        self._end_word()
        frame = self._frame
        frame.begun = block.begun
        if last:
            rest = None if block.word.started is False else Arguments()
            frame.rule = Joined(rest)
            frame.word = _Pending(UNKNOWN, started=None, doubtful=True)
        else:
            frame.rule = None
            frame.word = replace(block.word)

    # Refusing.

    def _refuse_marks(self, end: int, place: str, hint: str) -> None:
        """Refuse the first template before `end`; raw values may pass."""
        position = self._text.find(_MARK, self._position, end)
        while position >= 0:
            piece = self._pieces[self._marks[self._mark]]
            if not (isinstance(piece, Expression) and piece.raw):
                self._refuse_mark(f"it stands inside {place}", hint)
            self._mark += 1
            position = self._text.find(_MARK, position + 1, end)

    def _refuse_mark(self, why: str, hint: str) -> NoReturn:
        piece = self._pieces[self._marks[self._mark]]
        raise TemplateError(
            f"a value cannot be kept apart from the command here: {why}", offset=piece.offset, hint=hint
        )

    def _unsure(self, what: str, at: int | None = -1, hint: str = _VARIABLE_FIRST) -> NoReturn:
        position = self._position if at is None or at < 0 else at
        raise TemplateError(
            f"values cannot be kept apart from this command: {what}", offset=self._offset(position), hint=hint
        )

    def _last_value(self) -> int:
        return self._pieces[max(self._slots)].offset if self._slots else 0

    def _first_value(self) -> int:
        return self._pieces[min(self._slots)].offset if self._slots else 0

    def _offset(self, position: int) -> int:
        """A place in the joined text as one in the source."""
        number = bisect_right(self._starts, position) - 1
        piece = self._pieces[number]
        return piece.offset + (position - self._starts[number] if isinstance(piece, Text) else 0)


_ARITHMETIC_HINT: Final = "compute it outside the shell: {{ a + b }}, or use `expr`"
_AFTER_BOTH: Final = Nothing("`&>` ends the command for some shells", "write > file 2>&1, at the end")
_OPENS: Final = {")": "(", "}": "", "]": "["}
_RUNS: Final = {
    "commands": _RUN,
    "array": _RUN,
    "quotes": _QUOTED_RUN,
    "inner": _INNER_RUN,
    "group": _INNER_RUN,
}


_WORDS: Final[dict[str, Callable[[_Lexer], None]]] = {
    "'": _Lexer.single_quotes,
    '"': _Lexer.double_quotes,
    "`": _Lexer.backtick,
    "$": _Lexer.dollar,
    "\\": _Lexer.backslash,
    _MARK: _Lexer.template,
}
_COMMANDS: Final = {
    **_WORDS,
    " ": _Lexer.blank,
    "\t": _Lexer.blank,
    "\n": _Lexer.newline,
    ";": _Lexer.semicolon,
    "&": _Lexer.ampersand,
    "|": _Lexer.bar,
    "<": _Lexer.redirection,
    ">": _Lexer.redirection,
    "(": _Lexer.open_parenthesis,
    ")": _Lexer.close_parenthesis,
    "#": _Lexer.hash,
}
_MEANINGS: Final = {
    "commands": _COMMANDS,
    "array": _COMMANDS,
    "quotes": {**{char: _WORDS[char] for char in ("`", "$", "\\", _MARK)}, '"': _Lexer.close},
    "inner": {**_WORDS, **dict.fromkeys("([", _Lexer.deeper), **dict.fromkeys(")}]", _Lexer.shallower)},
    "group": {**_WORDS, "(": _Lexer.deeper, ")": _Lexer.shallower},
}
"""What each character means, by what is open."""


def _check_redirect(operator: str, word: Word) -> None:
    if operator in {">&", "<&"} and word.has_value:
        hint = "write > {{ … }} 2>&1"
        raise TemplateError(f"bash evaluates what follows `{operator}`", hint=hint)


def _ends_plainly(word: _Pending) -> bool:
    """Whether the word is the whole name of a program that takes plain arguments."""
    plain = bool(word.text) and not word.slots and not word.doubtful and word.text not in _AT_START | _ENDING | {"case"}
    return plain and not _SETS.match(word.text) and isinstance(rule_for(word.text), Arguments)


def _case_word(frame: _Frame, word: Word) -> None:
    """The words of `case WORD in PATTERN) … ;; esac`."""
    state = frame.cases[-1]
    if state == "word":
        frame.cases[-1] = "in"
    elif state == "in":
        frame.cases[-1] = "pattern"
    elif word.text == "esac" and not word.quoted:
        frame.cases.pop()
        frame.rule = Anything()


def _joined(pieces: Sequence[Piece]) -> tuple[str, list[int], list[int]]:
    """The script with a mark for every template, the pieces that the marks stand for, where each piece starts."""
    parts: list[str] = []
    marks: list[int] = []
    starts: list[int] = []
    length = 0
    for number, piece in enumerate(pieces):
        text = piece.text if isinstance(piece, Text) else _MARK
        if not isinstance(piece, Text):
            marks.append(number)
        elif _MARK in text:
            raise TemplateError("the command holds a NUL", offset=piece.offset + text.index(_MARK))
        starts.append(length)
        length += len(text)
        parts.append(text)
    return "".join(parts), marks, starts
