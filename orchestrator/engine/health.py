"""How backends say they are: asked on a schedule, or because somebody wants to know."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from orchestrator.core.errors import AttemptError, CommandError
from orchestrator.core.events import HealthChecked
from orchestrator.core.ports import Checkable
from orchestrator.core.states import Health, RunState
from orchestrator.engine.desk import Desk

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler

PATIENCE: Final = 10.0
"""Seconds after which a backend that has not said how it is counts as one that is not well."""


class Checkups:
    """Asks backends how they are, each once at a time. `told` is called when one of them has said so."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._asked: set[str] = set()

    def start(self) -> None:
        """Ask those that want to be asked on a schedule, from now on."""
        for desk in self._scheduler.world.desks.values():
            if desk.spec.health_check is not None and isinstance(desk.backend, Checkable):
                self._hub.timers.wake((desk, "health"), self._hub.now(), partial(self._due, desk))

    def _due(self, desk: Desk, _key: object) -> None:
        if self._hub.run.state is RunState.FINISHED:
            return
        schedule = desk.spec.health_check
        assert schedule is not None, "only who has a schedule is due"
        self._hub.timers.wake((desk, "health"), self._hub.now() + schedule.every, partial(self._due, desk))
        self.check(desk)

    def refuse(self, desk: Desk) -> None:
        """Raise CommandError if the backend cannot be asked."""
        if not isinstance(desk.backend, Checkable):
            raise CommandError(f"{desk.name} cannot say how it is (it is of kind {desk.spec.kind})")

    def check(self, desk: Desk) -> None:
        """Ask now, unless it is being asked."""
        if desk.name not in self._asked:
            self._asked.add(desk.name)
            asking = self._hub.loop.create_task(self._ask(desk))
            self._hub.runners.add(asking)
            asking.add_done_callback(self._hub.runners.discard)

    async def _ask(self, desk: Desk) -> None:
        began = self._hub.now()
        is_well, found = await self._found(desk)
        self._asked.discard(desk.name)
        seconds = self._hub.now() - began
        health = _judged(desk, seconds) if is_well else Health.UNHEALTHY
        event = HealthChecked(desk.name, health, round(seconds, 3), self._hub.redactor.message(found))
        self._scheduler.do(self._tell, event)

    def _tell(self, event: HealthChecked) -> None:
        if self._hub.run.state is not RunState.FINISHED:
            self._hub.emit(event)
            self._scheduler.then(self._scheduler.degradation.look)

    @staticmethod
    async def _found(desk: Desk) -> tuple[bool, str]:
        backend = desk.backend
        assert isinstance(backend, Checkable), "only such are asked"
        try:
            async with asyncio.timeout(PATIENCE):
                return True, await backend.check()
        except TimeoutError:
            return False, f"no answer within {PATIENCE:g} s"
        except AttemptError as error:
            return False, error.failure.message
        except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is what there is to say
            return False, f"{type(error).__name__}: {error}"


def _judged(desk: Desk, seconds: float) -> Health:
    limit = desk.spec.health_check.degraded_above if desk.spec.health_check is not None else None
    return Health.DEGRADED if limit is not None and seconds > limit else Health.HEALTHY
