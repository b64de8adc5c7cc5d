"""What the errors of model servers mean, as one table: the first row that fits counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from orchestrator.core.errors import TRANSIENT_STATUS, Code, UpstreamError
from orchestrator.core.headers import retry_after
from orchestrator.models.errorbodies import take_apart
from orchestrator.models.quota import UsageLimit, recognise, said_delay
from orchestrator.models.shapes import first_of, object_of, objects_of, parsed, text_of

TRANSIENT: Final = TRANSIENT_STATUS | {409, 520, 521, 522, 523, 524}
"""409 is a server that was busy with the same thing; the last ones are a proxy that did not reach its server."""

LONGEST: Final = 400
"""Characters of a server's own words that are told."""


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a server told it. `words` are its names for it, in lower case; `error` is its JSON, or else its text.

    `status` is what the answer had, or, where an error comes in an answer that had none, what its names stand for.
    """

    status: int
    words: frozenset[str]
    message: str
    headers: Mapping[str, str]
    error: object
    limit: UsageLimit | None = None


class Row(NamedTuple):
    """What one sort of error means. In the hint `{key}` stands for where the key comes from."""

    name: str
    fits: Callable[[Told], bool]
    code: Code
    is_transient: bool
    hint: str | None = None


# ── how errors are recognised ───────────────────────────────────────────────────────────────────

_TOO_LONG: Final = re.compile(
    r"maximum context length|context[ _]length[ _]exceeded|context (?:window|limit|size)"
    r"|(?:prompt|input)s? (?:is|are) too long|exceeds? the (?:available|maximum) (?:context|number of tokens)"
    r"|too large for model with|reduce the length of the (?:messages|input|prompt)"
    r"|tokens` \+ `max_new_tokens` must be",
    re.IGNORECASE,
)
_MODEL: Final = re.compile(r"\bmodels?\b", re.IGNORECASE)
_NOT_A_MODEL: Final = re.compile(
    r"not a valid model|model[^.]{0,100}(?:not found|does not exist|not exist|unknown|not supported by)|unknown model"
    r"|invalid model",
    re.IGNORECASE,
)
_NO_SCHEMA: Final = re.compile(r"response_format|json_schema|output_config\.format|output_format|text\.format")
_NO_TOOLS: Final = re.compile(
    r"not support tools|support tool use|tool use is not supported|--enable-auto-tool-choice", re.IGNORECASE
)
_ASKED_TOO_MUCH: Final = re.compile(r"limit:? ([0-9,]{1,20})\b.{0,100}?requested:? ([0-9,]{1,20})", re.IGNORECASE)

_FILTERED: Final = frozenset({"content_filter", "content_policy_violation", "data_inspection_failed"})
_FILTERED_WORDS: Final = re.compile(r"content (?:filtering|management) policy|safety system", re.IGNORECASE)
_TOO_LONG_WORDS: Final = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
_NO_MODEL_WORDS: Final = frozenset({"model_not_found", "model_not_supported", "invalid_model"})


def _is_too_long(told: Told) -> bool:
    return told.status != 429 and bool(told.words & _TOO_LONG_WORDS or _TOO_LONG.search(told.message))


def _never_fits(told: Told) -> bool:
    asked = _ASKED_TOO_MUCH.search(told.message)
    return asked is not None and _number(asked[2]) > _number(asked[1])


def _number(written: str) -> int:
    return int(written.replace(",", "") or 0)


def _is_filtered(told: Told) -> bool:
    return told.status in {400, 403, 422} and bool(told.words & _FILTERED or _FILTERED_WORDS.search(told.message))


def _is_no_model(told: Told) -> bool:
    by_name = bool(told.words & _NO_MODEL_WORDS or _NOT_A_MODEL.search(told.message))
    return (told.status in {400, 403, 422} and by_name) or (told.status == 404 and bool(_MODEL.search(told.message)))


def _is_no_schema(told: Told) -> bool:
    return told.status in {400, 422} and bool(_NO_SCHEMA.search(told.message))


def _is_no_tools(told: Told) -> bool:
    return told.status in {400, 404, 422} and bool(_NO_TOOLS.search(told.message))


def _with(*statuses: int) -> Callable[[Told], bool]:
    return lambda told: told.status in statuses


TABLE: Final = (
    Row(
        "usage limit",
        lambda told: told.limit is not None,
        Code.QUOTA,
        is_transient=True,
        hint="wait until it resets, or add credit with the provider",
    ),
    Row(
        "more than a limit allows at once",
        _never_fits,
        Code.NEVER_FITS,
        is_transient=False,
        hint="shorten the prompt, lower max_tokens, or ask the provider for a higher limit",
    ),
    Row(
        "context length",
        _is_too_long,
        Code.CONTEXT_LENGTH,
        is_transient=False,
        hint="shorten the prompt, lower max_tokens, or choose a model that reads more",
    ),
    Row(
        "content filter",
        _is_filtered,
        Code.FILTERED,
        is_transient=False,
        hint="the provider's filter refused the prompt; word it differently",
    ),
    Row(
        "no schemas",
        _is_no_schema,
        Code.HTTP_STATUS,
        is_transient=False,
        hint="let the backend have `schema_mode: instruct`, which asks for the form in words, or change output.schema",
    ),
    Row(
        "no tools",
        _is_no_tools,
        Code.HTTP_STATUS,
        is_transient=False,
        hint="choose a model that uses tools, and let its server allow them",
    ),
    Row(
        "unknown model",
        _is_no_model,
        Code.HTTP_STATUS,
        is_transient=False,
        hint="check the name of the model, and that {key} may use it",
    ),
    Row("bad key", _with(401), Code.HTTP_STATUS, is_transient=False, hint="check {key}"),
    Row(
        "not allowed",
        _with(403),
        Code.HTTP_STATUS,
        is_transient=False,
        hint="check what {key} may do, and whether the provider serves this place",
    ),
    Row(
        "not found",
        _with(404, 405),
        Code.HTTP_STATUS,
        is_transient=False,
        hint="check base_url: nothing answers at this address (most end in /v1)",
    ),
    Row(
        "request too large",
        _with(413),
        Code.TOO_LARGE,
        is_transient=False,
        hint="send less: shorten the prompt, or leave out files",
    ),
    Row(
        "redirect",
        lambda told: 300 <= told.status < 400,
        Code.HTTP_STATUS,
        is_transient=False,
        hint="let base_url be the address to which the server refers",
    ),
    Row("busy", lambda told: told.status in TRANSIENT, Code.HTTP_STATUS, is_transient=True),
    Row("anything else", lambda _: True, Code.HTTP_STATUS, is_transient=False),
)

STATUS_OF: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "notfounderror": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "resource_exhausted": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What names stand for in an answer whose status was good. What is not named here is a fault of the server's."""


# ── from answers to errors ──────────────────────────────────────────────────────────────────────


def error_in(body: object) -> Mapping[str, Any] | None:
    """Return the error that a server tells in place of an answer, None where there is none."""
    said = object_of(body)
    if said.get("type") == "response.failed":
        said = object_of(said.get("response"))
    elif first_of(said.get("choices")).get("error"):
        said = first_of(said["choices"])
    is_error = said.get("error") or said.get("type") == "error" or said.get("object") == "error"
    return said if is_error else None


def from_status(status: int, headers: Mapping[str, str], body: bytes, wall: float) -> Told:
    """Return what an answer with a bad status tells."""
    try:
        error = parsed(body)
    except ValueError:
        error = page_title(body)
    return _told(status, headers, error, wall)


def from_answer(headers: Mapping[str, str], error: Mapping[str, Any], wall: float) -> Told:
    """Return what an error tells that came in an answer with a good status."""
    said = take_apart(error)
    told = (int(code) for code in said.codes if code.isascii() and code.isdigit() and 400 <= int(code[:9]) < 600)
    named = (status for name, status in STATUS_OF.items() if name in said.codes)
    return _told(said.status or next(iter((*told, *named, 500))), headers, error, wall)


def _told(status: int, headers: Mapping[str, str], error: object, wall: float) -> Told:
    said = take_apart(error)
    message = next((text for text in (said.text, *_details(said.fields), *sorted(said.codes)) if text), "")
    return Told(status, said.codes, _plain(message), headers, error, recognise(status, headers, error, wall))


def _details(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield what frameworks tell where an error's message should be."""
    yield text_of(fields.get("detail"))
    for one in objects_of(fields.get("detail")):
        yield text_of(one.get("msg"))


def row_of(told: Told) -> Row:
    return next(row for row in TABLE if row.fits(told))


def failure(told: Told, *, server: str, key: str, wall: float) -> UpstreamError:
    """Return the error for what a server told. `key` says in words where the key comes from."""
    row = row_of(told)
    after = told.limit.resets_in if told.limit else _retry_after(told, wall) if row.is_transient else None
    return UpstreamError(
        f"{server} answered {told.status}: {(told.limit and told.limit.why) or told.message or 'no reason given'}",
        code=row.code,
        transient=row.is_transient,
        status=told.status,
        retry_after=after,
        hint=row.hint.replace("{key}", key) if row.hint else None,
    )


def unreadable(what: str) -> UpstreamError:
    """Return the error for an answer that makes no sense; the next one may."""
    return UpstreamError(what, code=Code.MALFORMED)


# ── reading errors ──────────────────────────────────────────────────────────────────────────────

_TITLE: Final = re.compile(rb"<(title|h1)[^>]{0,200}>([^<]{1,300})<", re.IGNORECASE)


def page_title(body: bytes) -> str:
    """Return what a page is about, or the beginning of a plain text."""
    head = body[:20_000]
    if b"<" in head[:200]:
        title = _TITLE.search(head)
        return f"{_plain(title[2].decode('utf-8', 'replace'))} (a web page)" if title else "a web page"
    return _plain(head.decode("utf-8", "replace"))


def _plain(text: str) -> str:
    """Return a text on one line, and not too much of it."""
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * LONGEST]).split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"


def _retry_after(told: Told, wall: float) -> float | None:
    """Return the seconds to stay away: as the headers say, or else the words."""
    said = retry_after(told.headers, wall=wall)
    return said_delay(told.error, wall) if said is None else said
