"""What a task says to a model, as a flow declares it: its words, its files, its sampling, and the request they make."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeGuard, TypeVar

from orchestrator.core.errors import Code, InputError
from orchestrator.core.fact import fact
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.model import Media, ModelRequest, Part, Text, said
from orchestrator.core.model import Message as Said
from orchestrator.core.ports import Backend, Estimate, ModelBackend, Scope
from orchestrator.core.units import Count, FilePath, count
from orchestrator.models.structured import canonical, check_schema, usable_schema
from orchestrator.templates import render_data, text_of

Role = Literal["system", "user", "assistant"]

DEFAULT_MAX_TOKENS: Final = 4_096

MAX_FILES: Final = 20_000_000
"""Bytes of all the files that one task sends."""

FILE_TOKENS: Final = 1_600
"""Tokens that a file is estimated at before it is read; a large image takes about as many."""

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".gif": "image/gif",
        ".webp": "image/webp",
        ".pdf": "application/pdf",
    }
)
"""What is sent as it is, by its suffix; whatever else is text becomes part of the words."""


# ── what is declared ────────────────────────────────────────────────────────────────────────────


@fact
class PromptFile:
    """A prompt that stands in a file of its own; what it holds is a template as in the flow."""

    file: FilePath = field(metadata={"description": "The file's path, relative to the flow file."})


@fact
class Message:
    """One message of a conversation that is given as a whole."""

    role: Role = field(metadata={"description": "Who says it: system, user or assistant."})
    content: str = field(metadata={"description": "What is said."})


@dataclass(frozen=True, slots=True)
class Structure:
    """The form of an answer that programs can read."""

    schema: Mapping[str, Json] | str = field(
        metadata={"description": "The JSON Schema of the answer, or the path of a file that holds it."}
    )
    repair: int = field(
        default=2,
        metadata={"description": "How often an answer that does not fit is given back to the model; default: 2."},
    )

    def __post_init__(self) -> None:
        if self.repair < 0:
            raise ValueError(f"repair is {self.repair}; it must be 0 or more")
        if isinstance(self.schema, Mapping) and not _holds_templates(self.schema):
            check_schema(self.schema)


def _holds_templates(schema: Mapping[str, Json]) -> bool:
    written = canonical(schema)
    return "{{" in written or "${" in written or "{%" in written


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """The keys of every task that asks a model."""

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
    top_p: float | str | None = field(
        default=None,
        metadata={"description": "The share of likely words that it chooses from, 0 to 1; default: the model's own."},
    )
    max_tokens: Count | str | None = field(
        default=None,
        metadata={"description": "How long the answer may be; default: the backend's max_tokens, or 4096."},
    )
    stop: tuple[str, ...] = field(default=(), metadata={"description": "Texts at which the answer ends."})
    extra: Mapping[str, Json] = field(
        default_factory=dict,
        metadata={"description": "Further fields for the body of the API's request, as the API names them."},
    )
    files: tuple[str, ...] = field(
        default=(),
        metadata={"description": "Images, PDFs and text files for the model, by their paths beside the flow file."},
    )
    output: Structure | None = field(
        default=None,
        metadata={"description": "The form of the answer, {schema: …}; its value is the field `data` of the output."},
    )

    def __post_init__(self) -> None:
        if self.prompt is None and not self.messages:
            raise ValueError("a prompt is missing; write prompt or messages")
        if self.prompt is not None and self.messages:
            raise ValueError("prompt and messages exclude each other; write one of them")


UNRENDERED: Final = frozenset({"prompt", "messages", "output"})
"""The fields that `prepared` renders."""

Settings = TypeVar("Settings", bound=PromptSettings)


def prepared(settings: Settings, scope: Scope) -> Settings:
    """Read a prompt that stands in a file, render what is said, and see to it that the numbers are some."""
    return replace(
        settings,
        prompt=_prompt(settings.prompt, scope),
        messages=tuple(Message(message.role, _said(message.content, scope)) for message in settings.messages),
        system=None if settings.system is None else text_of(settings.system),
        stop=tuple(text_of(text) for text in settings.stop),
        temperature=_number("temperature", settings.temperature),
        top_p=_number("top_p", settings.top_p),
        max_tokens=_max_tokens(settings.max_tokens),
        files=tuple(str(Path(scope.folder, text_of(name))) for name in settings.files),
        output=_structure(settings.output, scope),
    )


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
    if given is None or (type(given) is int and given > 0):
        return given
    try:
        return count(given)
    except ValueError as error:
        raise InputError(f"max_tokens: {error}") from error


def _number(key: str, given: float | str | None) -> float | None:
    try:
        return None if given is None else float(given)
    except ValueError as error:
        raise InputError(f"{key}: {given!r} is no number", hint="write a number such as 0.2") from error


def _structure(structure: Structure | None, scope: Scope) -> Structure | None:
    if structure is None:
        return None
    written: Json = render_data(structure.schema, scope)  # type: ignore[assignment]  # JSON-able data stays so
    return replace(structure, schema=usable_schema(written, scope.folder))


# ── what is asked ───────────────────────────────────────────────────────────────────────────────


def model_of(backend: Backend | None) -> ModelBackend:
    """Return the backend as one that answers prompts. Raises InputError where it is none."""
    if _answers_prompts(backend):
        return backend
    name = f"the backend {backend.spec.name} does not answer prompts" if backend else "no backend is named"
    raise InputError(name, code=Code.UNKNOWN_BACKEND, hint="name a backend that is a model")


def _answers_prompts(backend: Backend | None) -> TypeGuard[ModelBackend]:
    # Asking a protocol what implements it takes 25 µs, asking a class whether it says so a hundredth of that.
    return ModelBackend in type(backend).__mro__ or isinstance(backend, ModelBackend)


def request_of(settings: PromptSettings, spec: BackendSpec, files: tuple[Part, ...] = ()) -> ModelRequest:
    """Return what is asked of a backend. `files` are those that the settings name, once they are read."""
    return ModelRequest(
        messages=_with_files(_messages(settings), files),
        system=_system(settings),
        model=settings.model,
        temperature=_number("temperature", settings.temperature),
        top_p=_number("top_p", settings.top_p),
        max_tokens=_max_tokens(settings.max_tokens) or spec.max_tokens or DEFAULT_MAX_TOKENS,
        stop=settings.stop,
        schema=schema_of(settings),
        extra=settings.extra,
    )


def schema_of(settings: PromptSettings) -> Mapping[str, Json] | None:
    """Return the schema of the answer; one that stands in a file is known once the settings are prepared."""
    schema = settings.output.schema if settings.output is not None else None
    return schema if isinstance(schema, Mapping) else None


def estimated(settings: PromptSettings, spec: BackendSpec) -> Estimate:
    """Return what one call may use."""
    # A backend may know better than characters do: a simulated one declares what its calls use.
    tokens = getattr(spec.settings, "tokens", None)
    if tokens is not None:
        return Estimate(tokens.input, tokens.output, settings.model)
    request = request_of(settings, spec)
    return Estimate(request.tokens + FILE_TOKENS * len(settings.files), request.max_tokens or 0, request.model)


def _messages(settings: PromptSettings) -> tuple[Said, ...]:
    if settings.prompt is not None:
        return (said("user", str(settings.prompt)),)
    return tuple(said(message.role, message.content) for message in settings.messages if message.role != "system")


def _with_files(messages: tuple[Said, ...], files: tuple[Part, ...]) -> tuple[Said, ...]:
    """Return the conversation with the files before what the user said last."""
    if not files:
        return messages
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        return (*messages, Said("user", files))
    shown = Said("user", (*files, *messages[last].parts))
    return (*messages[:last], shown, *messages[last + 1 :])


def _system(settings: PromptSettings) -> str | None:
    """Gather what is said as the system, wherever it stands: models want it in one place."""
    told = [] if settings.system is None else [settings.system]
    told += [message.content for message in settings.messages if message.role == "system"]
    return "\n\n".join(told) if told else None


# ── files ───────────────────────────────────────────────────────────────────────────────────────


async def files_of(settings: PromptSettings, *, rehearsal: bool) -> tuple[Part, ...]:
    """Read the files that the settings name. Raises InputError for what cannot be sent.

    In a rehearsal a file may be missing: who was to write it has not.
    """
    if not settings.files:
        return ()
    return await asyncio.to_thread(_read_files, settings.files, rehearsal=rehearsal)


def states_of_files(settings: PromptSettings) -> list[tuple[int, int]]:
    """Return what changes with the files that the settings name: their sizes, and when they were written."""
    states = [Path(name).stat() for name in settings.files if Path(name).exists()]
    return [(state.st_size, state.st_mtime_ns) for state in states]


def _read_files(names: tuple[str, ...], *, rehearsal: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    left = MAX_FILES
    for name in names:
        if rehearsal and not Path(name).exists():
            parts.append(Text(f"[simulated: {Path(name).name} is not there]\n\n"))
            continue
        data = _read_file(Path(name), left)
        left -= len(data)
        parts.append(_part(Path(name), data))
    return tuple(parts)


def _read_file(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"files: cannot read {path}: {error.strerror}", hint="check the path") from error
    if len(data) > most:
        message = f"files: with {path} they are larger than {MAX_FILES // 10**6} MB"
        raise InputError(message, hint="send fewer or smaller files")
    return data


def _part(path: Path, data: bytes) -> Part:
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is not None:
        return Media(media_type, base64.b64encode(data).decode("ascii"), path.name)
    try:
        return Text(f"The file {path.name}:\n\n{data.decode('utf-8-sig')}\n\n")
    except ValueError as error:
        known = ", ".join(MEDIA_TYPES)
        message = f"files: {path} is neither text nor of a kind that models read"
        raise InputError(message, hint=f"convert it to text or to one of {known}") from error
