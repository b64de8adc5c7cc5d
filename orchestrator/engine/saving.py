"""What a task leaves behind beyond the run: the file that it asks for, and an answer that may be taken over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.output import Cut
from orchestrator.engine.node import Node
from orchestrator.engine.scope import shape_of

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler


class Saving:
    """Saves outputs where their tasks say, and keeps answers for those who ask the same again."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._parts = scheduler.hub.parts

    # ── files ──

    def save(self, node: Node, output: Mapping[str, object]) -> None:
        """Write the task's file, if it asks for one. Raises AttemptError where that cannot be."""
        if node.task.save is None or self._parts.save is None:
            return
        path = Path(node.level.flow.folder, self._scheduler.renderer.text(node.task.save, node))
        try:
            self._parts.save(path, _worth_saving(node, output))
        except (OSError, ValueError) as error:  # the latter of a path that no file can have: with a NUL in it
            why = f"cannot save {path}: {getattr(error, 'strerror', None) or error}"
            failure = Failure(
                Code.NOT_SAVED, ErrorClass.PERMANENT, ErrorKind.WORK, why, hint="check the path of `save`"
            )
            raise AttemptError(failure) from error

    # ── answers ──

    def known(self, node: Node) -> Mapping[str, object] | None:
        """Return an earlier answer that is good enough, None if there is none."""
        ttl, cache = node.task.cache_ttl, self._parts.cache
        if ttl is None or cache is None:
            return None
        kept = cache.get(self._key(node))
        is_good = kept is not None and (kept.age <= ttl or self._scheduler.degradation.uses_old_answers)
        return kept.output if is_good and kept is not None else None

    def keep(self, node: Node, output: Mapping[str, object]) -> None:
        """Keep an answer, if the task says that it may be taken over. One that was cut is none."""
        if self._parts.cache is None:
            return
        if not any(isinstance(value, Cut) for value in output.values()):
            self._parts.cache.put(self._key(node), output)

    def _key(self, node: Node) -> str:
        """Return what is the same for the same question to the same backend."""
        asked_at = node.candidates or node.callees
        spec = asked_at[0].spec if asked_at else None
        asked = {
            "kind": node.task.kind,
            "settings": _data(node.kind.fingerprint(node.settings) if node.kind is not None else None),
            "backend": None if spec is None else [spec.kind, _data(spec.settings)],
        }
        text = json.dumps(asked, sort_keys=True, default=str)
        return blake2b(text.encode("utf-8", "replace"), digest_size=20).hexdigest()


def _data(value: object) -> object:
    """Return settings as plain data, whatever they are made of."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    return [_data(item) for item in value] if isinstance(value, list | tuple) else value


def _worth_saving(node: Node, output: Mapping[str, object]) -> str | Cut:
    """Return the data of an answer that has some, else the main text; what is no text is written as JSON."""
    value = output.get("data")
    if value is None:
        value = output.get(shape_of(node).main)
    if isinstance(value, str | Cut):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
