# ruff: noqa: INP001 - a script beside its flow, not a package
"""A small server for http_checks.yaml: it writes its port into the file that it is given, and stops when told."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NOTES: list[str] = []
LEFT_TO_FAIL = {"/flaky": 1}


class Handler(BaseHTTPRequestHandler):
    """Answers the checks."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, "fine")
        elif self.path in LEFT_TO_FAIL:
            self._fail_first()
        elif self.path.startswith("/notes/") and self._number() in range(len(NOTES)):
            self._answer(200, NOTES[self._number()])
        else:
            self._answer(404, "no such page")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/notes":
            NOTES.append(json.loads(body)["text"])
            self._answer(201, json.dumps({"id": len(NOTES) - 1}), kind="application/json")
        elif self.path == "/stop":
            self._answer(200, "good bye")
            threading.Thread(target=self.server.shutdown).start()
        else:
            self._answer(404, "no such page")

    def _number(self) -> int:
        text = self.path.rpartition("/")[2]
        return int(text) if text.isdigit() else -1

    def _fail_first(self) -> None:
        if LEFT_TO_FAIL[self.path] > 0:
            LEFT_TO_FAIL[self.path] -= 1
            self._answer(503, "come back in a second", {"Retry-After": "1"})
        else:
            self._answer(200, "now it works")

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None, kind: str = "text/plain") -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve on a free port until told to stop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        target = Path(sys.argv[1])
        draft = target.with_suffix(".draft")
        draft.write_text(str(server.server_address[1]), encoding="ascii")
        draft.rename(target)
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
