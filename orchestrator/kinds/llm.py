"""One prompt to a model: where its text comes from, what it may cost, and what the answer leaves behind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from orchestrator.core.errors import Code, InputError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, Kind, ModelBackend, ModelRequest, Scope
from orchestrator.core.units import Count, FilePath, count
from orchestrator.templates import render_data, text_of

Role = Literal["system", "user", "assistant"]

DEFAULT_MAX_TOKENS: Final = 4_096
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A prompt that stands in a file of its own; what it holds is a template as in the flow."""

    file: FilePath = field(metadata={"description": "The file's path, relative to the flow file."})


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation that is given as a whole."""

    role: Role = field(metadata={"description": "Who says it: system, user or assistant."})
    content: str = field(metadata={"description": "What is said."})


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """The keys of an llm task."""

    prompt: str | PromptFile | None = field(
        default=None, metadata={"description": "The prompt, or {file: PATH}. One of prompt and messages."}
    )
    messages: tuple[Message, ...] = field(
        default=(), metadata={"description": "A conversation, oldest first. One of prompt and messages."}
    )
    system: str | None = field(default=None, metadata={"description": "What the model is told to be."})
    model: str | None = field(default=None, metadata={"description": "The model; default: the backend's."})
    temperature: float | str | None = field(
        default=None, metadata={"description": "How freely it answers; 0 is the least; default: the model's own."}
    )
    max_tokens: Count | str | None = field(
        default=None,
        metadata={"description": "How long the answer may be; default: the backend's max_tokens, or 4096."},
    )
    stop: tuple[str, ...] = field(default=(), metadata={"description": "Texts at which the answer ends."})

    def __post_init__(self) -> None:
        if self.prompt is None and not self.messages:
            raise ValueError("a prompt is missing; write prompt or messages")
        if self.prompt is not None and self.messages:
            raise ValueError("prompt and messages exclude each other; write one of them")


class LlmKind(Kind):
    """Sends one prompt to the task's backend; every backend that answers prompts will do."""

    name: ClassVar[str] = "llm"
    settings: ClassVar[type] = LlmSettings
    short: ClassVar[str] = "prompt"
    output: ClassVar[OutputShape] = OutputShape(
        main="text", fields=MappingProxyType({"text": "", "model": "", "stop": "end", "data": None})
    )
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset({"prompt", "messages"})

    def repeatable(self, settings: LlmSettings) -> bool:
        del settings
        return True

    def prepare(self, settings: LlmSettings, scope: Scope) -> LlmSettings:
        """Read a prompt that stands in a file, render what is said, and see to it that the numbers are some."""
        return replace(
            settings,
            prompt=_prompt(settings.prompt, scope),
            messages=tuple(Message(message.role, _said(message.content, scope)) for message in settings.messages),
            system=None if settings.system is None else text_of(settings.system),
            stop=tuple(text_of(text) for text in settings.stop),
            temperature=_temperature(settings.temperature),
            max_tokens=_max_tokens(settings.max_tokens),
        )

    def estimate(self, settings: LlmSettings, spec: BackendSpec) -> Estimate:
        # A backend may know better than characters do: a simulated one declares what its calls use.
        tokens = getattr(spec.settings, "tokens", None)
        if tokens is not None:
            return Estimate(tokens.input, tokens.output)
        request = _request(settings, spec)
        return Estimate(_tokens(request), request.max_tokens or 0)

    async def run(self, settings: LlmSettings, context: Context) -> Mapping[str, object]:
        model = _model(context)
        answer = await model.complete(_request(settings, model.spec), context)
        context.used(answer.usage)
        if not context.written("out"):
            context.write("out", answer.text)
        return {"text": context.written("out"), "model": answer.model, "stop": answer.stop, "data": None}


def _model(context: Context) -> ModelBackend:
    backend = context.backend
    if isinstance(backend, ModelBackend):
        return backend
    name = f"the backend {backend.spec.name} does not answer prompts" if backend else "no backend is named"
    raise InputError(name, code=Code.UNKNOWN_BACKEND, hint="name a backend that is a model")


def _prompt(prompt: str | PromptFile | None, scope: Scope) -> str | None:
    if isinstance(prompt, PromptFile):
        return _said(_read(Path(scope.folder, _said(prompt.file, scope))), scope)
    return None if prompt is None else _said(prompt, scope)


def _said(source: str, scope: Scope) -> str:
    return text_of(render_data(source, scope))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"cannot read the prompt file {path}: {why}", hint="check the path") from error


def _max_tokens(given: int | str | None) -> int | None:
    try:
        return None if given is None else count(given)
    except ValueError as error:
        raise InputError(f"max_tokens: {error}") from error


def _temperature(given: float | str | None) -> float | None:
    try:
        return None if given is None else float(given)
    except ValueError as error:
        raise InputError(f"temperature: {given!r} is no number", hint="write a number such as 0.2") from error


# ── what is asked ───────────────────────────────────────────────────────────────────────────────


def _request(settings: LlmSettings, spec: BackendSpec) -> ModelRequest:
    return ModelRequest(
        messages=_messages(settings),
        system=_system(settings),
        model=settings.model,
        temperature=_temperature(settings.temperature),
        max_tokens=_max_tokens(settings.max_tokens) or spec.max_tokens or DEFAULT_MAX_TOKENS,
        stop=settings.stop,
    )


def _messages(settings: LlmSettings) -> tuple[tuple[str, str], ...]:
    if settings.prompt is not None:
        return (("user", str(settings.prompt)),)
    return tuple((message.role, message.content) for message in settings.messages if message.role != "system")


def _system(settings: LlmSettings) -> str | None:
    """Gather what is said as the system, wherever it stands: models want it in one place."""
    said = [] if settings.system is None else [settings.system]
    said += [message.content for message in settings.messages if message.role == "system"]
    return "\n\n".join(said) if said else None


def _tokens(request: ModelRequest) -> int:
    characters = sum(len(text) for _, text in request.messages) + len(request.system or "")
    return math.ceil(characters / CHARACTERS_PER_TOKEN)
