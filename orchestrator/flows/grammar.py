"""What may stand at a place of a flow file: nodes, each with its pydantic schema, its words and its JSON Schema.

A node is handed to pydantic as a schema, `SchemaValidator(node.core())`. What pydantic says about a place is led back
to the node of that place (`trace`), which knows how to say it to a person.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from orchestrator.core.fact import fact
from orchestrator.flows.paths import absolute

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]
JsonSchema: TypeAlias = dict[str, Any]


class Node(ABC):
    """What may stand at one place. `expected` completes "expected …"."""

    expected: str = "a value"

    @abstractmethod
    def core(self) -> CoreSchema:
        """Return how pydantic validates the place."""

    @abstractmethod
    def json_schema(self) -> JsonSchema:
        """Return the place in the words of JSON Schema."""

    def child(self, _step: Step) -> Node | None:
        """Return the node below, where there is one."""
        return None


# ── single values ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Anything(Node):
    """Any plain data."""

    def core(self) -> CoreSchema:
        return core_schema.any_schema()

    def json_schema(self) -> JsonSchema:
        return {}


@dataclass(frozen=True, eq=False)
class Nothing(Node):
    """An empty value, or `null`."""

    expected: str = "nothing"

    def core(self) -> CoreSchema:
        return core_schema.none_schema()

    def json_schema(self) -> JsonSchema:
        return {"type": "null"}


@dataclass(frozen=True, eq=False)
class Text(Node):
    """Text. A number is taken for text only where it prints as it was written; see `reading`.

    `parse` makes a value of it, or raises ValueError with advice.
    """

    expected: str = "text"
    parse: Callable[[str], Any] | None = None
    pattern: str | None = None

    def core(self) -> CoreSchema:
        text = core_schema.str_schema(strict=True)
        return core_schema.no_info_after_validator_function(self.parse, text) if self.parse else text

    def json_schema(self) -> JsonSchema:
        plain: JsonSchema = {"type": ["string", "number", "boolean"]}
        return plain | ({"pattern": self.pattern} if self.pattern else {})


@dataclass(frozen=True, eq=False)
class FileName(Text):
    """The path of a file, relative to the flow file; it is read as an absolute path.

    What begins with a template is left as it is: inputs of the type path are absolute.
    """

    expected: str = "the path of a file"

    def core(self) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._absolute, core_schema.str_schema(strict=True))

    def _absolute(self, written: str, info: core_schema.ValidationInfo) -> str:
        if has_template(written[:2]):
            return written
        return absolute(written, str(info.context or "."))


@dataclass(frozen=True, eq=False)
class Flag(Node):
    """True or false."""

    expected: str = "true or false"

    def core(self) -> CoreSchema:
        return core_schema.bool_schema(strict=True)

    def json_schema(self) -> JsonSchema:
        return {"type": "boolean"}


@dataclass(frozen=True, eq=False)
class Whole(Node):
    """A whole number."""

    least: int | None = None
    most: int | None = None
    expected: str = "a whole number"

    def core(self) -> CoreSchema:
        return core_schema.int_schema(strict=True, ge=self.least, le=self.most)

    def json_schema(self) -> JsonSchema:
        return {"type": "integer"} | _bounds(self.least, self.most)


@dataclass(frozen=True, eq=False)
class Number(Node):
    """A number, whole or not."""

    least: float | None = None
    most: float | None = None
    expected: str = "a number"

    def core(self) -> CoreSchema:
        return core_schema.float_schema(strict=True, ge=self.least, le=self.most, allow_inf_nan=False)

    def json_schema(self) -> JsonSchema:
        return {"type": "number"} | _bounds(self.least, self.most)


def _bounds(least: float | None, most: float | None) -> JsonSchema:
    both = {"minimum": least, "maximum": most}
    return {name: bound for name, bound in both.items() if bound is not None}


@dataclass(frozen=True, eq=False)
class Choice(Node):
    """One of a few words."""

    words: tuple[Any, ...]
    build: Callable[[Any], Any] | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]  # computed here, a constant elsewhere
        return either([str(word) for word in self.words])

    def core(self) -> CoreSchema:
        literal = core_schema.literal_schema(list(self.words))
        return core_schema.no_info_after_validator_function(self.build, literal) if self.build else literal

    def json_schema(self) -> JsonSchema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, eq=False)
class Measure(Node):
    """A number with a unit, or the plain number: `parse` takes both and raises ValueError with advice."""

    parse: Callable[[Any], Any]
    expected: str
    examples: tuple[str, ...] = ()

    def core(self) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._parse)

    def _parse(self, written: object) -> object:
        if not isinstance(written, int | float | str) or isinstance(written, bool):
            raise PydanticCustomError("measure_type", "no measure")
        return self.parse(written)

    def json_schema(self) -> JsonSchema:
        return {"type": ["string", "number"], "examples": list(self.examples)}


@dataclass(frozen=True, eq=False)
class Later(Node):
    """A key of a later version: it is refused, and no schema offers it."""

    def core(self) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._refuse)

    def _refuse(self, _written: object) -> object:
        raise PydanticCustomError("later", "not yet")

    def json_schema(self) -> JsonSchema:
        return {"not": {}}


# ── what holds others ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class ListOf(Node):
    """A list; it is read as a tuple."""

    item: Node
    least: int = 0
    expected: str = "a list"

    def core(self) -> CoreSchema:
        return core_schema.tuple_schema([self.item.core()], variadic_item_index=0, min_length=self.least or None)

    def json_schema(self) -> JsonSchema:
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.json_schema()} | least

    def child(self, _step: Step) -> Node:
        return self.item


@dataclass(frozen=True, eq=False)
class MapOf(Node):
    """A map from names to values of one sort."""

    value: Node
    expected: str = "a map"

    def core(self) -> CoreSchema:
        return core_schema.dict_schema(core_schema.any_schema(), self.value.core(), strict=True)

    def json_schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": self.value.json_schema()}

    def child(self, _step: Step) -> Node:
        return self.value


@fact
class Key:
    """One key of a form: what its value may be, and what it means."""

    node: Node
    description: str
    required: bool = False


@dataclass(frozen=True, eq=False)
class Form(Node):
    """A map with known keys, and with `rest` any others too. It is read as a dict of the keys that are written.

    `build` makes a value of that dict, or raises ValueError for keys that do not go together. Of one that
    `holds_secrets` it is not told what is written in its place.
    """

    name: str
    keys: Mapping[str, Key]
    build: Callable[[dict[str, Any]], Any] | None = None
    rest: Node | None = None
    expected: str = "a map"
    holds_secrets: bool = False

    def core(self) -> CoreSchema:
        fields = {
            name: core_schema.typed_dict_field(key.node.core(), required=key.required)
            for name, key in self.keys.items()
        }
        form = core_schema.typed_dict_schema(
            fields,
            extra_behavior="allow" if self.rest else "forbid",
            extras_schema=self.rest.core() if self.rest else None,
            strict=True,
        )
        return core_schema.no_info_after_validator_function(self.build, form) if self.build else form

    def json_schema(self) -> JsonSchema:
        properties = {name: self._describe(self.keys[name]) for name in self.names}
        required = [name for name, key in self.keys.items() if key.required]
        rest = self.rest.json_schema() if self.rest else False
        schema: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": rest}
        return schema | ({"required": required} if required else {})

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that this version supports."""
        return tuple(name for name, key in self.keys.items() if not isinstance(key.node, Later))

    def _describe(self, key: Key) -> JsonSchema:
        return {**key.node.json_schema(), "description": key.description}

    def child(self, step: Step) -> Node | None:
        key = self.keys.get(str(step))
        return key.node if key else self.rest


@dataclass(frozen=True, eq=False)
class OneOf(Node):
    """One of several nodes, told apart by the JSON type of what is written: see `sort_of`.

    A measure takes texts and numbers where no other member does.
    """

    members: Mapping[str, Node]

    @property
    def expected(self) -> str:  # type: ignore[override]  # computed here, a constant elsewhere
        return either(list(dict.fromkeys(member.expected for member in self.members.values())))

    def core(self) -> CoreSchema:
        choices = {sort: member.core() for sort, member in self.members.items()}
        return core_schema.tagged_union_schema(
            choices,
            self._sort,
            custom_error_type="no_member",
            custom_error_message="no member of the union takes this",
        )

    def _sort(self, written: object) -> str | None:
        sort = sort_of(written)
        if sort in self.members:
            return sort
        return "measure" if sort in {"text", "number"} and "measure" in self.members else None

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [member.json_schema() for member in self.members.values()]}

    def child(self, step: Step) -> Node | None:
        return self.members.get(str(step))


@dataclass(frozen=True, eq=False)
class OrTemplate(Node):
    """What the inner node takes, or a text with a template that comes to it when the task is rendered."""

    inner: Node

    @property
    def expected(self) -> str:  # type: ignore[override]  # computed here, a constant elsewhere
        return f"{self.inner.expected} or a template"

    def core(self) -> CoreSchema:
        choices = {"template": core_schema.str_schema(strict=True), "value": self.inner.core()}
        return core_schema.tagged_union_schema(choices, self._sort)

    def _sort(self, written: object) -> str:
        return "template" if isinstance(written, str) and has_template(written) else "value"

    def json_schema(self) -> JsonSchema:
        template = {"type": "string", "pattern": r"\{\{|\{%|\$\{"}
        return {"anyOf": [self.inner.json_schema(), template]}

    def child(self, step: Step) -> Node | None:
        return self.inner if step == "value" else None


@dataclass(frozen=True, eq=False)
class Short(Node):
    """A form whose one most important key may be written alone, in the place of the map."""

    form: Form
    key: str

    @property
    def expected(self) -> str:  # type: ignore[override]  # computed here, a constant elsewhere
        alone = self.form.keys[self.key].node.expected
        return alone if alone.endswith("a map") else f"{alone} or a map"

    def core(self) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._lengthen, self.form.core())

    def _lengthen(self, written: object) -> object:
        return written if isinstance(written, dict) else {self.key: written}

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [self.form.keys[self.key].node.json_schema(), self.form.json_schema()]}

    def child(self, step: Step) -> Node | None:
        return self.form.child(step)


# ── helpers ─────────────────────────────────────────────────────────────────────────────────────

_SORTS: Final[dict[type, str]] = {
    str: "text",
    bool: "flag",
    int: "number",
    float: "number",
    list: "list",
    dict: "map",
    type(None): "null",
}


def sort_of(written: object) -> str:
    """Return the JSON type of plain data."""
    return _SORTS.get(type(written), "")


def has_template(text: str) -> bool:
    """Return whether a template may stand in the text."""
    return "{{" in text or "${" in text or "{%" in text or "{#" in text


def trace(node: Node, steps: Iterable[Step], data: Any) -> tuple[Node, Path]:  # noqa: ANN401 - plain data
    """Follow pydantic's location. Returns the node there, and its place in the data, which has fewer steps."""
    path: list[Step] = []
    for step in steps:
        if not _is_unwritten(node, data):
            path.append(step)
            data = data[step] if has_step(data, step) else None
        below = node.child(step)
        if below is None:
            break
        node = below
    return node, tuple(path)


def _is_unwritten(node: Node, data: object) -> bool:
    """Return whether the step below the node is pydantic's alone: the member of a union, the key of a short form."""
    return isinstance(node, OneOf | OrTemplate) or (isinstance(node, Short) and not isinstance(data, dict))


def has_step(data: object, step: Step) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def either(words: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part) if words else "nothing"


def shown(written: object) -> str:
    """Return a value as a message shows it: short, and as the file has it."""
    match written:
        case str():
            return repr(written if len(written) <= 40 else f"{written[:37]}...")
        case dict():
            return "a map"
        case list() | tuple():
            return "a list"
        case None:
            return "nothing"
        case bool():
            return str(written).lower()
        case _:
            text = str(written)
            return text if len(text) <= 40 else f"{text[:37]}..."
