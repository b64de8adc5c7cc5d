"""What the command palette offers: commands that make sense now, orders, filters, themes, and tasks to jump to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

from orchestrator.tui.commands import Command, Desk, Place, commands_of
from orchestrator.tui.fuzzy import Query, best
from orchestrator.tui.sorting import By
from orchestrator.tui.text import clean

AT_ONCE: Final = 60
"""Entries that are offered at once."""
_ONLY_IN_HELP: Final = 6.0
"""What it costs an entry that the words are in what it does, not in its name."""

_FILTERS: Final = {
    "Filter: failed": "state:failed,timeout",
    "Filter: running": "state:running,stopping",
    "Filter: waits for you": "state:approve,answer,budget",
    "Filter: held up": "state:retry,circuit,limited,quota,queued",
    "Filter: tried again": "try>1",
}


class Entry(NamedTuple):
    """One thing that can be chosen: its name, its key or its kind, what it does, and how it is done.

    A `theme` can be looked at before it is chosen.
    """

    text: str
    note: str
    help: str
    do: Callable[[], None]
    places: tuple[int, ...] = ()
    theme: str = ""


class Reach(Desk, Protocol):
    """What the palette may do besides what commands may."""

    @property
    def place(self) -> Place: ...
    def show_task(self, task: str) -> None: ...
    def filter_by(self, text: str) -> None: ...
    def themes(self) -> Sequence[str]: ...
    def use_theme(self, name: str) -> None: ...


class Palette:
    """Finds what was typed. What there is, is asked once, when the palette is opened."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._commands = list(self._all_commands())
        self._more = [*self._all_sorts(), *self._all_filters(), *self._all_themes()]
        self._tasks = list(reach.run.tasks)

    def find(self, typed: str) -> list[Entry]:
        """Return what fits, the best first; without a word, the commands that make sense now."""
        if typed.startswith("/"):
            return [self._filter(typed[1:].strip())]
        query = Query(typed)
        if not query.words:
            return self._commands
        known = _ranked(query, [*self._commands, *self._more])
        tasks = best(query, self._tasks, AT_ONCE)
        found = [*known, *((fit.cost, self._jump(self._tasks[place], fit.places)) for place, fit in tasks)]
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])[:AT_ONCE]]

    # ── what there is ───────────────────────────────────────────────────────────────────────────

    def _all_commands(self) -> Iterator[Entry]:
        reach = self._reach
        for command in sorted(commands_of(reach.place), key=_need):
            if _is_worth(command) and command.refusal(reach) is None:
                yield Entry(command.label_at(reach), reach.key(command.id), command.help, partial(command.do, reach))

    def _all_sorts(self) -> Iterator[Entry]:
        for by in By:
            yield Entry(f"Sort by {by}", "sort", "The same again turns it round", partial(self._reach.sort_by, by))

    def _all_filters(self) -> Iterator[Entry]:
        filters = dict(_FILTERS)
        filters |= {f"Filter: group {clean(group)}": f'g:"{group}"' for group in self._reach.run.groups}
        filters |= {f"Filter: backend {clean(name)}": f'backend:"{name}"' for name in self._reach.run.backends}
        for text, wanted in filters.items():
            yield Entry(text, "filter", clean(wanted), partial(self._reach.filter_by, wanted))

    def _all_themes(self) -> Iterator[Entry]:
        for name in self._reach.themes():
            use = partial(self._reach.use_theme, name)
            yield Entry(f"Theme {name}", "theme", "Use these colours; Esc goes back", use, theme=name)

    def _filter(self, text: str) -> Entry:
        return Entry(f"Filter: {text}", "filter", "Show the tasks that match", partial(self._reach.filter_by, text))

    def _jump(self, task: str, places: tuple[int, ...]) -> Entry:
        status = self._reach.run.tasks[task].status.value
        text = clean(task)
        return Entry(text, "task", status, partial(self._reach.show_task, task), places if text == task else ())


def _ranked(query: Query, entries: Sequence[Entry]) -> Iterator[tuple[float, Entry]]:
    for entry in entries:
        fit = query.fit(entry.text)
        if fit is not None:
            yield fit.cost, entry._replace(places=fit.places)
        elif all(word in entry.help.lower() for word in query.words):
            yield _ONLY_IN_HELP, entry


def _need(command: Command) -> tuple[int, int]:
    """What acts comes first, then what the footer shows, then the rest."""
    order = ["Act", "Health"]
    return order.index(command.section) if command.section in order else len(order), command.foot or 99


def _is_worth(command: Command) -> bool:
    """What moves a cursor by a step, and what is there twice, is no use in a palette."""
    return not command.id.startswith(("cursor.", "palette", "back", "quit.everywhere", "row.fold", "row.unfold"))
