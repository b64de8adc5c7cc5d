"""How a shell reads a script with values in it, character by character, and whether the place of each value is safe.

The script is read as bash and POSIX shells read it, with a mark for every template. Whatever cannot be told for sure is
refused: it is better to ask for another way of writing than to guess.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.scanning import Expression, Piece, Statement
from orchestrator.templates.shell_frames import MARK, Frame, Pending
from orchestrator.templates.shell_rules import UNKNOWN, VALUE, Nothing, Slot, Test
from orchestrator.templates.shell_words import VARIABLE_FIRST, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PARAMETER = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])")
_REDIRECT = re.compile(r"<<<|<<-?|<>|<&|>>|>&|>\||&>>?|<|>")
_DELIMITER = re.compile(r"[ \t]*((?:[^\s\x00\"'\\;&|<>()`$]|'[^'\x00\n]*'|\"[^\"\x00\n]*\"|\\[^\x00\n])+)")
_ANSI_QUOTE = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")
_ARRAY = re.compile(r"[A-Za-z_]\w*(?:\[[^]]*\])?\+?=").fullmatch
_ARITHMETIC_HINT: Final = "compute it outside the shell: {{ a + b }}, or use `expr`"
_AFTER_BOTH: Final = Nothing("`&>` ends the command for some shells", "write > file 2>&1, at the end")
_OPENS: Final = {")": "(", "}": "", "]": "["}


def slots_of(pieces: Sequence[Piece]) -> dict[int, Slot]:
    """The place of every expression that is not raw, by its number among the pieces.

    Raises:
        TemplateError: a value stands where the shell, or a program that it starts, would read it as code.
    """
    if not any(isinstance(piece, Expression) and not piece.raw for piece in pieces):
        return {}
    return Lexer(pieces).slots()


class Lexer(Reader):
    """One pass over the script. The methods without underscore are the meanings of characters."""

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
        text, stack = self._script.text, self._stack
        while self._position < len(text):
            kind = stack[-1].kind
            char = text[self._position]
            meaning = _MEANINGS[kind].get(char)
            if meaning is not None:
                meaning(self)
                continue
            run = _RUNS[kind].match(text, self._position)
            self._take(run[0] if run else char)

    # Characters of command lists.

    def blank(self) -> None:
        self._end_word()
        self._position += 1

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
        ends_case = self._script.text[self._position + 1 : self._position + 2] in {";", "&"}
        if ends_case and cases:
            cases[-1] = "pattern"
        self._position += 2 if ends_case else 1

    def ampersand(self) -> None:
        if self._script.text.startswith("&>", self._position):
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
        while self._script.text[self._position : self._position + 1] in set(chars):
            self._position += 1

    def redirection(self) -> None:
        if self._script.text[self._position : self._position + 2] in {"<(", ">("}:
            self._take_substitution()
            return
        frame = self._frame
        if frame.in_test:
            self.blank()
            return
        if frame.word.text.isdigit() and not frame.word.quoted:
            frame.word = Pending()
        self._end_word()
        match = _REDIRECT.match(self._script.text, self._position)
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
        self.push("commands", ")", 2)

    def open_parenthesis(self) -> None:
        frame = self._frame
        if frame.word.started is None:
            self._unsure("it depends on a condition what opens here")
        if frame.word.started:
            self._glued_parenthesis(frame)
        elif self._script.text.startswith("((", self._position) and not frame.in_test:
            self.push("inner", "))", 2, depth=2)
        else:
            self._loose_parenthesis(frame)

    def _loose_parenthesis(self, frame: Frame) -> None:
        if frame.in_test or (frame.cases and frame.cases[-1] == "pattern"):
            self._position += 1
        elif frame.rule is None and frame.kind == "commands":
            self.push("commands", ")", 1)
        elif _EMPTY_PARENTHESES.match(self._script.text, self._position):
            self._function()
        else:
            self._unsure("a parenthesis stands where none is expected")

    def _glued_parenthesis(self, frame: Frame) -> None:
        text = frame.word.text
        if _ARRAY(text):
            self.push("array", ")", 1)
        elif frame.in_test or (text[-1:] in {"?", "*", "+", "@", "!"} and text != "!"):
            frame.word.add(UNKNOWN)
            self.push("group", ")", 1, depth=1)
        elif _EMPTY_PARENTHESES.match(self._script.text, self._position) and VALUE not in text:
            self._function()
        else:
            self._unsure("a parenthesis stands where none is expected")

    def _function(self) -> None:
        """`name()`: a body follows."""
        frame = self._frame
        frame.word = Pending()
        frame.rule = None
        self._position = self._script.text.index(")", self._position) + 1

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
        end = self._script.text.find("\n", self._position)
        end = end if end >= 0 else len(self._script.text)
        if "`" in self._script.text[self._position : end] and self._in_backticks():
            self._unsure("a comment stands inside backticks")
        self._refuse_marks(end, "a comment", "take the template out of the comment")
        self._position = end

    # Quotes and substitutions.

    def single_quotes(self) -> None:
        if self._frame.kind == "inner" and any(frame.kind == "quotes" for frame in self._stack):
            self._unsure("single quotes inside `${…}` inside double quotes are read differently by different shells")
        end = self._script.text.find("'", self._position + 1)
        if end < 0:
            self._unsure("a single quote opens here that is never closed")
        hint = 'close the quotes before it, or use double quotes: "… {{ … }} …"'
        self._refuse_marks(end, "single quotes", hint)
        self._check_backticks(self._script.text[self._position : end])
        text = self._script.text[self._position + 1 : end]
        self._position = end + 1
        self._owner.word.add(text)
        self._owner.word.quoted = True

    def double_quotes(self) -> None:
        self._owner.word.add("")
        self._owner.word.quoted = True
        self.push("quotes", '"', 1)

    def backtick(self) -> None:
        if self._frame.closer == "`":
            self._end_command()
            self.close()
        elif self._in_backticks():
            self._unsure("backticks stand inside backticks")
        else:
            self._owner.word.add(UNKNOWN)
            self.push("commands", "`", 1)

    def _in_backticks(self) -> bool:
        return any(frame.closer == "`" for frame in self._stack)

    def _check_backticks(self, text: str) -> None:
        if ("`" in text or "\\" in text) and self._in_backticks():
            self._unsure("a backslash or a backtick stands inside backticks")

    def backslash(self) -> None:
        self._check_backticks("\\")
        after = self._script.text[self._position + 1 : self._position + 2]
        if after == MARK:
            self._position += 1
            self._refuse_mark("a backslash stands right before it", "write it without the backslash")
        if after == "\n":
            self._position += 2
            return
        self._position += 2
        self._owner.word.add(after)
        self._owner.word.quoted = True

    def dollar(self) -> None:
        after = self._script.text[self._position + 1 : self._position + 3]
        if after[:1] == MARK:
            self._position += 1
            self._refuse_mark("a `$` stands right before it", "write {{ … }} without the `$`, or `\\$` for a dollar")
        opening = self._opening(after)
        if opening is not None:
            kind, closer, length, depth = opening
            self._owner.word.add(UNKNOWN)
            self.push(kind, closer, length, depth=depth)
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
            self.push("quotes", '"', 2, depth=1)
        else:
            match = _PARAMETER.match(self._script.text, self._position)
            self._unknown(len(match[0])) if match else self._take("$")

    def _ansi_quotes(self) -> None:
        match = _ANSI_QUOTE.match(self._script.text, self._position)
        if match is None or "\\'" in match[1]:
            self._unsure("these quotes are read differently by different shells")
        self._refuse_marks(match.end(), "single quotes", 'use double quotes: "… {{ … }} …"')
        self._check_backticks(match[0])
        self._unknown(len(match[0]))

    def deeper(self) -> None:
        frame = self._frame
        if self._script.text[self._position] == _OPENS.get(frame.closer[:1]):
            frame.depth += 1
        self._take(self._script.text[self._position])

    def shallower(self) -> None:
        frame = self._frame
        if self._script.text[self._position] != frame.closer[:1]:
            self._take(self._script.text[self._position])
            return
        frame.depth -= 1
        if frame.depth <= 0:
            self.close(1)
        else:
            self._take(frame.closer[:1])

    # Heredocs.

    def _heredoc(self, *, indented: bool) -> None:
        match = _DELIMITER.match(self._script.text, self._position)
        if match is None or self._in_backticks():
            self._unsure("a heredoc whose end cannot be told")
        self._position = match.end()
        if self._script.text[self._position : self._position + 1] == MARK:
            self._refuse_mark("it stands in the name that ends a heredoc", "write a fixed name")
        self._frame.heredocs.append((re.sub(r"['\"\\]", "", match[1]), indented))

    def _heredoc_body(self, delimiter: str, *, indented: bool) -> None:
        position = self._position
        while position < len(self._script.text):
            end = self._script.text.find("\n", position)
            end = end if end >= 0 else len(self._script.text)
            line = self._script.text[position:end]
            position = end + 1
            if (line.lstrip("\t") if indented else line) == delimiter:
                break
        self._refuse_marks(
            min(position, len(self._script.text)), "a heredoc", "use `stdin: …`, or: printf '%s\\n' {{ … }} | …"
        )
        self._position = min(position, len(self._script.text))

    # Templates.

    def template(self) -> None:
        piece = self._script.piece
        if isinstance(piece, Statement):
            self._statement(piece)
        elif self._script.is_raw():
            self._owner.word.add(UNKNOWN)
        else:
            self._value(self._script.number)
        self._script.mark += 1
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

    def _note_outside(self, owner: Frame) -> None:
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
                self._refuse_mark("it stands inside the shell's own `${…}`", VARIABLE_FIRST)
            if frame.kind == "inner":
                self._refuse_mark("it stands inside arithmetic, which the shell evaluates", _ARITHMETIC_HINT)

    def _is_whole(self, owner: Frame) -> bool:
        """Whether the value is a word of its own, so that a list can become several."""
        in_case = bool(owner.cases) and owner.cases[-1] != "body"
        special = bool(owner.redirect) or isinstance(owner.rule, Test) or in_case
        if owner.word.started is not False or special or self._frame is not owner:
            return False
        ahead = 1
        while self._character(ahead) == MARK and self._script.is_condition(ahead):
            ahead += 1
        return self._character(ahead) in " \t\n;|&)`<>"

    def _character(self, ahead: int) -> str:
        return self._script.text[self._position + ahead : self._position + ahead + 1]


_INNER_RUN = re.compile(r"[^\"'\\$`\x00(){}\[\]]+")
_COMMAND_RUN = re.compile(r"[^\s\x00\"'`$\\;&|<>()#]+")
_RUNS: Final = {
    "commands": _COMMAND_RUN,
    "array": _COMMAND_RUN,
    "quotes": re.compile(r"[^\"\\$`\x00]+"),
    "inner": _INNER_RUN,
    "group": _INNER_RUN,
}
_WORDS: Final[dict[str, Callable[[Lexer], None]]] = {
    "'": Lexer.single_quotes,
    '"': Lexer.double_quotes,
    "`": Lexer.backtick,
    "$": Lexer.dollar,
    "\\": Lexer.backslash,
    MARK: Lexer.template,
}
_COMMANDS: Final = {
    **_WORDS,
    " ": Lexer.blank,
    "\t": Lexer.blank,
    "\n": Lexer.newline,
    ";": Lexer.semicolon,
    "&": Lexer.ampersand,
    "|": Lexer.bar,
    "<": Lexer.redirection,
    ">": Lexer.redirection,
    "(": Lexer.open_parenthesis,
    ")": Lexer.close_parenthesis,
    "#": Lexer.hash,
}
_MEANINGS: Final = {
    "commands": _COMMANDS,
    "array": _COMMANDS,
    "quotes": {**{char: _WORDS[char] for char in ("`", "$", "\\", MARK)}, '"': Lexer.close},
    "inner": {**_WORDS, **dict.fromkeys("([", Lexer.deeper), **dict.fromkeys(")}]", Lexer.shallower)},
    "group": {**_WORDS, "(": Lexer.deeper, ")": Lexer.shallower},
}
"""What each character means, by what is open."""
