"""Commands that act on a whole group, or on the run."""

from __future__ import annotations

from orchestrator.core import commands as ask
from orchestrator.core.states import RunState, Status
from orchestrator.tui.commands.command import Command, Desk, Section, confirm
from orchestrator.tui.commands.targets import NO_TASK, active_of, ended
from orchestrator.tui.text import clean, plural


class CancelGroup(Command):
    """Cancel the whole group."""

    id, keys, label, section, asks = "group.cancel", "X", "Cancel group", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None:
            return NO_TASK
        tally = desk.run.tallies[desk.row.group]
        return f"All of group {desk.row.group} has ended." if tally.done == tally.total else None

    def do(self, desk: Desk) -> None:
        if desk.row is None:
            return
        group = desk.row.group
        tally = desk.run.tallies[group]
        left, kept = plural(tally.total - tally.done, "task"), plural(tally.done, "result")
        body = f"{left} will be stopped, {kept} kept. Other groups go on."
        question = confirm(f"Cancel group {clean(group)}?", body, "Cancel group", "Keep it")
        desk.ask(question, lambda _: desk.send([ask.CancelGroup(group=group)], f"Cancelling group {clean(group)}"))


class RetryFailed(Command):
    """Retry all that failed."""

    id, keys, label, section, asks = "run.retry_failed", "R", "Retry failed", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        counts = desk.run.tally.counts
        return None if desk.run.tally.failed or counts[Status.CANCELED] else "Nothing failed."

    def do(self, desk: Desk) -> None:
        tally = desk.run.tally
        number = tally.failed + tally.counts[Status.CANCELED]
        body = "They are reset, with what was skipped because of them. What succeeded is kept."
        question = confirm(f"Retry {plural(number, 'failed task')}?", body, "Retry")
        desk.ask(question, lambda _: desk.send([ask.RetryFailed()], "Retrying all that failed"))


class PauseRun(Command):
    """Pause or resume the run."""

    id, keys, label, section = "run.pause", "P", "Pause run", Section.ACT

    def refusal(self, desk: Desk) -> str | None:
        return ended(desk.run)

    def do(self, desk: Desk) -> None:
        paused = desk.run.paused_by is not None
        note = "The run goes on" if paused else "Pausing the run: what runs goes on, nothing new starts"
        desk.send([ask.UnpauseRun() if paused else ask.PauseRun()], note)


class DrainRun(Command):
    """Finish what runs, start nothing, then end the run."""

    id, keys, label, section, asks = "run.drain", "D", "Drain", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        return "The run is ending already." if desk.run.state is RunState.CANCELLING else ended(desk.run)

    def do(self, desk: Desk) -> None:
        running = len(active_of(desk.run.tasks.values()))
        left = desk.run.tally.total - desk.run.tally.done - running
        body = f"{plural(running, 'running task')} may finish, {plural(max(0, left), 'task')} will not start."
        question = confirm("Let the run end after what runs?", body, "Drain", "Go on")
        desk.ask(question, lambda _: desk.send([ask.Drain()], "Draining: what runs may finish"))
