"""One round of tools: from the wishes in one answer of the model to their results, in the order of the wishes.

An attempt waits for one thing at a time, and only while nothing else of it works. So leave is asked for first, then
the tools work together, then a person is asked, and at last the subagents work together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from orchestrator.core.errors import AttemptError, Failure
from orchestrator.core.model import Message, ToolCall, ToolResult
from orchestrator.core.output import Cut
from orchestrator.core.ports import Context, Handed, Work
from orchestrator.kinds.agent.limits import MOST_IN_ALL, Limits, Repeats
from orchestrator.kinds.agent.patterns import fits_one
from orchestrator.kinds.agent.settings import AgentSettings
from orchestrator.kinds.agent.toolbox import Came, Offered, Toolbox
from orchestrator.kinds.agent.tools.shortening import shortened
from orchestrator.kinds.agent.tools.tool import ToolFault
from orchestrator.models.structured import canonical

AT_ONCE: Final = 8
LONGEST_SHOWN: Final = 4_000
"""Characters of one argument that a person is shown who is asked for leave."""


class Use:
    """One wish of the model, and what it came to."""

    __slots__ = ("call", "came", "tool")

    def __init__(self, call: ToolCall, tool: Offered | None) -> None:
        self.call = call
        self.tool = tool
        self.came: Came | None = None

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.call.arguments or {}


class Rounds:
    """Uses tools for one agent, round after round."""

    def __init__(self, settings: AgentSettings, context: Context, toolbox: Toolbox, limits: Limits) -> None:
        self._settings = settings
        self._context = context
        self._toolbox = toolbox
        self._limits = limits
        self._repeats = Repeats()
        self._was_warned = False

    async def results(self, calls: Sequence[ToolCall], *, is_cut: bool) -> Message:
        """Return what the model is told of its calls. `is_cut` says that its answer broke off."""
        uses = [Use(call, self._toolbox.find(call.tool)) for call in calls]
        for use in uses:
            self._context.say(replace(use.call, tool=use.tool.name) if use.tool is not None else use.call)
        for use in uses:
            self._refuse(use, self._why_not(use, is_cut=is_cut))
        for use in _open(uses):
            await self._confirm(use)
        await self._work_together([use for use in _open(uses) if use.tool and use.tool.turn == "together"])
        for use in _open(uses):
            if use.tool and use.tool.turn == "question":
                await self._ask(use)
        await self._delegate(_open(uses))
        return Message("user", tuple(ToolResult(use.call.id, *_told(use.came)) for use in uses))

    # ── what is not even tried ──

    def _refuse(self, use: Use, why: str | None) -> None:
        if why is not None:
            self._ends(use, Came(why, is_error=True))

    def _why_not(self, use: Use, *, is_cut: bool) -> str | None:
        """Return what is wrong with a call, None where it may be made."""
        if self._repeats.is_one_too_many(use.call):
            return self._why_not_again()
        if not self._limits.takes_call():
            return "There may be no more calls of tools. Give your final answer."
        if use.tool is None:
            return self._toolbox.advice(use.call.tool)
        if use.call.arguments is None:
            return _broken(use.call, is_cut=is_cut)
        wrong = use.tool.violations(use.arguments)
        return f"These arguments do not fit: {'; '.join(wrong)}. The tool was not used." if wrong else None

    def _why_not_again(self) -> str:
        if self._was_warned:
            self._limits.ended_by = "the same calls of tools were made again and again"
        self._was_warned = True
        return (
            "You have made this very call before, several times, and it was not made again: nothing new would come of "
            f"it (at most {MOST_IN_ALL} alike are made). Do something else, or give your final answer."
        )

    # ── leave ──

    async def _confirm(self, use: Use) -> None:
        if use.tool is None or self._context.run.rehearsal or not self._wants_leave(use.tool):
            return
        try:
            await self._context.confirm(f"Use {use.tool.name}?", shown(use.arguments))
        except AttemptError as error:
            self._refuse(use, f"This was not allowed: {error.failure.message}. Do not try it again in another way.")

    def _wants_leave(self, tool: Offered) -> bool:
        match self._settings.confirm:
            case "never":
                return False
            case "always":
                return tool.turn != "question"
            case "on_write":
                return tool.writes
            case patterns:
                return fits_one(tool.name, patterns)

    # ── work ──

    async def _work_together(self, uses: list[Use]) -> None:
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for use in uses:
                group.create_task(self._work(use, places))
        for use in _open(uses):
            self._refuse(use, "It was interrupted.")

    async def _work(self, use: Use, places: asyncio.Semaphore) -> None:
        assert use.tool is not None
        assert use.tool.use is not None
        async with places:
            try:
                came = await use.tool.use(use.arguments)
            except ToolFault as error:
                came = Came(str(error), is_error=True)
            except AttemptError as error:
                came = Came(_in_words(error.failure), is_error=True)
            except Exception as error:  # noqa: BLE001 - foreign code: the model is told, and the agent goes on
                came = Came(f"It broke: {type(error).__name__}: {error}", is_error=True)
        self._ends(use, came)

    # ── people and subagents ──

    async def _ask(self, use: Use) -> None:
        choices = tuple(use.arguments.get("choices", ()))
        if self._context.run.rehearsal:
            self._ends(use, Came(choices[0] if choices else "[simulated: nobody was asked]"))
            return
        try:
            answer = await self._context.ask(use.arguments["question"], choices)
        except AttemptError as error:
            self._refuse(use, f"There is no answer: {error.failure.message}. Decide yourself, and say that you did.")
        else:
            self._ends(use, Came(answer))

    async def _delegate(self, uses: list[Use]) -> None:
        """Let subagents work, all at once; what is left of the budgets is theirs in equal parts."""
        if not uses:
            return
        try:
            handed = await self._context.delegate([self._as_work(use, len(uses)) for use in uses])
        except AttemptError as error:
            for use in uses:
                self._refuse(use, _in_words(error.failure))
            return
        for use, each in zip(uses, handed, strict=True):
            self._ends(use, self._came_back(each))

    def _as_work(self, use: Use, shares: int) -> Work:
        role = use.arguments["role"]
        member = self._settings.team[role]
        settings = replace(
            member,
            prompt=use.arguments["prompt"],
            messages=(),
            team=self._settings.team,
            cwd=member.cwd or self._settings.cwd,
            token_budget=_least(member.token_budget, self._limits.tokens_left, shares),
            time_budget=_least(member.time_budget, self._limits.seconds_left, 1),
        )
        return Work(role, "subagent", settings, member.backend)

    def _came_back(self, handed: Handed) -> Came:
        self._limits.tokens += _spent(handed)
        if isinstance(handed.back, Failure):
            return Came(_in_words(handed.back), is_error=True)
        text = handed.back.get("text", "")
        return Came(text.kept if isinstance(text, Cut) else str(text))

    # ── the end of each ──

    def _ends(self, use: Use, came: Came) -> None:
        use.came = came
        self._context.say(ToolResult(use.call.id, came.text, came.is_error))


def _open(uses: Sequence[Use]) -> list[Use]:
    return [use for use in uses if use.came is None]


def _told(came: Came | None) -> tuple[str, bool]:
    assert came is not None, "every call comes to something"
    return shortened(came.text), came.is_error


def _broken(call: ToolCall, *, is_cut: bool) -> str:
    if is_cut:
        return "Your answer was cut off at max_tokens within this call, so it was not made. Write less at once."
    return f"The arguments are no JSON object: {call.written[:200]!r}. The tool was not used."


def _spent(handed: Handed) -> int:
    """Return what a subagent spent: what its servers told, or what it counted itself where they tell less."""
    counted = None if isinstance(handed.back, Failure) else handed.back.get("tokens_spent")
    return max(handed.tokens, counted if isinstance(counted, int) else 0)


def _in_words(failure: Failure) -> str:
    return f"{failure.message}; {failure.hint}" if failure.hint else failure.message


def _least(own: float | str | None, left: float | None, shares: int) -> Any:  # noqa: ANN401 - a whole number stays one
    """Return the smaller of a limit of one's own and a share of what is left."""
    if left is None:
        return own
    share = left // shares if isinstance(left, int) else left / shares
    return share if own is None else min(type(share)(own), share)


def shown(arguments: Mapping[str, Any]) -> str:
    """Return arguments as a person reads them."""
    return "\n".join(_shown(name, value) for name, value in arguments.items())


def _shown(name: str, value: object) -> str:
    text = shortened(value if isinstance(value, str) else canonical(value), LONGEST_SHOWN)
    return f"{name}:\n{text}" if "\n" in text else f"{name}: {text}"
