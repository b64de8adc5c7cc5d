"""Which keys each command has: its own, or those that somebody set in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Protocol

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.tui.commands import COMMANDS, Command, Place, commands_of
from orchestrator.tui.hints import SIGNS, key_name

Keys = Mapping[str, tuple[str, ...]]
"""Keys by the command's id, each as the terminal's driver calls it."""


class Wish(Protocol):
    """The keys that somebody wants for a command, as they are written, and where."""

    @property
    def key(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int | None: ...
    @property
    def column(self) -> int | None: ...


class Keymap:
    """The keys of all commands; `changed` are those that are not a command's own.

    A demo's commands give way: what somebody set for a key is what it does there, too.
    """

    def __init__(self, changed: Keys | None = None) -> None:
        own = {command.id: tuple(command.keys.split(",")) for command in COMMANDS.values()}
        self._keys: dict[str, tuple[str, ...]] = own | dict(changed or {})
        taken = {key for keys in (changed or {}).values() for key in keys}
        for command in COMMANDS.values():
            if command.guided and command.id not in (changed or {}):
                self._keys[command.id] = tuple(key for key in own[command.id] if key not in taken)

    def of(self, command: str) -> tuple[str, ...]:
        """Return the command's keys, the one that is shown first; a demo's may have none left."""
        return self._keys[command]

    def name(self, command: str) -> str:
        """Return the command's first key as people write it."""
        return next(iter(self.names(command)), "")

    def names(self, command: str) -> tuple[str, ...]:
        """Return the command's keys as people write them."""
        return tuple(key_name(key) for key in self.of(command))


# ── what somebody set ───────────────────────────────────────────────────────────────────────────


def read_keys(wishes: Mapping[str, Wish]) -> Keys:
    """Return the keys that were set. Raises FlowError with all that is wrong with them."""
    problems: list[Problem] = []
    changed: dict[str, tuple[str, ...]] = {}
    for command, wish in wishes.items():
        if command not in COMMANDS:
            problems.append(_problem(wish, f"there is no command {command!r}", _meant(command, COMMANDS)))
            continue
        keys, wrong = _read(wish)
        problems += wrong or _forbidden(COMMANDS[command], keys, wish)
        changed[command] = keys
    problems += _clashes(changed, wishes)
    if problems:
        raise FlowError(*problems)
    return changed


def _read(wish: Wish) -> tuple[tuple[str, ...], list[Problem]]:
    """Return the keys that are written, and what is wrong with them."""
    written = [","] if wish.key.strip() == "," else [part.strip() for part in wish.key.split(",")]
    keys = {text: _key(text) for text in written}
    wrong = [_problem(wish, f"there is no key {text!r}", _key_hint(text)) for text, key in keys.items() if key is None]
    return tuple(key for key in keys.values() if key is not None), wrong


def _forbidden(command: Command, keys: Sequence[str], wish: Wish) -> Iterator[Problem]:
    """What holds where text is typed cannot be a key that types something."""
    for key in keys:
        if command.everywhere and not ("+" in key or _is_function_key(key)):
            hint = "take one with ctrl or alt, or a function key"
            yield _problem(wish, f"{command.id} holds in inputs too, where {key_name(key)} is typed", hint)


def _clashes(changed: Keys, wishes: Mapping[str, Wish]) -> list[Problem]:
    """Say of each key that two commands would have in one view where the later one stands."""
    keymap = Keymap(changed)
    pairs = {
        (key, first, second): None
        for place in Place
        for key, first, second in _shared(keymap, [command.id for command in commands_of(place)])
    }
    return [_clash(key, first, second, wishes) for key, first, second in pairs]


def _shared(keymap: Keymap, commands: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    taken: dict[str, str] = {}
    for command in commands:
        for key in keymap.of(command):
            if taken.setdefault(key, command) != command:
                yield key, taken[key], command


def _clash(key: str, first: str, second: str, wishes: Mapping[str, Wish]) -> Problem:
    set_, other = (second, first) if second in wishes else (first, second)
    message = f"{key_name(key)} would be the key of {set_} and of {other}"
    return _problem(wishes[set_], message, f"give {other} another key, or {set_}")


def _problem(wish: Wish, message: str, hint: str) -> Problem:
    return Problem(message, wish.file, wish.line, wish.column, hint, Code.UNKNOWN_NAME)


def _meant(name: str, known: Iterable[str]) -> str:
    """Return which command may have been meant, in whatever order its words are written."""
    names = tuple(known)
    words = {"".join(sorted(_words(each))): each for each in names}
    same = words.get("".join(sorted(_words(name))))
    close = [same] if same else get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"


def _words(name: str) -> list[str]:
    return name.lower().replace(".", "_").replace("-", "_").split("_")


# ── names of keys ───────────────────────────────────────────────────────────────────────────────

_MODIFIERS: Final = ("alt", "ctrl", "shift")
_OTHER_NAMES: Final = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "page_up": "pageup",
    "page_down": "pagedown",
    "plus_sign": "plus",
    "hyphen": "minus",
}
_SAME: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}
"""What a terminal cannot tell from another key."""

_ARROWS: Final = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
_NAMED: Final = frozenset((*_ARROWS, "insert", "delete", "backspace", "enter", "escape", "tab", "space"))


def _is_function_key(key: str) -> bool:
    return key[:1] == "f" and key[1:].isdigit() and 1 <= int(key[1:]) <= 24


def _key(text: str) -> str | None:
    """Return the key as the driver calls it, or None where there is none of that name."""
    written = f"ctrl+{text[1:]}" if len(text) == 2 and text[0] == "^" else text
    *modifiers, name = written.replace("++", "+plus").split("+") if written != "+" else ["plus"]
    base = _base(name)
    wanted = sorted({modifier.lower().replace("control", "ctrl") for modifier in modifiers})
    if base is None or not set(wanted) <= set(_MODIFIERS):
        return None
    if wanted == ["shift"] and len(base) == 1:
        return base.upper()
    key = "+".join([*wanted, base.lower() if "ctrl" in wanted and len(base) == 1 else base])
    return _SAME.get(key, key)


def _base(name: str) -> str | None:
    if len(name) == 1:
        return _NAME_OF.get(name, name if name.isalnum() else None)
    lower = name.lower()
    lower = _OTHER_NAMES.get(lower, lower)
    return lower if lower in _NAMED or lower in SIGNS or _is_function_key(lower) else None


_NAME_OF: Final = {sign: name for name, sign in SIGNS.items()}


def _key_hint(text: str) -> str:
    name = text.rpartition("+")[2].lower()
    close = get_close_matches(name, [*_NAMED, *SIGNS, *_OTHER_NAMES], 1)
    example = "write x, X, ctrl+x, f5, space, pageup or several with commas"
    return f"did you mean {close[0]!r}?" if close else example
