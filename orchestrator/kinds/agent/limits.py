"""What an agent may use up, and when its next answer must be its last."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Final

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.model import ModelAnswer, ToolCall
from orchestrator.core.ports import Clock
from orchestrator.kinds.agent.settings import AgentSettings
from orchestrator.models.structured import canonical

SHORTEST_ANSWER: Final = 256
"""Tokens that an answer may have however little is left: one that is cut short helps nobody."""

FULL: Final = 0.8
"""The share of what a model can read from which on it is asked for its answer: counts before a call are estimates."""

MOST_IN_A_ROW: Final = 3
MOST_IN_ALL: Final = 5

SAY_WHEN_DONE: Final = "say in the prompt when the work is done"
"""What helps an agent that comes to no answer, whatever else does."""


class Limits:
    """Counts what was used. Waiting is no work, so it takes none of the time."""

    def __init__(self, settings: AgentSettings, clock: Clock) -> None:
        self.turns = 0
        self.tool_calls = 0
        self.tokens = 0
        self.seconds = 0.0
        self.ended_by: str | None = None
        self._clock = clock
        self._at_work = 0
        self._since = 0.0
        self._longest_turn = 0.0
        self._max_turns = int(settings.max_turns)
        self._max_tool_calls = int(settings.max_tool_calls)
        self._tokens = None if settings.token_budget is None else int(settings.token_budget)
        self._seconds = None if settings.time_budget is None else float(settings.time_budget)

    # ── using up ──

    def took_turn(self, answer: ModelAnswer, reading: int, seconds: float) -> None:
        """Count an answer; one whose usage nobody told is counted by its length."""
        self.turns += 1
        used = answer.usage.input_tokens + answer.usage.output_tokens
        self.tokens += used or reading + len(answer.text) // 4
        self.seconds += seconds
        self._longest_turn = max(self._longest_turn, seconds)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Count the time of what is done within, once for all that is done at once, and stop it when there is none."""
        limit = asyncio.timeout(self.seconds_left)
        self._begin()
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if limit.expired():
                raise _too_long() from error
            raise
        finally:
            self._end()

    def _begin(self) -> None:
        if not self._at_work:
            self._since = self._clock.now()
        self._at_work += 1

    def _end(self) -> None:
        self._at_work -= 1
        if not self._at_work:
            self.seconds += self._clock.now() - self._since

    def takes_call(self) -> bool:
        """Count one more use of a tool; return whether it may be."""
        self.tool_calls += 1
        return self.tool_calls <= self._max_tool_calls

    # ── what is left ──

    @property
    def tokens_left(self) -> int | None:
        return None if self._tokens is None else max(self._tokens - self.tokens, 0)

    @property
    def seconds_left(self) -> float | None:
        return None if self._seconds is None else max(self._seconds - self.seconds, 0.0)

    def why_last(self, reading: int, window: int | None = None) -> str | None:
        """Return why the next answer must be the last, None while another may follow.

        `reading` is about how many tokens the model reads for it, `window` how many it can read. What is left must do
        for an answer after the next.
        """
        return self.ended_by or self._why_counted() or self._why_spent(reading, window)

    @property
    def advice(self) -> str:
        """What helps an agent that had no answer when it had to give its last."""
        if self.ended_by is not None:
            return f"{SAY_WHEN_DONE} and what to do where a tool does not help, or ask another model"
        return f"{SAY_WHEN_DONE}, or raise the limit that was reached"

    def _why_counted(self) -> str | None:
        if self.turns + 1 >= self._max_turns:
            return f"max_turns ({self._max_turns}) was reached"
        if self.tool_calls >= self._max_tool_calls:
            return f"max_tool_calls ({self._max_tool_calls}) was reached"
        return None

    def _why_spent(self, reading: int, window: int | None) -> str | None:
        if window is not None and reading >= window * FULL:
            return f"the model's context ({window:,} tokens) was reached"
        if self._tokens is not None and self.tokens + 2 * reading >= self._tokens:
            return f"token_budget ({self._tokens:,}) was reached"
        if self._seconds is not None and self.seconds + self._longest_turn >= self._seconds:
            return f"time_budget ({self._seconds:g} s) was reached"
        return None

    def longest_answer(self, reading: int, most: int | None) -> int | None:
        """Return how many tokens the next answer may have."""
        if self.tokens_left is None:
            return most
        left = max(self.tokens_left - reading, SHORTEST_ANSWER)
        return left if most is None else min(most, left)


def _too_long() -> AttemptError:
    message = "it took too long for the agent's time_budget, and was stopped"
    return AttemptError(Failure(Code.BUDGET, ErrorClass.PERMANENT, ErrorKind.BUDGET, message))


class Repeats:
    """Notices who goes round in circles: the same tool with the same arguments, in a row or again and again."""

    def __init__(self) -> None:
        self._last = b""
        self._in_a_row = 0
        self._in_all: Counter[bytes] = Counter()

    def is_one_too_many(self, call: ToolCall) -> bool:
        """Count a call; return whether it is one too many of its like."""
        key = blake2b(
            f"{call.tool} {canonical(call.arguments)} {call.written if call.arguments is None else 0}".encode(
                "utf-8", "replace"
            )
        ).digest()
        self._in_a_row = self._in_a_row + 1 if key == self._last else 1
        self._last = key
        self._in_all[key] += 1
        return self._in_a_row >= MOST_IN_A_ROW or self._in_all[key] >= MOST_IN_ALL
