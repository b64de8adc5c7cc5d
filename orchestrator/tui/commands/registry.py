"""All commands, in the order of the help, and which hold where."""

from __future__ import annotations

from typing import Final

from orchestrator.tui.commands import demo, groups, health, looking, moving, output, program, tasks, views
from orchestrator.tui.commands.command import Command, Place
from orchestrator.tui.commands.views import Show

COMMANDS: Final[dict[str, Command]] = {
    command.id: command()
    for command in (
        moving.Down,
        moving.Up,
        moving.First,
        moving.Last,
        moving.PageDown,
        moving.PageUp,
        moving.HalfDown,
        moving.HalfUp,
        moving.Fold,
        moving.Unfold,
        moving.Open,
        moving.Back,
        moving.NextPane,
        moving.PreviousPane,
        moving.NextPage,
        moving.PreviousPage,
        looking.FilterRows,
        looking.ShowNeeds,
        looking.NextNeed,
        looking.HideDone,
        looking.SortRows,
        looking.Mark,
        program.Palette,
        program.Help,
        tasks.Cancel,
        groups.CancelGroup,
        tasks.Retry,
        groups.RetryFailed,
        tasks.RerunFrom,
        tasks.Skip,
        tasks.Pause,
        groups.PauseRun,
        groups.DrainRun,
        tasks.Approve,
        health.ResetBreaker,
        health.TripBreaker,
        health.CheckNow,
        health.RaiseLimit,
        health.LowerLimit,
        views.ShowTasks,
        views.ShowDag,
        views.ShowTimeline,
        views.ShowLogs,
        views.ShowHealth,
        views.ShowSummary,
        views.ZoomIn,
        views.ZoomOut,
        views.ZoomFit,
        views.Centre,
        output.Follow,
        output.LogLevel,
        output.WrapLines,
        output.LogStamps,
        output.MarkLog,
        looking.CopyLine,
        looking.CopyAll,
        looking.CopyLog,
        looking.SaveLog,
        output.OpenLog,
        output.Describe,
        program.Leave,
        program.Mouse,
        program.NextTheme,
        program.Repaint,
        program.Interrupt,
        program.Quit,
        program.QuitEverywhere,
        demo.SetOnFire,
        demo.SlowDown,
        demo.Heal,
    )
}


def commands_of(place: Place) -> list[Command]:
    """Return the commands that hold in the view: those of all views and its own."""
    return [command for command in COMMANDS.values() if command.places is None or place in command.places]


def tab_of(place: Place) -> Show:
    """Return the command that shows the view."""
    command = COMMANDS[f"view.{place}"]
    assert isinstance(command, Show)
    return command
