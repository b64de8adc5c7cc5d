"""A person at work, from the first key to the last, in a real terminal that keeps changing its size."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.terminal import Terminal, flow, none_alive
from tests.e2e.test_run import marker

WORK = """
version: 1
name: story
backends:
  model: {{kind: simulated, latency: 300ms, answer: "A sentence", breaker: {{reset_timeout: 10m}}}}
groups: {{writing: {{max_concurrency: 2}}, waiting: {{}}}}
tasks:
  sleeper: {{group: waiting, shell: sleep {marker}}}
  other: {{group: waiting, shell: "echo hello; sleep {marker}"}}
  draft:
    group: writing
    for_each: {{items: [one, two, three, four, five, six, seven, eight], as: part}}
    llm: {{backend: model, prompt: "Write {{{{ part }}}}"}}
  publish: {{group: waiting, approve: "Publish it?", shell: echo published}}
  last: {{group: waiting, depends_on: [publish], shell: sleep {marker}}}
"""


def go(terminal: Terminal, task: str) -> None:
    """Jump to a task with the palette."""
    terminal.types(":")
    terminal.sees("command, task, sort")
    terminal.types(task)
    terminal.sees(f"│ ▸ {task}")
    terminal.types("\r")
    terminal.misses("│ ▸ ")


def filters(terminal: Terminal) -> None:
    terminal.types("/")
    terminal.sees("words  state:failed")
    terminal.types("state:running\r")
    terminal.sees("filter: state:running (2 of")
    terminal.types("\x1b")
    terminal.sees("LAST OUTPUT")


def opens(terminal: Terminal) -> None:
    go(terminal, "other")
    terminal.types("\r")
    terminal.misses("▾ waiting")
    terminal.sees("out  hello")
    terminal.types("\x1b")
    terminal.sees("▾ waiting")


def cancels(terminal: Terminal) -> None:
    go(terminal, "sleeper")
    terminal.types("x")
    terminal.sees("Cancel sleeper?")
    terminal.types("y")
    terminal.sees("canceled")


def trips_and_resets(terminal: Terminal) -> None:
    go(terminal, "draft[one]")
    terminal.types("B")
    terminal.sees("Trip model?")
    terminal.types("y")
    terminal.sees("TRIPPED")
    terminal.types("b")
    terminal.sees("✓ model")


def approves(terminal: Terminal) -> None:
    go(terminal, "publish")
    terminal.types("a")
    terminal.sees("Approve (a)")
    terminal.types("a")
    terminal.sees("published")


def resizes(terminal: Terminal) -> None:
    for _ in range(50):
        terminal.resize(40, 10)
        terminal.read(0.05)
        terminal.resize(200, 60)
        terminal.read(0.05)
    terminal.waits(1)
    terminal.types("\x0c")
    terminal.sees("LAST OUTPUT")
    terminal.resize(40, 10)
    terminal.sees("Terminal 40x10 is too small.")
    terminal.resize(120, 40)
    terminal.sees("LAST OUTPUT")


def test_filter_open_cancel_trip_reset_approve_resize_and_quit(tmp_path: Path) -> None:
    mark = marker()
    path = flow(tmp_path, WORK.format(marker=mark))
    terminal = Terminal("tui", str(path), state=tmp_path, columns=200, rows=60)
    terminal.sees("RUNNING")
    terminal.sees("approve")
    for act in (filters, opens, cancels, trips_and_resets, approves, resizes):
        act(terminal)
    terminal.types("q")
    terminal.sees("The run is still on. Quit?")
    terminal.types("y")
    assert terminal.ends() == 130
    assert not terminal.left_on()
    assert none_alive(mark)
    assert "cancelled" in terminal.screen
