"""Server-sent events: which bytes of a stream make which event."""

from typing import Final, NamedTuple

BOM: Final = b"\xef\xbb\xbf"
LINE_ENDS: Final = (b"\n", b"\r")
END: Final = b"\n\n"
DATA: Final = b"data: "


class ServerEvent(NamedTuple):
    """One event of a stream; without a name it is a plain message."""

    name: str
    data: str


class EventDecoder:
    """Takes the bytes as they come, cut anywhere, and gives the events that are complete.

    Lines end with LF, CR or both, and with nothing else: JSON may hold every other sign that ends lines. Ids and times
    to reconnect mean nothing here, since nothing reconnects.
    """

    __slots__ = ("_after_return", "_begun", "_data", "_name", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # of a line that has not ended yet
        self._after_return = False
        self._begun = False
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        if self._after_return or b"\r" in chunk:
            return self._by_lines(chunk) if chunk else []
        # Most events come whole, in lines that end with LF; only what is cut is looked at line by line.
        start = 0 if self._is_between() else chunk.find(END) + len(END)
        *blocks, rest = chunk[start:].split(END)
        if not blocks:
            return self._by_lines(chunk)
        events = self._by_lines(chunk[:start]) if start else []
        events += filter(None, map(self._whole_event, blocks))
        if rest:
            events += self._by_lines(rest)
        return events

    # ── events that come whole ──

    def _is_between(self) -> bool:
        """Tell whether the next byte begins an event, and is not the first of all."""
        return self._begun and not (self._parts or self._data or self._name)

    def _whole_event(self, block: bytes) -> ServerEvent | None:
        """The event of these lines. None of them is empty but perhaps the first."""
        if b"\n" not in block and block.startswith(DATA):
            return ServerEvent("", block[len(DATA) :].decode("utf-8", "replace"))
        for line in block.split(b"\n"):
            self._line(line)
        return self._ended()

    # ── events that come in pieces ──

    def _by_lines(self, chunk: bytes) -> list[ServerEvent]:
        if self._after_return:
            # CR ended the line already; LF may be the other half of that end.
            chunk = chunk.removeprefix(b"\n")
        events: list[ServerEvent] = []
        for piece in chunk.splitlines(keepends=True):
            if not piece.endswith(LINE_ENDS):
                self._parts.append(piece)
            elif event := self._line(self._whole(piece) if self._parts else piece):
                events.append(event)
        self._after_return = chunk.endswith(b"\r")
        return events

    def _whole(self, end: bytes) -> bytes:
        """The line of which this is the end."""
        line = b"".join((*self._parts, end))
        self._parts.clear()
        return line

    def _line(self, line: bytes) -> ServerEvent | None:
        line = line.rstrip(b"\r\n")
        if not self._begun:
            self._begun, line = True, line.removeprefix(BOM)
        if not line:
            return self._ended()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(_text(value.removeprefix(b" ")))
        elif field == b"event":
            self._name = _text(value.removeprefix(b" "))
        return None

    def _ended(self) -> ServerEvent | None:
        """End an event; one without data is none."""
        name, data = self._name, self._data
        self._name, self._data = "", []
        return ServerEvent(name, "\n".join(data)) if data else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
