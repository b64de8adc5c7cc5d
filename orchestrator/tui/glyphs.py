"""The characters that carry states, bars and borders: one cell each, as words of the screen or in plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from orchestrator.core.states import BreakerState, Status


class Glyphs(NamedTuple):
    """One set of characters. `box` is the corners from the top left clockwise, then horizontal and vertical."""

    status: Mapping[Status, str]
    breaker: Mapping[BreakerState, str]
    bar_ok: str
    bar_bad: str
    bar_active: str
    bar_left: str
    bar_over: str
    opened: str
    closed: str
    mark: str
    box: tuple[str, str, str, str, str, str]
    ellipsis: str
    times: str
    arrow: str
    back: str
    falls: str
    rises: str
    critical: str


UNICODE: Final = Glyphs(
    status={
        Status.PENDING: "·",
        Status.QUEUED: "○",
        Status.LIMITED: "≈",
        Status.RUNNING: "►",
        Status.RETRY: "↻",
        Status.CIRCUIT: "≠",
        Status.APPROVE: "?",
        Status.ANSWER: "?",
        Status.SUBAGENT: "▸",
        Status.QUOTA: "≈",
        Status.BUDGET: "║",
        Status.PAUSED: "║",
        Status.STOPPING: "∅",
        Status.DONE: "✓",
        Status.CACHED: "≡",
        Status.FAILED: "✗",
        Status.TIMEOUT: "◷",
        Status.CANCELED: "∅",
        Status.SKIPPED: "»",
    },
    breaker={
        BreakerState.CLOSED: "✓",
        BreakerState.OPEN: "≠",
        BreakerState.HALF_OPEN: "◐",
        BreakerState.TRIPPED: "!",
    },
    bar_ok="█",
    bar_bad="✗",
    bar_active="▓",
    bar_left="░",
    bar_over="─",
    opened="▾",
    closed="▸",
    mark="●",
    box=("╭", "╮", "╯", "╰", "─", "│"),
    ellipsis="…",
    times="×",
    arrow="→",
    back="←",
    falls="↓",
    rises="↑",
    critical="▌",
)

ASCII: Final = Glyphs(
    status={
        Status.PENDING: ".",
        Status.QUEUED: "o",
        Status.LIMITED: "~",
        Status.RUNNING: ">",
        Status.RETRY: "r",
        Status.CIRCUIT: "|",
        Status.APPROVE: "?",
        Status.ANSWER: "?",
        Status.SUBAGENT: ">",
        Status.QUOTA: "~",
        Status.BUDGET: "=",
        Status.PAUSED: "=",
        Status.STOPPING: "-",
        Status.DONE: "+",
        Status.CACHED: "c",
        Status.FAILED: "x",
        Status.TIMEOUT: "t",
        Status.CANCELED: "-",
        Status.SKIPPED: "/",
    },
    breaker={
        BreakerState.CLOSED: "+",
        BreakerState.OPEN: "|",
        BreakerState.HALF_OPEN: "%",
        BreakerState.TRIPPED: "!",
    },
    bar_ok="#",
    bar_bad="x",
    bar_active="=",
    bar_left=".",
    bar_over="-",
    opened="v",
    closed=">",
    mark="*",
    box=("+", "+", "+", "+", "-", "|"),
    ellipsis="~",
    times="x",
    arrow="->",
    back="<-",
    falls="v",
    rises="^",
    critical="#",
)
