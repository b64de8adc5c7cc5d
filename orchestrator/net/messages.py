"""What is asked and what is answered."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from orchestrator.core.fact import fact

Pairs = tuple[tuple[str, str], ...]


@fact
class Request:
    """One request. `url` may be relative to the client's base; `query` is added to what the URL has."""

    method: str
    url: str
    headers: Pairs = ()
    query: Pairs = ()
    body: bytes | None = None

    def with_json(self, value: object) -> "Request":
        """The same request with this value as its body."""
        # Half of a surrogate pair, which JSON can hold and UTF-8 cannot, becomes a question mark.
        return self._with_body(_ENCODE(value).encode("utf-8", "replace"), "application/json")

    def with_form(self, fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> "Request":
        """The same request with these fields as its body, as a browser's form sends them."""
        pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
        return self._with_body(urlencode(pairs).encode("ascii"), "application/x-www-form-urlencoded")

    def _with_body(self, body: bytes, content_type: str) -> "Request":
        headers = self.headers
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("content-type", content_type))
        return Request(self.method, self.url, headers, self.query, body)


@fact
class Response:
    """One answer, read as far as was allowed. Names of headers are in lower case; `url` is the one that answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    url: str
    elapsed: float


def _plain(value: object) -> dict[Any, Any]:
    """A mapping of any sort as the one that JSON knows."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain).encode
"""Made once: making it takes longer than a question does."""
