"""What a fan-out expands to: labels and bindings, computed from items that are known by now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

from orchestrator.core.errors import Code, InputError
from orchestrator.core.flow import ForEach, Json, Matrix
from orchestrator.core.output import Output

_LABEL: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_LONGEST_LABEL: Final = 100


class Instance(NamedTuple):
    """One instance of a fan-out."""

    label: str
    bindings: Mapping[str, object]


def each_item(spec: ForEach, items: object, label: Callable[[Mapping[str, object]], object] | None) -> list[Instance]:
    """Return the instances for the items; `label` renders the label that the flow gives for one's bindings."""
    if isinstance(items, Output):
        items = items.main
    if not isinstance(items, Sequence) or isinstance(items, str):
        what = "a text" if isinstance(items, str) else _kind_of(items)
        raise InputError(
            f"for_each needs a list, and its items are {what}",
            code=Code.EXPANSION,
            hint="a text becomes a list with `| lines` or `| fromjson`",
        )
    rows = [{spec.name: item, "item": item, "index": index} for index, item in enumerate(items)]
    labels = [label(row) for row in rows] if label is not None else None
    return _labelled(rows, items, labels)


def each_combination(spec: Matrix, axes: Mapping[str, Json]) -> list[Instance]:
    """Return the instances for the combinations of the axes, less those excluded, and those included."""
    for axis, values in axes.items():
        if not isinstance(values, Sequence) or isinstance(values, str):
            raise InputError(f"axis {axis!r} needs a list, and is {_kind_of(values)}", code=Code.EXPANSION)
    lists = [list(values) for values in axes.values() if isinstance(values, Sequence)]
    combinations = [dict(zip(axes, values, strict=True)) for values in product(*lists)]
    kept = [one for one in combinations if not any(_matches(one, excluded) for excluded in spec.exclude)]
    kept += [{**dict.fromkeys(axes), **included} for included in spec.include]
    rows: list[dict[str, object]] = [
        {**one, "matrix": one, "item": one, "index": index} for index, one in enumerate(kept)
    ]
    names = [_joined(one.values()) for one in kept]
    return _labelled(rows, names, None, valid=all(map(_all_valid, kept)))


def without_secrets(instances: list[Instance], hide: Callable[[str], str]) -> list[Instance]:
    """Return the instances with indexes for labels if a label would tell a secret: labels are names, of files too."""
    if all(hide(one.label) == one.label for one in instances):
        return instances
    return [Instance(str(index), {**one.bindings, "label": str(index)}) for index, one in enumerate(instances)]


def _matches(combination: Mapping[str, Json], pattern: Mapping[str, Json]) -> bool:
    return all(combination.get(key) == value for key, value in pattern.items())


def _all_valid(combination: Mapping[str, Json]) -> bool:
    return all(_is_label(_text(value)) for value in combination.values())


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(_text, values))


def _labelled(
    rows: list[dict[str, object]], items: Sequence[object], labels: list[object] | None, *, valid: bool | None = None
) -> list[Instance]:
    texts = [_text(item) for item in (items if labels is None else labels)]
    if labels is not None:
        _check_labels(texts)
    elif len(set(texts)) != len(texts) or not (all(map(_is_label, texts)) if valid is None else valid):
        texts = [str(index) for index in range(len(rows))]
    return [Instance(text, {**row, "label": text}) for text, row in zip(texts, rows, strict=True)]


def _check_labels(labels: list[str]) -> None:
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            raise InputError(f"label {label!r} stands for two items", code=Code.EXPANSION, hint="make labels unique")
        if not label.isprintable() or not 0 < len(label) <= _LONGEST_LABEL or set(label) & set("[]/"):
            raise InputError(
                f"{label!r} cannot be a label",
                code=Code.EXPANSION,
                hint=f"a label has 1 to {_LONGEST_LABEL} printable characters, none of them [ ] /",
            )
        seen.add(label)


def _is_label(text: str) -> bool:
    return _LABEL.fullmatch(text) is not None and text not in (".", "..")


def _text(item: object) -> str:
    if isinstance(item, Output):
        item = item.main
    if isinstance(item, bool):
        return str(item).lower()
    return str(item) if isinstance(item, str | int | float) else "\n"


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    return "a mapping" if isinstance(value, Mapping) else f"of type {type(value).__name__}"
