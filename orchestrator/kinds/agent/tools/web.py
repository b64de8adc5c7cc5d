"""The tool http_get: the text of a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from orchestrator.core.model import ToolSpec
from orchestrator.kinds.agent.tools.tool import Arguments, BuiltIn, Room, ToolFault, in_thread, takes, text
from orchestrator.net import NetError, Request, Response

MOST_BYTES: Final = 2_000_000
EXCERPT: Final = 500

_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_TEXTUAL: Final = re.compile(r"text/|.*(json|xml|javascript|yaml|toml|x-www-form-urlencoded)", re.IGNORECASE)
_BLANK: Final = re.compile(r"[ \t\r\f\v]+")
_GAPS: Final = re.compile(r"\n\s*\n+")


async def _http_get(given: Arguments, room: Room) -> str:
    url = given["url"]
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ToolFault("only addresses that begin with http:// or https:// can be read")
    try:
        answer = await room.web.send(Request("GET", url), max_size=MOST_BYTES)
    except NetError as error:
        raise ToolFault(str(error)) from error
    words = await in_thread(lambda _: _words(answer))
    if not 200 <= answer.status < 300:
        raise ToolFault(f"the server answered {answer.status}: {words[:EXCERPT]}")
    note = f"\n[only the first {MOST_BYTES:,} bytes were read]" if answer.truncated else ""
    return f"{words}{note}"


def _words(answer: Response) -> str:
    """Return what people would read of an answer."""
    kind = answer.headers.get("content-type", "")
    if b"\0" in answer.body[:8_192] or (kind and not _TEXTUAL.match(kind)):
        return f"[no text: {kind or 'a binary file'} of {len(answer.body):,} bytes]"
    decoded = _decoded(answer.body, kind)
    return _without_markup(decoded) if "html" in kind.lower() else decoded


def _decoded(body: bytes, kind: str) -> str:
    charset = _CHARSET.search(kind)
    try:
        return body.decode(charset[1] if charset else "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


class _Reader(HTMLParser):
    """Keeps the words of a page, and where its links lead."""

    UNREAD: Final = frozenset({"script", "style", "noscript", "template", "svg"})
    BREAKS: Final = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "title"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unread = 0
        self._link: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.UNREAD:
            self._unread += 1
        elif tag in self.BREAKS:
            self.words.append("\n")
        elif tag == "a":
            self._link = dict(attrs).get("href")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.UNREAD:
            self._unread = max(self._unread - 1, 0)
        elif tag in self.BREAKS:
            self.words.append("\n")
        elif tag == "a" and self._link:
            self.words.append(f" ({self._link})")
            self._link = None

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.words.append(data)


def _without_markup(page: str) -> str:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (_BLANK.sub(" ", line).strip() for line in "".join(reader.words).split("\n"))
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


HTTP_GET: Final = BuiltIn(
    ToolSpec(
        "http_get",
        "Reads a page or a file of the web and returns its text.",
        takes({"url": text("The address, with http:// or https://.")}),
    ),
    _http_get,
)
