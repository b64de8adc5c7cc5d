"""One agent at work: it asks the model, uses the tools that it wants, and asks again, until there is an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from orchestrator.core.errors import Code, WorkError
from orchestrator.core.model import Message, ModelAnswer, ModelRequest, Text, Thinking, ToolCall, said
from orchestrator.core.ports import Estimate
from orchestrator.kinds.agent.limits import SAY_WHEN_DONE, Limits
from orchestrator.kinds.agent.rounds import Rounds
from orchestrator.kinds.agent.settings import AgentSettings
from orchestrator.kinds.agent.toolbox import Toolbox
from orchestrator.kinds.agent.tools.tool import Room
from orchestrator.kinds.agent.verifying import Check
from orchestrator.models.asking import Asker
from orchestrator.models.prompting import files_of, request_of
from orchestrator.models.repairing import Repairs, partial

NOW_ANSWER: Final = "No tools can be used any more: {why}. Give your final answer now, with what you know."
EMPTY: Final = "Your answer was empty. Give your final answer."


class Agent:
    """The conversation of one attempt. Only what was said is kept; every call to the model is admitted on its own."""

    def __init__(self, settings: AgentSettings, room: Room, toolbox: Toolbox, limits: Limits) -> None:
        context = room.context
        self._settings = settings
        self._context = context
        self._asker = Asker(context)
        self._limits = limits
        self._specs = toolbox.specs
        self._rounds = Rounds(settings, context, toolbox, limits)
        self._check = Check(settings, room.folder, context)
        self._request = ModelRequest(())
        self._begins_at = 0
        self._was_empty = False

    async def run(self, history: tuple[Message, ...]) -> Mapping[str, object]:
        """Return the output. Raises AttemptError where there is no answer, or none that is good enough."""
        await self._begin(history)
        structure = self._settings.output
        repairs = Repairs(self._request.schema, structure.repair if structure is not None else 0)
        while True:
            answer = await self._final_answer()
            objection = repairs.objection(answer)
            if objection is None:
                why_last = self._why_last(self._asker.count(self._request))
                objection = await self._check.objection(answer, why_last=why_last)
            if objection is None:
                return self._output(answer) | {"data": repairs.data}
            self._hear(objection)

    @property
    def said(self) -> tuple[Message, ...]:
        """Return what was said since it began, as another task can go on with it: its thoughts are its own."""
        kept = (_without(message, Thinking) for message in self._request.messages[self._begins_at :])
        return tuple(message for message in kept if message.parts)

    async def _begin(self, history: tuple[Message, ...]) -> None:
        files = await files_of(self._settings, rehearsal=self._context.run.rehearsal)
        request = request_of(self._settings, self._asker.spec, files)
        system = () if request.system is None else (said("system", request.system),)
        for message in (*system, *request.messages):
            self._context.say(message)
        self._begins_at = len(history)
        self._request = replace(request, messages=(*history, *request.messages), tools=self._specs)

    def _output(self, answer: ModelAnswer) -> dict[str, object]:
        return partial(answer) | {
            "turns": self._limits.turns,
            "tool_calls": self._limits.tool_calls,
            "tokens_spent": self._limits.tokens,
        }

    # ── turns ──

    async def _final_answer(self) -> ModelAnswer:
        """Let the model answer until it wants no tools any more, or may use none."""
        while True:
            estimate = self._asker.count(self._request)
            why = self._why_last(estimate)
            answer = await self._turn(why, estimate)
            if why is None and answer.message.calls and answer.stop != "filter":
                self._add(await self._rounds.results(answer.message.calls, is_cut=answer.stop == "length"))
            elif answer.text.strip() or answer.stop == "filter":
                return answer
            else:
                self._object_to_nothing(answer, why)

    async def _turn(self, why_last: str | None, estimate: Estimate) -> ModelAnswer:
        """Ask once. The last answer is asked for without tools; what it wants of them all the same is dropped."""
        if why_last is not None and self._specs:
            self._hear(NOW_ANSWER.format(why=why_last))
        request = self._request if why_last is None else replace(self._request, tools=())
        longest = self._limits.longest_answer(estimate.input_tokens, request.max_tokens)
        most = estimate.output_tokens if longest is None else min(longest, estimate.output_tokens)
        answer = await self._asker.ask(replace(request, max_tokens=longest), estimate._replace(output_tokens=most))
        self._limits.took_turn(answer, estimate.input_tokens, self._asker.seconds)
        if why_last is not None or answer.stop == "filter":
            answer = replace(answer, message=_without(answer.message, ToolCall))
        self._note(answer.message)
        return answer

    def _why_last(self, estimate: Estimate) -> str | None:
        return self._limits.why_last(estimate.input_tokens, self._asker.window(self._settings.model))

    def _object_to_nothing(self, answer: ModelAnswer, why_last: str | None) -> None:
        """Ask once more for an answer that says something. Raises WorkError where that was in vain, or is no use."""
        if self._was_empty or why_last is not None:
            reached = f": {why_last}" if why_last is not None else ", though it was asked twice"
            raise WorkError(
                f"the model gave no final answer{reached}",
                code=Code.UNREADABLE_OUTPUT,
                hint=self._limits.advice if why_last is not None else SAY_WHEN_DONE,
                output=self._output(answer),
            )
        self._was_empty = True
        self._hear(EMPTY)

    # ── what is said ──

    def _hear(self, text: str) -> None:
        message = said("user", text)
        self._context.say(message)
        self._add(message)

    def _note(self, message: Message) -> None:
        """Keep what the model said; what is empty would be refused by most of them when it is sent back."""
        if message.text or message.thinking:
            self._context.say(Message(message.role, tuple(part for part in message.parts if not _is_call(part))))
        if any(not isinstance(part, Text | Thinking) or part.text.strip() for part in message.parts):
            self._add(message)

    def _add(self, message: Message) -> None:
        self._request = replace(self._request, messages=(*self._request.messages, message))


def _is_call(part: object) -> bool:
    return isinstance(part, ToolCall)


def _without(message: Message, unwanted: type) -> Message:
    return replace(message, parts=tuple(part for part in message.parts if not isinstance(part, unwanted)))
