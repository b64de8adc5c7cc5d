"""What a flow declares of a simulated backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.flow import EMPTY, Json
from orchestrator.core.simulation import outcome
from orchestrator.core.units import Count, Duration, seconds
from orchestrator.templates import Template, parse_template

MODEL: Final = "simulated"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What every call reports to have used, and is estimated at."""

    input: Count = field(default=0, metadata={"description": "Tokens of the prompt."})
    output: Count = field(default=0, metadata={"description": "Tokens of the answer."})


@dataclass(frozen=True, slots=True)
class Burns:
    """An outage: from when, until when, and how calls end meanwhile."""

    from_: Duration = field(
        default=0.0, metadata={"key": "from", "description": "When it begins, counted from the run's start."}
    )
    until: Duration | None = field(default=None, metadata={"description": "When it ends; default: never."})
    outcome: str | int = field(default="503", metadata={"description": "How calls end meanwhile; default: 503."})

    def __post_init__(self) -> None:
        outcome(self.outcome)
        if self.until is not None and self.until <= self.from_:
            raise ValueError(f"burns ends at {self.until:g} s, before it begins at {self.from_:g} s")

    def covers(self, moment: float) -> bool:
        return self.from_ <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class CallOfTool:
    """A tool that the model pretends to want."""

    tool: str = field(metadata={"description": "Its name, as the task's `tools` has it: read_file, git.git_show."})
    arguments: Mapping[str, Json] = field(
        default_factory=lambda: EMPTY, metadata={"description": "What it is given; default: nothing."}
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer in a conversation: text, tools that are to be used first, or both."""

    text: str = field(default="", metadata={"description": "What it says: a template as `answer` is one."})
    calls: tuple[CallOfTool, ...] = field(default=(), metadata={"description": "The tools that it wants, at once."})


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """The keys of a simulated backend, besides those that all backends have."""

    latency: float | str = field(
        default=0.0, metadata={"description": "How long an answer takes: 200ms, or a range such as 200ms..1s."}
    )
    failure_rate: float = field(default=0.0, metadata={"description": "The share of calls that answer 503, 0 to 1."})
    answer: str | None = field(
        default=None,
        metadata={"description": "What it answers: a template over prompt, system, model, task, attempt and call."},
    )
    answers: tuple[str, ...] = field(
        default=(), metadata={"description": "What it answers, one after another, and again from the first."}
    )
    turns: tuple[str | Turn, ...] = field(
        default=(),
        metadata={
            "description": "What it answers in each conversation, turn by turn: a text or {text, calls}; then `answer`."
        },
    )
    tools: tuple[str, ...] = field(default=(), metadata={"description": "The tools that it has, as an MCP server."})
    tokens: Tokens | None = field(
        default=None,
        metadata={"description": "What each call uses: {input, output}; default: characters divided by 4."},
    )
    words_per_second: float | None = field(default=None, metadata={"description": "How fast the answer streams."})
    script: tuple[str | int, ...] = field(
        default=(),
        metadata={
            "description": "How calls end, one by one: ok, 503, 429 retry-after=2, quota, timeout, malformed, hang."
        },
    )
    burns: Burns | None = field(default=None, metadata={"description": "An outage: {from, until, outcome}."})
    model: str = field(default=MODEL, metadata={"description": "The name of the model that it pretends to be."})

    def __post_init__(self) -> None:
        latency(self.latency)
        for written in self.script:
            outcome(written)
        if not 0 <= self.failure_rate <= 1:
            raise ValueError(f"failure_rate is {self.failure_rate:g}; it is a share, from 0 to 1")
        if self.words_per_second is not None and not self.words_per_second > 0:
            raise ValueError(f"words_per_second is {self.words_per_second:g}; it must be more than 0")
        if self.answer is not None and self.answers:
            raise ValueError("answer and answers exclude each other; write one of them")
        answer_templates(self)
        turn_templates(self)


def latency(written: float | str) -> tuple[float, float]:
    """Return the least and the most seconds that an answer takes. Raises ValueError with advice."""
    low, dots, high = str(written).partition("..")
    least = seconds(low if isinstance(written, str) else written)
    most = seconds(high) if dots else least
    if most < least:
        raise ValueError(f"the latency {written!r} ends before it begins; write the shorter one first")
    return least, most


def answer_templates(own: SimulatedSettings) -> list[Template]:
    """Return what it answers. Raises what a template that cannot be read raises."""
    sources = own.answers if own.answer is None else (own.answer,)
    return [parse_template(source) for source in sources]


def turn_templates(own: SimulatedSettings) -> list[Template]:
    """Return what it says in each turn of a conversation."""
    return [parse_template(turn if isinstance(turn, str) else turn.text) for turn in own.turns]
