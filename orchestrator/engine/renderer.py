"""Renders what a task's declaration holds as templates, and turns what templates raise into errors of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import TracebackType
from typing import Any

from orchestrator.core.errors import AttemptError, Code, InputError
from orchestrator.core.ports import Estimate, Kind, Scope
from orchestrator.core.run import Run
from orchestrator.engine.desk import Desk
from orchestrator.engine.hub import Hub
from orchestrator.engine.line import NOTHING
from orchestrator.engine.node import Level, Node
from orchestrator.engine.scope import FieldScope, TaskScope
from orchestrator.templates import CutError, TemplateError, compile_expression, render_data
from orchestrator.templates.values import text_of


class Renderer:
    """Knows where a node's templates find their names."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def scope(self, node: Node) -> TaskScope:
        return TaskScope(node, node.level, self._hub.run, self._facts)

    def level_scope(self, level: Level) -> TaskScope:
        return TaskScope(None, level, self._hub.run, self._facts)

    def _facts(self) -> Mapping[str, object]:
        run: Run = self._hub.run
        wall = run.started.wall if run.started else 0.0
        return {
            "id": run.id,
            "name": self._hub.flow.name,
            "started": wall,
            "failed": run.tally.failed,
            "cost_usd": run.tally.cost_usd,
            "dir": self._hub.parts.folder,
        }

    def settings(self, node: Node) -> object:
        """Return the settings of the node's kind with every template rendered."""
        kind, settings = node.kind, node.task.settings
        settings_type: type = type(settings)
        if kind is None:
            return settings
        dynamic = [
            name
            for name in _rendered_fields(settings_type, kind.unrendered)
            if _holds_template(getattr(settings, name))
        ]
        if not dynamic and not kind.unrendered:
            return settings
        scope = self.scope(node)
        with _explained():
            changes = {name: render_data(getattr(settings, name), scope) for name in dynamic}
            if changes and is_dataclass(settings) and not isinstance(settings, type):
                settings = replace(settings, **changes)
        with _explained(), _blamed(self._hub, node):
            return kind.prepare(settings, scope) if kind.unrendered else settings

    def data(self, value: Any, scope: TaskScope) -> Any:  # noqa: ANN401 - JSON-able data
        with _explained():
            return render_data(value, scope)

    def text(self, template: str, node: Node) -> str:
        scope = self.scope(node)
        with _explained():
            return text_of(render_data(template, scope))

    def holds(self, expression: str, node: Node, fields_of_output: Mapping[str, object] | None = None) -> bool:
        """Return whether `when` or `until` is true. It must be a boolean: whatever else is true is a mistake."""
        scope: Scope = self.scope(node)
        if fields_of_output is not None:
            scope = FieldScope(fields_of_output, self.scope(node))
        with _explained():
            value = compile_expression(expression, names=scope.names).render(scope)
        if not isinstance(value, bool):
            raise InputError(
                f"{expression!r} is {value!r}, which is no boolean",
                hint="compare it: `== 'yes'`, `> 0`, `| length > 0`",
            )
        return value

    def candidates(self, node: Node) -> tuple[Desk, ...]:
        """Return the backends that may take the node's call, the task's own first."""
        name = node.task.backend
        if name is None:
            return ()
        desks = node.level.desks
        if _holds_template(name):
            name = self.text(name, node)
        desk = desks.get(name)
        if desk is None:
            known = ", ".join(sorted(desks)) or "none"
            raise InputError(f"there is no backend {name!r} (there are: {known})", code=Code.UNKNOWN_BACKEND)
        others = node.task.fallback if node.task.fallback is not None else desk.spec.fallback
        return (desk, *(desks[other] for other in others if other in desks and desks[other] is not desk))

    def estimate(self, node: Node, candidates: tuple[Desk, ...]) -> Estimate:
        """Return what one call of the attempt may use; counted only where somebody asks."""
        if node.kind is None:
            return NOTHING
        if not node.budgets and not any(desk.counts_tokens for desk in candidates):
            return NOTHING
        with _explained(), _blamed(self._hub, node):
            return node.kind.estimate(node.settings, candidates[0].spec)


class _blamed:  # noqa: N801 - as below
    """Turns what is a bug of a kind into the failure of its task."""

    __slots__ = ("_hub", "_node")

    def __init__(self, hub: Hub, node: Node) -> None:
        self._hub = hub
        self._node = node

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not isinstance(error, Exception) or isinstance(error, (AttemptError, TemplateError, ValueError)):
            return
        # Foreign code: whatever it raises touches its own task alone.
        raise AttemptError(self._hub.bug(self._node, error)) from error


class _explained:  # noqa: N801 - it is used like a function, and as one it would cost five times as much
    """Turns what templates raise within it into an error of the task, whose id stands beside it wherever it is told."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, TemplateError):
            code = Code.OUTPUT_CUT if isinstance(error, CutError) else Code.RENDER
            raise InputError(error.message, code=code, hint=error.hint) from error
        if isinstance(error, ValueError):  # what settings say of a value that they refuse, now that it is rendered
            raise InputError(str(error)) from error


@cache
def _rendered_fields(settings: type, unrendered: frozenset[str]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(settings) if field.name not in unrendered)


def _holds_template(value: object) -> bool:
    if not value:  # most settings are not given
        return False
    if isinstance(value, str):
        return "{{" in value or "${" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(map(_holds_template, value.values()))
    if isinstance(value, Sequence):
        return any(map(_holds_template, value))
    return False


def kind_calls(kind: Kind | None, settings: object) -> str:
    return "none" if kind is None else kind.calls_of(settings)
