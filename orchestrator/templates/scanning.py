"""From a template's source to its pieces: text, expressions and statements, each with its place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from orchestrator.core.fact import fact
from orchestrator.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_DEPTH: Final = 100
"""How deep brackets and blocks may nest."""

Names: TypeAlias = "frozenset[str]"

NO_NAMES: Final[Names] = frozenset()


@fact
class Token:
    """A word of an expression. `kind` is name, string, number or mark."""

    kind: str
    text: str
    offset: int


@fact
class Text:
    """What stands as it is written."""

    text: str
    offset: int


@fact
class Expression:
    """`{{ … }}`; `raw` if its last filter is `| raw`, which is taken off."""

    tokens: tuple[Token, ...]
    offset: int
    raw: bool = False


@fact
class Statement:
    """`{% … %}`."""

    tokens: tuple[Token, ...]
    offset: int

    @property
    def keyword(self) -> str:
        return self.tokens[0].text if self.tokens else ""


Piece: TypeAlias = "Text | Expression | Statement"

_OPENING = re.compile(r"\{\{[-+]?|\{%[-+]?|(?<!\$)\{#|\$\{")
_RAW = re.compile(r"\{%([-+]?)\s*raw\s*([-+]?)%\}(.*?)\{%([-+]?)\s*endraw\s*([-+]?)%\}", re.DOTALL)
_SHORT = re.compile(r"\$\{\s*(inputs?|env)(?=[.\[])([^{}]*)\}")
_ENDINGS: Final = {"{{": re.compile(r"\s*(-?)\}\}"), "{%": re.compile(r"\s*([-+]?)%\}")}
_SPACE = re.compile(r"\s*")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"|(?P<number>(?<!\.)[0-9][0-9_]*\.[0-9]+(?:[eE][-+]?[0-9]+)?|(?<!\.)[0-9]+[eE][-+]?[0-9]+|[0-9][0-9_]*)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<mark>//|\*\*|==|!=|<=|>=|[-+*/%~()\[\]{}<>=.:,|])",
    re.DOTALL,
)
_HYPHENED = re.compile(r"\w+(?:-\w+)+")
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}


def scan(source: str, names: Names = NO_NAMES, *, for_shell: bool = False) -> tuple[Piece, ...]:
    """The pieces of a template. For a shell, a `${…}` that is not ours is the shell's own."""
    return tuple(_Scanner(source, names, for_shell=for_shell).pieces())


def scan_expression(source: str, names: Names = NO_NAMES) -> Expression:
    """A whole source that is one expression, with or without the braces around it."""
    if source.lstrip().startswith("{{"):
        return _only_expression(scan(source.strip(), names), source)
    tokens, _ = _Tokens(source, names).until(None, 0)
    return _expression(tokens, 0)


def _only_expression(pieces: tuple[Piece, ...], source: str) -> Expression:
    first = pieces[0] if len(pieces) == 1 else None
    if not isinstance(first, Expression):
        raise TemplateError("one expression is expected here, not text", offset=0, hint="write it without {{ }}")
    shift = len(source) - len(source.lstrip())
    tokens = tuple(Token(token.kind, token.text, token.offset + shift) for token in first.tokens)
    return Expression(tokens, shift, first.raw)


def hyphenated(source: str) -> frozenset[str]:
    """Everything in the source that could be a hyphenated name."""
    return _hyphenated(source) if "-" in source else NO_NAMES


@lru_cache(maxsize=4096)
def _hyphenated(source: str) -> frozenset[str]:
    return frozenset(part for run in _HYPHENED.findall(source) for part in _parts(run))


def _parts(run: str) -> Iterable[str]:
    """A run of words, and every shorter run inside it."""
    if run.count("-") == 1:
        return (run,)
    return _shorter(run.split("-")[:20])


def _shorter(words: list[str]) -> Iterable[str]:
    for start in range(len(words)):
        for end in range(start + 2, len(words) + 1):
            yield "-".join(words[start:end])


class _Scanner:
    """Walks over one source. Text is collected until a piece that is none ends it."""

    def __init__(self, source: str, names: Names, *, for_shell: bool) -> None:
        self._source = source
        self._tokens = _Tokens(source, names)
        self._for_shell = for_shell
        self._pieces: list[Piece] = []
        self._text: list[str] = []
        self._text_offset = 0
        self._strip_next = False
        self._position = 0

    def pieces(self) -> list[Piece]:
        handlers: dict[str, Callable[[int, str], None]] = {
            "{{": self._code,
            "{%": self._block,
            "{#": self._comment,
            "${": self._dollar,
        }
        while (match := _OPENING.search(self._source, self._position)) is not None:
            self._add_text(self._position, match.start())
            handlers[match[0][:2]](match.start(), match[0])
        self._add_text(self._position, len(self._source))
        self._end_text(strip=False)
        return self._pieces

    def _add_text(self, start: int, end: int) -> None:
        text = self._source[start:end]
        if self._strip_next:
            start = end - len(text := text.lstrip())
            self._strip_next = not text
        if text:
            if not self._text:
                self._text_offset = start
            self._text.append(text)
        self._position = end

    def _end_text(self, *, strip: bool) -> None:
        text = "".join(self._text)
        text = text.rstrip() if strip else text
        if text:
            self._pieces.append(Text(text, self._text_offset))
        self._text = []

    def _code(self, start: int, opening: str) -> None:
        tokens, ending = self._inside(start, opening, "{{")
        self._pieces.append(_expression(tokens, start))
        self._strip_next = ending == "-"

    def _block(self, start: int, opening: str) -> None:
        raw = _RAW.match(self._source, start)
        if raw is not None:
            self._raw(raw)
            return
        tokens, ending = self._inside(start, opening, "{%")
        self._pieces.append(Statement(tokens, start))
        self._strip_next = ending == "-"

    def _inside(self, start: int, opening: str, kind: str) -> tuple[tuple[Token, ...], str]:
        self._end_text(strip=opening.endswith("-"))
        tokens, ending = self._tokens.until(_ENDINGS[kind], start + len(opening), start)
        self._position = self._tokens.position
        return tokens, ending

    def _raw(self, match: re.Match[str]) -> None:
        before, first, text, last, after = match.groups()
        self._end_text(strip=before == "-")
        text = text.lstrip() if first == "-" else text
        text = text.rstrip() if last == "-" else text
        if text:
            self._pieces.append(Text(text, match.start(3)))
        self._strip_next = after == "-"
        self._position = match.end()

    def _comment(self, start: int, _opening: str) -> None:
        end = self._source.find("#}", start)
        if end < 0:
            self._add_text(start, start + 2)
        else:
            self._position = end + 2

    def _dollar(self, start: int, _opening: str) -> None:
        match = _SHORT.match(self._source, start)
        if match is not None:
            self._end_text(strip=False)
            self._pieces.append(Expression(short_path(match, self._source), start))
            self._position = match.end()
        elif self._for_shell:
            self._add_text(start, start + (1 if self._source.startswith("${{", start) else 2))
        else:
            _refuse_dollar(self._source, start)


def short_path(match: re.Match[str], source: str) -> tuple[Token, ...]:
    """The tokens of `${inputs.x}`, which is short for `{{ inputs.x }}`."""
    head = "inputs" if match[1] == "input" else match[1]
    inner, _ = _Tokens(source[: match.end(2)], NO_NAMES).until(None, match.start(2))
    tokens = (Token("name", head, match.start(1)), *inner)
    if any(token.text in {"|", "(", ","} for token in tokens):
        raise TemplateError("`${…}` takes a plain path", offset=match.start(), hint="write {{ … }} for an expression")
    return tokens


def _refuse_dollar(source: str, start: int) -> NoReturn:
    end = source.find("}", start)
    inner = source[start + 2 : end if end >= 0 else len(source)].strip(" {}")
    if source.startswith("${{", start):
        raise TemplateError(
            f"`${{{{ {inner} }}}}` has a dollar too many", offset=start, hint=f"write {{{{ {inner} }}}}"
        )
    hint = f"write {{{{ {inner} }}}}; `${{…}}` knows inputs.NAME and env.NAME only, and {{% raw %}} keeps it as it is"
    raise TemplateError(f"`${{{inner}}}` is no template", offset=start, hint=hint)


def _expression(tokens: tuple[Token, ...], offset: int) -> Expression:
    if not tokens:
        raise TemplateError("the expression is empty", offset=offset, hint="write a name, such as {{ inputs.name }}")
    if len(tokens) > 2 and tokens[-1].text == "raw" and tokens[-2].text == "|":
        return Expression(tokens[:-2], offset, raw=True)
    return Expression(tokens, offset)


class _Tokens:
    """Reads the words of expressions; `position` is where the last one ended."""

    def __init__(self, source: str, names: Names) -> None:
        self._source = source
        self._names = names
        self.position = 0

    def until(self, ending: re.Pattern[str] | None, start: int, opened: int = 0) -> tuple[tuple[Token, ...], str]:
        """The tokens up to an ending outside of brackets (or up to the end), and the ending's own sign."""
        tokens: list[Token] = []
        brackets: list[str] = []
        self.position = start
        while True:
            found = ending.match(self._source, self.position) if ending is not None and not brackets else None
            if found is not None:
                self.position = found.end()
                return tuple(tokens), found[1]
            self.position = _SPACE.match(self._source, self.position).end()  # type: ignore[union-attr]  # it always matches
            if self.position >= len(self._source):
                return _closed(tokens, opened, complete=ending is None), ""
            self._take(tokens, brackets)

    def _take(self, tokens: list[Token], brackets: list[str]) -> None:
        token = self._next(tokens[-1].text if tokens else "")
        if token.text in {"(", "[", "{"}:
            brackets.append(token.text)
        elif token.kind == "mark" and token.text in _BRACKETS:
            _close(brackets, token)
        if len(brackets) > MAX_DEPTH:
            raise TemplateError(f"brackets nest deeper than {MAX_DEPTH}", offset=token.offset)
        tokens.extend(self._short(token) if token.kind == "short" else (token,))

    def _next(self, before: str) -> Token:
        start = self.position
        name = self._hyphenated_name(start) if before not in {".", "|"} else None
        if name is not None:
            self.position += len(name)
            return Token("name", name, start)
        short = _SHORT.match(self._source, start)
        if short is not None:
            self.position = short.end()
            return Token("short", short[0], start)
        match = _TOKEN.match(self._source, start)
        if match is None or match.lastgroup is None:
            raise _strange(self._source, start)
        self.position = match.end()
        return Token(match.lastgroup, match[0], start)

    def _short(self, token: Token) -> tuple[Token, ...]:
        match = _SHORT.match(self._source, token.offset)
        return short_path(match, self._source) if match else ()

    def _hyphenated_name(self, start: int) -> str | None:
        """The longest known name that begins here and that the word rules would tear apart."""
        match = _HYPHENED.match(self._source, start) if self._names else None
        if match is None:
            return None
        words = match[0].split("-")
        joined = ("-".join(words[:count]) for count in range(len(words), 1, -1))
        return next((name for name in joined if name in self._names), None)


def _close(brackets: list[str], token: Token) -> None:
    if not brackets or brackets.pop() != _BRACKETS[token.text]:
        raise TemplateError(f"`{token.text}` closes nothing", offset=token.offset)


def _closed(tokens: list[Token], opened: int, *, complete: bool) -> tuple[Token, ...]:
    if not complete:
        raise TemplateError("a template opens here that is never closed", offset=opened, hint="close it: }} or %}")
    return tuple(tokens)


def _strange(source: str, start: int) -> TemplateError:
    char = source[start]
    if char in "\"'":
        return TemplateError("a string opens here that is never closed", offset=start, hint=f"close it with {char}")
    hint = "`and`, `or` and `not` are written as words" if char in "&!" else None
    return TemplateError(f"`{char}` has no meaning in an expression", offset=start, hint=hint)
