"""How much of a flow is done while backends are down: all of it, or what its levels leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orchestrator.core.events import LevelChanged
from orchestrator.core.flow import DegradeLevel
from orchestrator.core.states import BreakerState, Health, Reason, RunState
from orchestrator.engine.desk import Desk
from orchestrator.engine.node import Node

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler

FULL: Final = "full"


class Degradation:
    """Knows the level that holds: the lowest whose backends are down; and whether anything was left out for it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._level: DegradeLevel | None = None
        self.has_left_out = False

    def look(self) -> None:
        """Change the level if the backends say so."""
        if not self._hub.flow.degrade or self._hub.run.state is RunState.FINISHED:
            return
        level, why = self._holding()
        if level is not self._level:
            self._level = level
            self._hub.emit(LevelChanged(level.name if level is not None else FULL, why))
            self._scheduler.then(self._scheduler.reconsider)

    def _holding(self) -> tuple[DegradeLevel | None, str]:
        for level in reversed(self._hub.flow.degrade):
            down = [why for name in level.when if (why := self._why_down(self._scheduler.world.desks[name]))]
            if down and (not level.all_of or len(down) == len(level.when)):
                return level, "; ".join(down)
        tried = next((name for level in self._hub.flow.degrade for name in level.when if self._is_tried(name)), None)
        return None, "all backends are well again" if tried is None else f"{tried} is tried again"

    def _is_tried(self, name: str) -> bool:
        return self._scheduler.world.desks[name].breaker.breaker.state is BreakerState.HALF_OPEN

    def _why_down(self, desk: Desk) -> str | None:
        """Return what is wrong with the backend, for people; None if nothing is."""
        if desk.breaker.breaker.state in (BreakerState.OPEN, BreakerState.TRIPPED):
            return f"the breaker of {desk.name} is {desk.breaker.breaker.state}"
        if desk.hold.stands and desk.hold.reason is Reason.QUOTA:
            return f"{desk.name} is held by a quota"
        checked = self._hub.run.backends[desk.name].health
        if checked is not None and checked.health is Health.UNHEALTHY:
            return f"{desk.name} is unhealthy"
        return None

    # ── what a level means ──

    def leaves_out(self, node: Node) -> str | None:
        """Return why the task is not done now, None if it is."""
        level = self._level
        if level is None or not level.skip_optional or not node.task.optional:
            return None
        self.has_left_out = True
        return f"the flow is {level.name}: optional tasks are left out"

    def model_at(self, desk: Desk) -> str | None:
        """Return the model that is asked in place of the backend's own."""
        return None if self._level is None else self._level.models.get(desk.name)

    @property
    def uses_old_answers(self) -> bool:
        """Return whether an answer that was kept is good enough however old it is."""
        return self._level is not None and self._level.use_cache
