"""One prompt to a model: what it may cost, what the answer leaves behind, and its repair where it has a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Final

from orchestrator.core.flow import BackendSpec
from orchestrator.core.model import Message as Said
from orchestrator.core.model import ModelAnswer, ModelRequest, said
from orchestrator.core.output import Cut, OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, Kind, Scope
from orchestrator.models.asking import Asker, complete
from orchestrator.models.prompting import (
    UNRENDERED,
    Message,
    PromptFile,
    PromptSettings,
    Structure,
    estimated,
    files_of,
    model_of,
    prepared,
    request_of,
    states_of_files,
)
from orchestrator.models.repairing import Repairs

__all__ = ["LlmKind", "LlmSettings", "Message", "PromptFile", "Structure"]

EMPTY: Final[Mapping[str, object]] = MappingProxyType({"text": "", "model": "", "stop": "end", "data": None})


@dataclass(frozen=True, slots=True)
class LlmSettings(PromptSettings):
    """The keys of an llm task."""


class LlmKind(Kind):
    """Sends one prompt to the task's backend; every backend that answers prompts will do.

    An answer that has a form may take several calls, and is asked for as an agent asks: each of its calls is admitted
    and repeated on its own.
    """

    name: ClassVar[str] = "llm"
    settings: ClassVar[type] = LlmSettings
    short: ClassVar[str] = "prompt"
    output: ClassVar[OutputShape] = OutputShape(main="text", fields=EMPTY)
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = UNRENDERED

    def calls_of(self, settings: LlmSettings) -> Calls:
        return "one" if settings.output is None else "many"

    def fingerprint(self, settings: LlmSettings) -> object:
        return [settings, *states_of_files(settings)]

    def repeatable(self, settings: LlmSettings) -> bool:
        del settings
        return True

    def prepare(self, settings: LlmSettings, scope: Scope) -> LlmSettings:
        return prepared(settings, scope)

    def estimate(self, settings: LlmSettings, spec: BackendSpec) -> Estimate:
        return estimated(settings, spec)

    async def run(self, settings: LlmSettings, context: Context) -> Mapping[str, object]:
        model = model_of(context.backend)
        files = await files_of(settings, rehearsal=context.run.rehearsal) if settings.files else ()
        request = request_of(settings, model.spec, files)
        if settings.output is not None:
            return await _fitting(request, settings.output, context)
        answer = await complete(request, model, context)
        if not context.written("out"):
            context.write("out", answer.text)
        return _output(answer, context.written("out"))


async def _fitting(request: ModelRequest, wanted: Structure, context: Context) -> Mapping[str, object]:
    """Ask until the answer has its form, or was given back often enough."""
    asker, repairs = Asker(context), Repairs(request.schema, wanted.repair)
    while True:
        answer = await asker.ask(request)
        objection = repairs.objection(answer)
        if objection is None:
            return _output(answer, answer.text) | {"data": repairs.data}
        request = replace(request, messages=(*request.messages, *_answered(answer), said("user", objection)))


def _answered(answer: ModelAnswer) -> tuple[Said, ...]:
    """Return the answer as a message of the conversation; an empty one is none."""
    return (answer.message,) if answer.text.strip() else ()


def _output(answer: ModelAnswer, text: str | Cut) -> dict[str, object]:
    return {"text": text, "model": answer.model, "stop": answer.stop, "data": None}
