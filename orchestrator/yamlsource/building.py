"""From the parser's events to data, refusing on the way what a flow must not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TypeAlias

import yaml

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact
from orchestrator.yamlsource.places import Places
from orchestrator.yamlsource.scalars import MEANINGFUL, plain
from orchestrator.yamlsource.values import JSON, KeyPath, Limits, Problem, YamlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAX_PROBLEMS: Final = 100


class Mark(Protocol):
    """A place in the text, as the parser says it."""

    index: int


class Event(Protocol):
    """What the handlers read of the parser's events; each kind of event has what its handler asks for."""

    start_mark: Mark
    end_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    implicit: tuple[bool, bool]


Container: TypeAlias = "dict[str, JSON] | list[JSON]"


class _MergeKey(str):
    __slots__ = ()


_MERGE: Final = _MergeKey("<<")


class _Frame:
    """A container that is being read. A mapping waits for a key, or for the value of `key`; `items` is None there."""

    __slots__ = ("anchor", "before", "entry", "items", "key", "keyed", "merges")

    def __init__(self, entry: int, *, mapping: bool, anchor: str | None = None, before: int = 0) -> None:
        self.entry = entry
        self.anchor = anchor
        self.before = before
        self.key: str | None = None
        self.keyed: dict[str, JSON] = {}
        self.items: list[JSON] | None = None if mapping else []
        self.merges: list[tuple[int, dict[str, JSON]]] | None = None

    @property
    def value(self) -> Container:
        return self.keyed if self.items is None else self.items


@fact
class _Anchor:
    """What an alias stands for; `cost` is None while it is still being read."""

    entry: int
    value: JSON = None
    cost: int | None = None


class Builder:
    """Takes the parser's events in their order; `data`, `places`, `warnings` and `problems` are what it found."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.places = Places(text)
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._text = text
        self._limits = limits
        self._max_nodes = limits.max_nodes
        self._labels = self.places.labels
        self._starts = self.places.starts
        self._add_label = self._labels.append
        self._add_start = self._starts.append
        self._root = _Frame(-1, mapping=False)
        self._frame = self._root
        self._stack: list[_Frame] = []
        self._keys: dict[str, str] = {}
        self._anchors: dict[str, _Anchor] = {}
        self._aliases = 0
        self._from_aliases = 0
        self._documents = 0

    @property
    def handlers(self) -> dict[type, Callable[[Event], None]]:
        return {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    @property
    def data(self) -> JSON:
        items = self._root.items
        return items[0] if items else None

    # One method an event. Scalars are the hot path, a million in a file of 10 MB: what they need is written out here.

    def _scalar(self, event: Event) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        frame = self._frame
        text: str = event.value
        if frame.items is None and frame.key is None:
            self._key(frame, text, event)
            return
        value: JSON = text
        label = None
        if event.implicit[0]:
            if not text or text[0] in MEANINGFUL:
                value = plain(text)
                label = None if value is text else text
            if " " in text:
                self._watch_comment(event)
        self._add_start(event.start_mark.index)
        self._add_label(label)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(len(self._labels) - 1, value, 1)
        if frame.items is not None:
            frame.items.append(value)
        else:
            self._put(frame, value)

    def _mapping(self, event: Event) -> None:
        self._open(event, mapping=True)

    def _sequence(self, event: Event) -> None:
        self._open(event, mapping=False)

    def _end(self, _event: Event) -> None:
        frame = self._frame
        self.places.close(frame.entry, mapping=frame.items is None)
        if frame.merges:
            self._merge(frame, frame.merges)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchor(frame.entry, frame.value, self._nodes - frame.before)
        self._frame = self._stack.pop()
        self._put(self._frame, frame.value)

    def _alias(self, event: Event) -> None:
        anchor, cost = self._anchor(event)
        frame = self._frame
        if frame.items is None and frame.key is None:
            self._fail("an alias cannot be a key", event.start_mark, "write the key out")
        entry = self.places.add(event.start_mark.index)
        self.places.aliases[entry] = anchor.entry
        self._from_aliases += cost
        self._check_count(event.start_mark)
        self._put(frame, anchor.value)

    def _document(self, event: Event) -> None:
        self._documents += 1
        if self._documents > 1:
            self._fail("a second document begins here", event.start_mark, "one file holds one: remove the `---` line")

    # What the events have in common.

    @property
    def _nodes(self) -> int:
        return len(self._labels) + self._from_aliases

    def _key(self, frame: _Frame, text: str, event: Event) -> None:
        key = self._keys.setdefault(text, text)
        if (not text or text == "<<") and event.implicit[0]:
            key = self._special_key(text, event.start_mark)
        if key in frame.keyed or (key is _MERGE and frame.merges is not None):
            self._duplicate(frame, key, event.start_mark)
        self._add_start(event.start_mark.index)
        self._add_label(key)
        frame.key = key

    def _special_key(self, text: str, mark: Mark) -> str:
        if not text:
            self._fail("a key is missing before the colon", mark, "write `key: value`")
        return _MERGE

    def _put(self, frame: _Frame, value: JSON) -> None:
        if frame.items is not None:
            frame.items.append(value)
            return
        key = frame.key
        frame.key = None
        if key is _MERGE:
            self._note_merge(frame, value)
        elif key is not None:
            frame.keyed[key] = value

    def _open(self, event: Event, *, mapping: bool) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        outer = self._frame
        if outer.items is None and outer.key is None:
            self._refuse_key(event.start_mark)
        self._stack.append(outer)
        self._check_depth(event.start_mark)
        self._check_count(event.start_mark)
        before = self._nodes
        entry = self.places.add(event.start_mark.index)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(entry)
        self._frame = _Frame(entry, mapping=mapping, anchor=event.anchor, before=before)

    def _anchor(self, event: Event) -> tuple[_Anchor, int]:
        """What an alias stands for, and how many nodes it would be if written out."""
        name, mark = event.anchor or "", event.start_mark
        self._aliases += 1
        if self._aliases > self._limits.max_aliases:
            hint = "write the values out, or raise ORCHESTRATOR_MAX_ALIASES"
            self._fail(f"more than {self._limits.max_aliases} aliases", mark, hint, Code.FLOW_LIMIT)
        anchor = self._anchors.get(name)
        if anchor is None:
            hint = f"no `&{name}` stands before it; if it is text that begins with `*`, quote it"
            self._fail(f"unknown alias *{name}", mark, hint)
        if anchor.cost is None:
            self._fail(f"the alias *{name} stands inside what it names", mark, "a value cannot hold itself")
        return anchor, anchor.cost

    def _note_merge(self, frame: _Frame, value: JSON) -> None:
        """Remember what `<<` names, until the mapping has said everything itself."""
        entry = frame.entry + 1
        entry = next(below for label, below in self._finished(frame) if label == "<<")
        sources = value if isinstance(value, list) else [value]
        entries = [below for _, below in self.places.children(entry)] if isinstance(value, list) else [entry]
        frame.merges = []
        for source, place in zip(sources, entries, strict=True):
            if not isinstance(source, dict):
                hint = "write `<<: *name` where `&name` marks a mapping"
                problem = Problem(
                    "`<<` takes a mapping or a list of mappings", self.places.at(self._starts[place]), hint
                )
                raise YamlError(*self.problems, problem)
            frame.merges.append((place, source))

    def _merge(self, frame: _Frame, merges: list[tuple[int, dict[str, JSON]]]) -> None:
        """Take over what the mapping does not say itself; of several sources the first that says it wins."""
        for _, source in merges:
            for key, value in source.items():
                frame.keyed.setdefault(key, value)
        self.places.merges[frame.entry] = [entry for entry, _ in merges]

    def _finished(self, frame: _Frame) -> Iterator[tuple[str | int, int]]:
        """The entries of what an open mapping holds so far."""
        self.places.close(frame.entry, mapping=True)
        return self.places.children(frame.entry)

    # Complaints.

    def _check_depth(self, mark: Mark) -> None:
        if len(self._stack) > self._limits.max_depth:
            hint = "flatten it, or raise ORCHESTRATOR_MAX_NESTING"
            self._fail(f"nested deeper than {self._limits.max_depth} levels", mark, hint, Code.FLOW_LIMIT)

    def _check_count(self, mark: Mark) -> None:
        if self._nodes > self._max_nodes:
            hint = "use fewer aliases, or raise ORCHESTRATOR_MAX_FLOW_SIZE"
            self._fail(f"more than {self._max_nodes} values with aliases written out", mark, hint, Code.FLOW_LIMIT)

    def _watch_comment(self, event: Event) -> None:
        """Unquoted text of several words that a ` #` ends may have been meant as a whole."""
        end = event.end_mark.index
        if self._text[end : end + 1] not in {" ", "\t"} or self._text[end : end + 200].lstrip(" \t")[:1] != "#":
            return
        message = "` #` begins a comment here: the rest of the line is not part of the value"
        hint = "if it belongs to the value, quote the value or write it under `|`"
        position = self.places.at(self._text.index("#", end))
        self.warnings.append(Problem(message, position, hint, path=self._path()))

    def _path(self) -> KeyPath:
        frames = [*self._stack[1:], self._frame] if self._stack else []
        return tuple(str(frame.key) if frame.items is None else len(frame.items) for frame in frames)

    def _duplicate(self, frame: _Frame, key: str, mark: Mark) -> None:
        """Report a key that was there before; reading goes on, so that all of them are found."""
        first = next(entry for label, entry in self._finished(frame) if label == key)
        line = self.places.at(self._starts[first - 1]).line
        message = f"the key {str(key)!r} appears twice: it is on line {line} already"
        position = self.places.at(mark.index)
        path = (*self._path()[:-1], str(key))
        self.problems.append(Problem(message, position, "keep one of them", Code.DUPLICATE_KEY, path))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise YamlError(*self.problems)

    def _refuse_tag(self, event: Event) -> NoReturn:
        shown = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self._fail(f"the tag {shown!r} has no meaning here", event.start_mark, "if the text begins with `!`, quote it")

    def _refuse_key(self, mark: Mark) -> NoReturn:
        if self._text[mark.index - 1 : mark.index + 1] == "{{":
            message = "`{{` cannot begin an unquoted value: YAML reads a mapping"
            hint = 'quote the whole value: "{{ … }}"'
            raise YamlError(*self.problems, Problem(message, self.places.at(mark.index - 1), hint))
        self._fail("a key must be plain text", mark, "a list or a mapping cannot be a key")

    def _fail(self, message: str, mark: Mark, hint: str, code: str = Code.SYNTAX) -> NoReturn:
        raise YamlError(*self.problems, Problem(message, self.places.at(mark.index), hint, code))
