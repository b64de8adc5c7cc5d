"""The body of an answer: its bytes as they come, unpacked where they are packed."""

import zlib
from typing import Final

import aiohttp
import httpx

from orchestrator.net.causes import FOREIGN, explained

PIECE: Final = 1 << 14
"""Bytes of a packed answer that are unpacked at once: each of them can unfold to a thousand."""

_GZIP: Final = zlib.MAX_WBITS | 16
_BARE: Final = -zlib.MAX_WBITS


class Body:
    """Reads the body of one answer, to its end or as far as is wanted."""

    __slots__ = ("_content", "_url")

    def __init__(self, answer: aiohttp.ClientResponse, url: httpx.URL) -> None:
        self._content = answer.content
        self._url = url

    @property
    def has_come(self) -> bool:
        """Whether there is surely nothing left to read."""
        return self._content.at_eof()

    async def next(self) -> bytes:
        """Return the bytes that came since the last time, or wait for some; none at the end. Raises NetError."""
        try:
            return await self._content.readany()
        except FOREIGN as error:
            raise explained(error, self._url) from error


class PackedBody(Body):
    """Reads a body that is packed."""

    __slots__ = ("_unpacker",)

    def __init__(self, answer: aiohttp.ClientResponse, url: httpx.URL, encoding: str) -> None:
        super().__init__(answer, url)
        self._unpacker = Unpacker(encoding)

    @property
    def has_come(self) -> bool:
        return False  # there may be more in what has come

    async def next(self) -> bytes:
        try:
            while piece := await self._content.read(PIECE):
                if data := self._unpacker.feed(piece):
                    return data
            return self._unpacker.end()
        except (*FOREIGN, zlib.error) as error:
            raise explained(error, self._url) from error


class Unpacker:
    """Unpacks gzip and deflate. Of the latter there are two sorts, and servers send the wrong one too."""

    __slots__ = ("_inner", "_is_certain")

    def __init__(self, encoding: str) -> None:
        self._inner = zlib.decompressobj(_GZIP if encoding == "gzip" else zlib.MAX_WBITS)
        self._is_certain = encoding == "gzip"

    def feed(self, data: bytes) -> bytes:
        try:
            unpacked = self._inner.decompress(data)
        except zlib.error:
            if self._is_certain:
                raise
            self._inner = zlib.decompressobj(_BARE)
            unpacked = self._inner.decompress(data)
        self._is_certain = True
        return unpacked

    def end(self) -> bytes:
        """Return what was kept back; after that, nothing."""
        return self._inner.flush()
