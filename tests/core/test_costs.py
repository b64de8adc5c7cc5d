"""What the core costs: little to import, and per event and task the same however many there are."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator

from orchestrator.core import events as ev
from orchestrator.core.dependencies import Dependencies, Ready, Settled
from orchestrator.core.events import Event
from orchestrator.core.flow import Need
from orchestrator.core.run import Run
from orchestrator.core.states import Reason, State
from tests.core.stories import STARTED, then

_IMPORTS = """
import json, pkgutil, sys
before = set(sys.modules)
import orchestrator.core
names = [module.name for module in pkgutil.iter_modules(orchestrator.core.__path__)]
for name in names:
    __import__(f"orchestrator.core.{name}")
print(json.dumps(sorted({module.partition(".")[0] for module in set(sys.modules) - before})))
"""


def test_the_core_imports_nothing_but_python_itself() -> None:
    found = subprocess.run([sys.executable, "-c", _IMPORTS], check=True, capture_output=True, text=True).stdout
    assert {name for name in json.loads(found) if name not in sys.stdlib_module_names} == {"orchestrator"}


_LIGHT = """
import sys
import orchestrator.core.codec, orchestrator.core.commands, orchestrator.core.ports, orchestrator.core.run
print(" ".join(sys.modules))
"""


def test_what_a_viewer_imports_of_the_core_is_light() -> None:
    found = subprocess.run([sys.executable, "-S", "-c", _LIGHT], check=True, capture_output=True, text=True).stdout
    assert not {"asyncio", "datetime", "email", "logging", "pathlib", "random", "socket", "subprocess"} & {
        *found.split()
    }


def lives(tasks: int) -> Iterator[Event]:
    yield STARTED
    for number in range(tasks):
        task = f"task-{number}"
        yield ev.TaskAdded(task, "function", "left")
        yield ev.TaskWaiting(task, Reason.SLOT)
        yield ev.AttemptStarted(task, 1, 1)
        yield ev.AttemptSucceeded(task, 1)
        yield ev.TaskSucceeded(task, {"result": number})


def weight(tasks: int) -> int:
    """Return the bytes that a run of so many tasks holds, with the events that it keeps."""
    tracemalloc.start()
    try:
        run = then(Run("r"), *lives(tasks))
        assert run.tally.done == tasks
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_ten_thousand_tasks_weigh_less_than_fifteen_megabytes_and_more_grow_in_step() -> None:
    small, large = weight(1_000), weight(10_000)
    assert large < 15_000_000
    assert large < small * 12


def test_a_fan_in_of_thousands_costs_each_need_once() -> None:
    few, many = calls_of(lambda: fan_in(100)), calls_of(lambda: fan_in(1_000))
    assert many < few * 12


def fan_in(width: int) -> None:
    dependencies = Dependencies()
    dependencies.add("join", tuple(Need(f"t{number}") for number in range(width)))
    dependencies.verdict("join")
    verdicts = [dependencies.settle(f"t{number}", Settled(State.SUCCEEDED)) for number in range(width)]
    assert verdicts[-1] == [Ready("join")]


def calls_of(work: Callable[[], None]) -> int:
    """Return how many calls the work makes: a measure of time that no busy machine disturbs."""
    calls = 0

    def count(_frame: object, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
