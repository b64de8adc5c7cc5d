"""The filters that templates may use: Jinja's harmless ones, and those written anew to keep to our text and bounds."""

from __future__ import annotations

import html
import json
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from jinja2 import Undefined, filters

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.values import MAX_TEXT, check_size, json_of, kind_of, text_of, use

_FROM_JINJA: Final = (
    "abs",
    "batch",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "filesizeformat",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "wordwrap",
)


def _text(value: object) -> str:
    _refuse_missing(value)
    return text_of(value)


def _refuse_missing(value: object) -> None:
    if isinstance(value, Undefined):
        str(value)


def as_list(value: object) -> list[object]:
    """What a loop or a filter walks over, in memory."""
    _refuse_missing(value)
    value = use(value)
    if isinstance(value, Mapping | str) or not isinstance(value, Iterable):
        raise TemplateError(f"a list is expected here, not {kind_of(value)}")
    return list(value)


def _join(value: object, separator: str = "", attribute: str | None = None) -> str:
    items = as_list(value)
    if attribute is not None:
        raise TemplateError("`join` takes no attribute here", hint="write map(attribute=…) | join(…)")
    texts = [_text(item) for item in items]
    check_size(sum(map(len, texts)) + len(separator) * len(texts))
    return str(separator).join(texts)


def replace(value: object, old: str, new: str, count: int = -1) -> str:
    """`str.replace`, bounded before it is done."""
    text, old, new = _text(value), _text(old), _text(new)
    times = text.count(old) if old else len(text) + 1
    check_size(len(text) + max(len(new) - len(old), 0) * times)
    return text.replace(old, new, count)


def _indent(value: object, width: int | str = 4, *, first: bool = False, blank: bool = False) -> str:
    prefix = width if isinstance(width, str) else " " * min(max(width, 0), 1000)
    lines = _text(value).splitlines(keepends=True)
    check_size(sum(map(len, lines)) + len(prefix) * len(lines))
    return "".join(
        line if (number == 0 and not first) or not (blank or line.strip()) else prefix + line
        for number, line in enumerate(lines)
    )


def _center(value: object, width: int = 80) -> str:
    check_size(width)
    return _text(value).center(width)


def _json(value: object, indent: int | None = None) -> str:
    _refuse_missing(value)
    return json_of(value, None if indent is None else min(max(indent, 0), 16))


def _fromjson(value: object) -> object:
    try:
        return cast("object", json.loads(_text(value)))
    except (ValueError, RecursionError) as error:
        raise TemplateError(f"`fromjson` was given text that is no JSON: {error}") from None


def _lines(value: object) -> list[str]:
    return [line for line in _text(value).split("\n") if line.strip()]


def _basename(value: object) -> str:
    return posixpath.basename(_text(value).rstrip("/"))


def _dirname(value: object) -> str:
    return posixpath.dirname(_text(value).rstrip("/"))


def _escape(value: object) -> str:
    return html.escape(_text(value))


def _raw(value: object) -> object:
    return value


def table() -> dict[str, Callable[..., object]]:
    """All filters by name."""
    chosen = {name: filters.FILTERS[name] for name in _FROM_JINJA}
    return chosen | {
        "basename": _basename,
        "center": _center,
        "dirname": _dirname,
        "e": _escape,
        "escape": _escape,
        "fromjson": _fromjson,
        "indent": _indent,
        "join": _join,
        "json": _json,
        "lines": _lines,
        "raw": _raw,
        "replace": replace,
        "string": _text,
        "tojson": _json,
    }


# ── methods of text ─────────────────────────────────────────────────────────────────────────────

_METHODS: Final = frozenset(
    (
        *("capitalize", "casefold", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "isnumeric"),
        *("isspace", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rpartition", "rsplit"),
        *("rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper"),
    )
)


def method(value: object, name: str) -> Callable[..., object]:
    """A method that may be called: some of text, none of anything else."""
    if not isinstance(value, str):
        hint = f"use a filter, such as `| {name}`" if name in {"items", "keys", "values"} else None
        raise TemplateError(f"{kind_of(value)} has no methods here, so {name!r} cannot be called", hint=hint)
    if name == "replace":
        return lambda old, new, count=-1: replace(value, old, new, count)
    if name not in _METHODS:
        raise TemplateError(f"the method {name!r} cannot be called on text", hint=f"there are: {_listed()}")
    return cast("Callable[..., object]", getattr(value, name))


def _listed() -> str:
    return ", ".join(sorted((*_METHODS, "replace")))


# ── operators ───────────────────────────────────────────────────────────────────────────────────


def multiply(left: object, right: object) -> None:
    """Refuse a product that would fill the memory."""
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int) and len(many) * times > MAX_TEXT:
            raise TemplateError("the product is too long")


def power(left: object, right: object) -> None:
    """Refuse a power that would take for ever."""
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > 100_000:
        raise TemplateError("the power is too large")


def modulo(left: object, _right: object) -> None:
    """`%` on text is a format string, which reaches further than a template should."""
    if isinstance(left, str):
        raise TemplateError("`%` does not format text here", hint="join text with `~`")
