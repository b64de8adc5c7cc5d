"""How the screen is left: what was asked of the run on the way, and when to go."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.core.commands import CancelRun, Drain
from orchestrator.core.ports import Session
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui.options import DashboardExit, Left
from orchestrator.tui.stopping import Step, Stopping


class Leaving:
    """Sends what stops a run, and leaves once it has ended if that was wished."""

    def __init__(self, session: Session, leave: Callable[[DashboardExit], None], *, when_done: bool = False) -> None:
        self._session = session
        self._leave = leave
        self._when_done = when_done
        self._stopping = Stopping()
        self._ended = False
        self.cancelled = False

    def press(self, run: Run) -> Step:
        """A press of Ctrl+C; what follows from it is done, but for asking."""
        stopping = run.state is RunState.CANCELLING and not (run.cancelling is not None and run.cancelling.draining)
        ended = run.state is RunState.FINISHED
        step = self._stopping.press(self._session.now(), ended=ended, cancelling=stopping)
        match step:
            case Step.CANCEL:
                self.cancel()
            case Step.KILL:
                self.cancel(force=True)
            case Step.FORCE:
                self.go(Left.FORCED)
            case Step.QUIT:
                self.go(Left.QUIT)
            case Step.ASK | Step.TOO_SOON:
                pass
        return step

    def went_on(self) -> None:
        self._stopping.went_on()

    def cancel(self, *, force: bool = False) -> None:
        """Stop the run."""
        self.cancelled = True
        if not force:
            self._stopping.cancelled(self._session.now())
        self._session.send(CancelRun(force=force))

    def cancel_and_quit(self) -> None:
        self._when_done = True
        self.cancel()

    def finish_and_quit(self) -> None:
        """Let finish what runs, start nothing, then quit."""
        self._when_done = True
        self._session.send(Drain())

    def go(self, how: Left) -> None:
        self._leave(DashboardExit(how, cancelled=self.cancelled))

    def look(self, run: Run) -> None:
        """Leave if the run has ended and that was waited for. A run that goes on after its end starts a new count."""
        if run.state is RunState.FINISHED:
            self._ended = True
            self._stopping = Stopping()
            if self._when_done:
                self.go(Left.QUIT)
        elif self._ended:
            self._ended = self.cancelled = False
