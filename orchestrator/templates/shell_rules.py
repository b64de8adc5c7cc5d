"""What the words of a shell command mean for the values among them: which programs read an argument as code.

A rule is a frozen value that takes the words of one command in turn and gives the rule for the next. `VALUE` stands in
a word for a template's value, `UNKNOWN` for what only the shell knows (`$x`, `$(…)`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final, NoReturn, Protocol

from orchestrator.core.fact import fact
from orchestrator.templates.errors import TemplateError

VALUE: Final = "\0"
UNKNOWN: Final = "\1"


@fact
class Slot:
    """Where a value stands: inside double quotes, or as a whole word.

    Where the value names a program, `before` and `after` stand around it, and the whole must not be `forbidden`.
    """

    quoted: bool
    whole: bool = False
    before: str = ""
    after: str = ""
    forbidden: frozenset[str] = frozenset()


@fact
class Word:
    """One word of a command without its quotes.

    `nested`: a value is inside its `$(…)`; `compound`: inside its `x=(…)`; `doubtful`: a condition or loop decides what
    the word is, or whether it is there.
    """

    text: str
    quoted: bool = False
    nested: bool = False
    compound: bool = False
    doubtful: bool = False

    @property
    def has_value(self) -> bool:
        return VALUE in self.text or self.nested or self.compound

    @property
    def begins_with_value(self) -> bool:
        return self.text.startswith(VALUE) or (self.text.startswith(UNKNOWN) and self.nested)

    @property
    def program(self) -> str:
        return self.text.rpartition("/")[2]


class Rule(Protocol):
    """What may follow in a command."""

    @property
    def bears_doubt(self) -> bool:
        """Whether it makes no difference which words there are."""
        ...

    def after(self, word: Word) -> Rule | None:
        """The rule for what follows the word, None if a new command begins.

        Raises:
            TemplateError: a value must not stand in the word.
        """
        ...

    def finish(self) -> None:
        """Called where the command ends."""
        ...


@fact
class _Base:
    """What most rules share."""

    @property
    def bears_doubt(self) -> bool:
        return isinstance(self, Anything | Arguments | Nothing | Wrapper | Find | Joined)

    def finish(self) -> None:
        """Nothing is left to check."""


@fact
class Anything(_Base):
    """Every word is plain data."""

    def after(self, word: Word) -> Rule:
        del word
        return self


@fact
class Arguments(_Base):
    """Arguments of a program that is not known to read code. A shell named among them may be run by it."""

    def after(self, word: Word) -> Rule:
        letters = _code_letters(word.text)
        return Interpreter(word.program, letters, sure=False) if letters else self


@fact
class Nothing(_Base):
    """No value may stand among the arguments."""

    reason: str
    hint: str

    def after(self, word: Word) -> Rule:
        if word.has_value:
            raise TemplateError(self.reason, hint=self.hint)
        return self


@fact
class NotFirst(_Base):
    """The first word must not be, or begin with, a value."""

    reason: str
    hint: str

    def after(self, word: Word) -> Rule:
        if word.begins_with_value or (word.has_value and word.text.startswith("-")):
            raise TemplateError(self.reason, hint=self.hint)
        return Arguments()


@fact
class Printf(_Base):
    """`printf -v NAME` evaluates the name."""

    def after(self, word: Word) -> Rule:
        if word.text == "-v":
            return Named("printf -v")
        reason = "`printf` reads its first argument as options and format"
        return NotFirst(reason, "write `printf '%s\\n' {{ … }}`").after(word)


@fact
class Named(_Base):
    """The next word is a name that the shell evaluates."""

    command: str

    def after(self, word: Word) -> Rule | None:
        if word.has_value:
            raise TemplateError(f"`{self.command}` takes a name of its own here, not a value", hint="write the name")
        return None if self.command == "function" else Arguments()


@fact
class Code(_Base):
    """The next word is code."""

    name: str
    rest: Rule
    only_option: bool = False

    def after(self, word: Word) -> Rule:
        if word.text.startswith(("-", "+")) and not word.has_value and self.only_option:
            return self
        if word.has_value:
            _refuse_code(self.name)
        return self.rest


def _refuse_code(name: str) -> NoReturn:
    if _is_shell(name):
        hint = f"hand the value over as an argument: {name} -c 'echo \"$1\"' _ {{{{ … }}}}"
    else:
        hint = "hand the value over as an argument after the code (after `--`), through `env` or through `stdin`"
    raise TemplateError(f"`{name}` would read the value as code", hint=hint)


@fact
class Interpreter(_Base):
    """A shell or a language, still reading its options. `sure`: it is the command itself, not a word among others."""

    name: str
    letters: str
    sure: bool
    takes_word: bool = False

    def after(self, word: Word) -> Rule:
        if self.takes_word:
            return replace(self, takes_word=False)
        text = word.text
        if text == "--":
            return Anything()
        if text == "-":
            return Arguments()
        if text[:1] == "-" or (text[:1] == "+" and _is_shell(self.name)):
            return self._option(word)
        if self.name == "deno" and text == "eval":
            return Code(self.name, Anything())
        return self._script(word)

    def _option(self, word: Word) -> Rule:
        if word.has_value:
            hint = f"write the option without a value, or end the options first: `{self.name} -- …`"
            raise TemplateError(f"`{self.name}` may read the value as code", hint=hint)
        if _is_code_option(self, word.text):
            rest = Anything() if _ends_options(self.name) else self
            return Code(self.name, rest, only_option=_is_shell(self.name))
        if word.text == "-m" and self.name.startswith("py"):
            return Arguments()
        return replace(self, takes_word=_takes_word(self.name, word.text))

    def _script(self, word: Word) -> Rule:
        if self.sure and word.begins_with_value:
            hint = f"end the options first: `{self.name} -- {{{{ … }}}}`"
            raise TemplateError(f"`{self.name}` would take a value that begins with `-` for an option", hint=hint)
        return Arguments()


@fact
class Wrapper(_Base):
    """A program that runs the program named by its arguments, such as `sudo`; or one that only the shell knows."""

    known: bool = True

    def after(self, word: Word) -> Rule:
        if not self.known and _GENERIC_CODE(word.text):
            return Code("this command", self)
        if word.text[:1] == "-" or assigned_name(word) is not None:
            return self
        if word.nested:
            raise TemplateError("what a value leads to would be run here as a command", hint=_VARIABLE_FIRST)
        found = rule_for(word.text)
        return Wrapper() if isinstance(found, Arguments) else found


@fact
class Builtin(_Base):
    """`command` runs what the shell itself knows."""

    def after(self, word: Word) -> Rule:
        if word.text in {"-v", "-V"}:
            return Arguments()
        if word.text.startswith("-") and not word.has_value:
            return self
        if word.has_value:
            raise TemplateError("`command` would run a command of the shell itself", hint="name the program")
        return rule_for(word.text)


@fact
class Find(_Base):
    """`find` runs what follows `-exec`."""

    def after(self, word: Word) -> Rule:
        return Wrapper() if word.text in {"-exec", "-execdir", "-ok", "-okdir"} else self


@fact
class CodeOption(_Base):
    """Code follows one option."""

    name: str
    options: tuple[str, ...]

    def after(self, word: Word) -> Rule:
        if word.text in self.options:
            return Code(self.name, self)
        if word.has_value and word.text.startswith(self.options):
            _refuse_code(self.name)
        found = rule_for(word.text) if word.text[:1] != "-" else self
        return self if isinstance(found, Arguments | Wrapper) else found


@fact
class Declare(_Base):
    """`declare`, `export` and their like: `NAME={{ … }}` is fine, a value as name is not."""

    name: str
    evaluates: bool = False

    def after(self, word: Word) -> Rule:
        option = word.text[:1] in {"-", "+"}
        if option and not word.has_value:
            return replace(self, evaluates=self.evaluates or bool(set(word.text) & set("aAinfF")))
        if word.has_value:
            self._check(word)
        return self

    def makes_evaluating(self, word: Word) -> bool:
        """Whether from here on the shell evaluates what is assigned to a variable."""
        option = word.text[:1] in {"-", "+"}
        return option and self.name in {"declare", "typeset", "local"} and bool(set(word.text) & {"i", "n"})

    def _check(self, word: Word) -> None:
        name = _ASSIGNMENT(word.text)
        if name is None or "[" in name[0]:
            raise TemplateError(f"`{self.name}` takes names here, not a value", hint="write NAME={{ … }}")
        check_assignment(name[1], word)
        if self.evaluates and (VALUE in word.text or word.nested):
            raise TemplateError(f"`{self.name}` with these options evaluates what it is given", hint=_VARIABLE_FIRST)


@fact
class Test(_Base):
    """`[ … ]`, `test …` and `[[ … ]]`."""

    double: bool
    words: tuple[Word, ...] = ()

    def after(self, word: Word) -> Rule:
        return replace(self, words=(*self.words, word))

    def finish(self) -> None:
        around = (_NONE, *self.words, _NONE)
        for before, word, after in zip(around, self.words, around[2:], strict=False):
            if not word.has_value:
                continue
            if before.text in {"-v", "-R"}:
                raise TemplateError(f"`{before.text}` evaluates the name that it is given", hint="write the name")
            if self.double and (before.text in _ARITHMETIC or after.text in _ARITHMETIC):
                hint = "compare with `[ … ]`, which does not: [ {{ … }} -gt 3 ]"
                raise TemplateError("`[[` evaluates what it compares as numbers", hint=hint)
            if not self.double and word.begins_with_value and after.text not in _AFTER_OPERAND:
                hint = "put the operator first: [ -n {{ … }} ], or between: [ {{ … }} = x ]"
                raise TemplateError("a value stands where an operator is read", hint=hint)


@fact
class Joined(_Base):
    """After a condition that holds a whole command (then nothing may follow), or arguments (then `rest` goes on)."""

    rest: Arguments | None

    def after(self, word: Word) -> Rule:
        if word.text == UNKNOWN and word.doubtful and not word.has_value:
            return self
        if self.rest is None or word.doubtful:
            hint = "end the command inside the block, or begin a new line after it"
            raise TemplateError("what follows this condition may belong to the command inside it", hint=hint)
        return self.rest.after(word)


@fact
class For(_Base):
    """`for NAME in …`."""

    position: int = 0

    def after(self, word: Word) -> Rule | None:
        if self.position <= 1 and word.text in {"do", "{"}:
            return None
        if self.position == 0 and word.has_value:
            raise TemplateError("`for` takes a name here, not a value", hint="write: for item in {{ … }}; do …")
        return replace(self, position=self.position + 1)


_NONE: Final = Word("")
_VARIABLE_FIRST: Final = 'set a plain variable first: value={{ … }}, then use "$value"'
_ARITHMETIC: Final = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge"))
_AFTER_OPERAND: Final = frozenset(
    ("", "]", "=", "==", "!=", "<", ">", "=~", "-nt", "-ot", "-ef", "-a", "-o", ")", "\\)", *_ARITHMETIC)
)
_GENERIC_CODE = re.compile(r"-[A-Za-z]*[cCeE]|--(?:command|eval|execute|exec)").fullmatch
_SUBSCRIPT = re.compile(r"[A-Za-z_]?\w*\[[^]]*\0").match
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[[^]]*\])?\+?=").match


# ── programs that read code ─────────────────────────────────────────────────────────────────────

_SHELLS = re.compile(r"-?(?:ba|da|k|z|mk|pdk|lk|ya|a|fi|c|tc|r|rba)?sh(?:[0-9.]*)?").fullmatch
_LANGUAGES: Final = (
    (re.compile(r"(?:python|pypy)[0-9.]*w?").fullmatch, "c", "WX"),
    (re.compile(r"perl[0-9.]*|raku").fullmatch, "eE", "I"),
    (re.compile(r"j?ruby[0-9.]*").fullmatch, "e", "IrCE"),
    (re.compile(r"node(?:js)?|bun|deno").fullmatch, "ep", "rC"),
    (re.compile(r"php[0-9.]*").fullmatch, "rBRE", "dc"),
    (re.compile(r"lua(?:jit)?[0-9.]*").fullmatch, "e", "l"),
    (re.compile(r"Rscript|julia|osascript|groovy|elixir|scala|ghc|guile|racket|expect").fullmatch, "eEc", ""),
    (re.compile(r"pwsh|powershell").fullmatch, "cCd", ""),
)
_MAY_INTERPRET = re.compile(
    r"[-\w]*sh[0-9.]*|py|perl|raku|j?ruby|node|bun|deno|php|lua|[A-Zjogesr][a-z]", re.DOTALL
).match
_LONG_CODE: Final = frozenset(("--eval", "--print", "--command", "--execute", "-Command", "-EncodedCommand"))


def _is_shell(name: str) -> bool:
    return _SHELLS(name) is not None


@lru_cache(maxsize=1 << 14)
def _code_letters(text: str) -> str:
    """The options after which the program that the word names reads code."""
    name = text.rpartition("/")[2]
    if not _MAY_INTERPRET(name):
        return ""
    if _is_shell(name):
        return "c"
    return next((letters for matches, letters, _ in _LANGUAGES if matches(name)), "")


def names_interpreter(text: str) -> bool:
    """Whether the word names a program that can be told to read an argument as code."""
    return bool(_code_letters(text))


def _is_code_option(program: Interpreter, text: str) -> bool:
    if UNKNOWN in text or text in _LONG_CODE:
        return True
    if text.startswith("--"):
        return False
    if _is_shell(program.name):
        return "c" in text
    return text[-1] in program.letters


def _takes_word(name: str, text: str) -> bool:
    """Whether the next word belongs to the option."""
    if _is_shell(name):
        return text in {"--rcfile", "--init-file"} or bool(re.fullmatch(r"[-+][A-Za-z]*[oO]", text))
    letters = next((takes for matches, _, takes in _LANGUAGES if matches(name)), "")
    return (len(text) == 2 and text[1] in letters) or (text.startswith("--") and "=" not in text)


def _ends_options(name: str) -> bool:
    return _is_shell(name) or name.startswith("py")


_AGAIN: Final = "reads its arguments as shell text once more"
_STDIN: Final = "hand the value over through `stdin` or a file, or add `| raw` and answer for it"
_RUNS: Final = {
    **dict.fromkeys(("eval", "trap", "alias", "bind", "complete", "compgen", "fc"), _AGAIN),
    **dict.fromkeys(("xargs", "parallel", "watch", "su", "runuser", "sg", "tmux", "screen"), _AGAIN),
    **dict.fromkeys(("ssh", "rsh", "mosh", "autossh", "slogin"), "reads its arguments as shell text on the other side"),
    **dict.fromkeys(("source", "."), "runs the file that the value names in this very shell"),
    "let": "evaluates its arguments",
    **dict.fromkeys(("read", "unset", "getopts", "mapfile", "readarray", "wait"), "evaluates the names it is given"),
    **dict.fromkeys(("builtin", "enable"), "runs commands of the shell itself"),
}
_WRAPPERS: Final = frozenset(
    (
        *("sudo", "doas", "env", "nohup", "nice", "ionice", "chrt", "taskset", "timeout", "time", "exec", "setsid"),
        *("stdbuf", "chroot", "docker", "podman", "kubectl", "nsenter", "unshare", "strace", "ltrace", "sshpass"),
        *("busybox", "toybox", "setpriv", "systemd-run", "chronic", "unbuffer", "caffeinate", "fakeroot", "gosu"),
        *("xvfb-run", "dbus-run-session", "firejail", "bwrap", "tini", "dumb-init", "coproc", "jobs"),
    )
)
_CODE_OPTIONS: Final = {
    "script": ("-c", "--command"),
    "flock": ("-c", "--command"),
    "nix-shell": ("--run", "--command"),
    "npx": ("-c", "--call"),
}
_DECLARING: Final = frozenset(("declare", "typeset", "local", "export", "readonly"))

RUNS_CODE: Final = frozenset((*_RUNS, *_DECLARING, "printf", "test", "[", "command", "exec", "set", "shopt", "hash"))
"""Commands of the shell that a value must not name."""

EVALUATES: Final = frozenset(("eval", ".", "source", "trap", "command", "builtin"))
"""The worst of them: a value must not be one of them even where only a shell without `[[` would see a command."""


@lru_cache(maxsize=1 << 14)
def rule_for(text: str) -> Rule:
    """The rule for the arguments of the command that a word names."""
    if VALUE in text or not text.strip(UNKNOWN):
        return Wrapper(known=False)
    if UNKNOWN in text:
        found = rule_for(text.replace(UNKNOWN, ""))
        return Wrapper(known=False) if isinstance(found, Arguments) else found
    name = text.rpartition("/")[2]
    if name in _RUNS:
        return Nothing(f"`{name}` {_RUNS[name]}", _STDIN)
    letters = _code_letters(text)
    if letters:
        return Interpreter(name, letters, sure=True)
    return _special(name)


def _special(name: str) -> Rule:
    if name in _WRAPPERS:
        return Wrapper()
    if name in _DECLARING:
        return Declare(name)
    if name in _CODE_OPTIONS:
        return CodeOption(name, _CODE_OPTIONS[name])
    return _SPECIAL.get(name, Arguments())


_SPECIAL: Final[dict[str, Rule]] = {
    "printf": Printf(),
    "test": Test(double=False),
    "[": Test(double=False),
    "command": Builtin(),
    "find": Find(),
    "for": For(),
    "select": For(),
    "function": Named("function"),
}


# ── assignments ─────────────────────────────────────────────────────────────────────────────────

_EVALUATED: Final = frozenset(
    (
        *("PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT_COMMAND", "BASH_ENV", "ENV", "RANDOM", "SECONDS", "LINENO"),
        *("OPTIND", "HISTCMD", "SRANDOM", "EPOCHSECONDS", "BASHPID", "BASH_ARGV0", "MAILCHECK", "TMOUT", "COLUMNS"),
        *("LINES", "BASH_COMPAT", "BASH_XTRACEFD", "HISTSIZE", "HISTFILESIZE", "SHELLOPTS", "BASHOPTS"),
    )
)


def assigned_name(word: Word) -> str | None:
    """The variable that a word before a command sets, if it sets one.

    Raises:
        TemplateError: a value stands where the shell would evaluate it.
    """
    match = _ASSIGNMENT(word.text)
    if match is None:
        _check_subscript(word)
        return None
    if VALUE in match[0]:
        _check_subscript(word)
    check_assignment(match[1], word)
    return match[1]


def check_assignment(name: str, word: Word) -> None:
    if name in _EVALUATED and word.has_value:
        raise TemplateError(f"the shell evaluates what `{name}` is set to", hint="use a variable of your own")


def _check_subscript(word: Word) -> None:
    if VALUE in word.text and _SUBSCRIPT(word.text):
        hint = "the shell evaluates what stands in `[ ]`; use a fixed index"
        raise TemplateError("a value stands in an array index", hint=hint)


def check_element(word: Word) -> None:
    """An element of `name=( … )`."""
    _check_subscript(word)
