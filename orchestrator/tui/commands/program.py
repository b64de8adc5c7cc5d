"""Commands about the program itself: palette, help, theme, mouse, and how it is left."""

from __future__ import annotations

from orchestrator.core.run import Run
from orchestrator.core.states import Status
from orchestrator.tui.commands.command import Choice, Command, Desk, Question, Section
from orchestrator.tui.text import plural


class Palette(Command):
    """Find a command, task or theme by typing."""

    id, keys, label, section, foot = "palette", "colon,ctrl+p", "Command", Section.FIND, 5

    def do(self, desk: Desk) -> None:
        desk.show_palette()


class Help(Command):
    """Show this help."""

    id, keys, label, section, foot = "help", "question_mark,f1", "Help", Section.FIND, 2

    def do(self, desk: Desk) -> None:
        desk.show_help()


class Leave(Command):
    """Leave; the run goes on as plain lines."""

    id, keys, label, section = "screen.leave", "L", "Leave screen", Section.RUN

    def do(self, desk: Desk) -> None:
        desk.leave()


class Mouse(Command):
    """Leave the mouse to the terminal, for its own selection, or take it back."""

    id, keys, label, section = "mouse", "f2", "Mouse", Section.RUN

    def do(self, desk: Desk) -> None:
        desk.toggle_mouse()


class NextTheme(Command):
    """Show the next theme."""

    id, keys, label, section, everywhere = "theme.next", "ctrl+t", "Next theme", Section.RUN, True

    def do(self, desk: Desk) -> None:
        desk.next_theme()


class Repaint(Command):
    """Paint the screen anew."""

    id, keys, label, section, everywhere = "screen.repaint", "ctrl+l", "Repaint", Section.RUN, True

    def do(self, desk: Desk) -> None:
        desk.repaint()


class Interrupt(Command):
    """Stop in stages, or copy what is selected."""

    id, keys, label, section, everywhere = "run.interrupt", "ctrl+c", "Stop", Section.RUN, True
    asks = True

    def do(self, desk: Desk) -> None:
        desk.interrupt()


class QuitEverywhere(Command):
    """Quit, also from a dialog or an input."""

    id, keys, label, section, everywhere = "quit.everywhere", "ctrl+q", "Quit", Section.RUN, True
    asks = True

    def do(self, desk: Desk) -> None:
        desk.quit()


class Quit(Command):
    """Quit."""

    id, keys, label, section, foot, asks = "quit", "q", "Quit", Section.RUN, 3, True

    def do(self, desk: Desk) -> None:
        desk.quit()


def quit_question(run: Run) -> Question:
    """Ask what becomes of a run that is left while it is on."""
    running = run.tally.counts[Status.RUNNING] + run.tally.counts[Status.STOPPING]
    left = run.tally.total - run.tally.done
    body = f"{plural(running, 'task')} running, {left} of {run.tally.total} not ended."
    return Question(
        "The run is still on. Quit?",
        body,
        (
            Choice("y", "Cancel run and quit"),
            Choice("d", "Finish what runs, then quit"),
            Choice("l", "Leave screen, keep running"),
            Choice("n", "Stay", safe=True),
        ),
    )
