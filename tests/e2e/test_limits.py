"""Servers that let only so much through: nobody storms them, and what is used up is waited for."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.e2e.servers import serving
from tests.e2e.terminal import flow, piped

ANSWER: Final = {"model": "m", "choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}
WINDOW: Final = 1.5
LIMIT: Final = 6
TASKS: Final = 18
CLOSE_CALLS: Final = 2
"""Requests that may meet the very end of a window on a machine that is busy."""

FLOW: Final = """
version: 1
max_concurrency: 40
defaults: {{backend: first}}
backends:
  first: &model {{kind: openai, model: m, max_tokens: 9, base_url: "{url}/v1", stream: false, api_key: {{env: MY_KEY}}}}
  second: *model
  other: {{<<: *model, base_url: "{url}/other/v1", api_key: {{env: OTHER_KEY}}}}
  covered: {{<<: *model, fallback: [other]}}
tasks:
"""
KEYS: Final = {"MY_KEY": "one-and-the-same", "OTHER_KEY": "another"}


class Gatekeeper(ThreadingHTTPServer):
    """Lets `LIMIT` requests through in each window, or refuses all for a while; notes what it said.

    Once it has refused one, `sign` is there.
    """

    request_queue_size = 100

    def __init__(self, *, used_up_for: float | None = None, tells_when: bool = True, sign: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Gate)
        self.sign = sign
        self.used_up_for = used_up_for
        self.tells_when = tells_when
        self.told: list[int] = []
        self._lock = threading.Lock()
        self._began, self._used = 0.0, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def judge(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        with self._lock:
            status, body, headers = self._quota() if self.used_up_for else self._window()
            self.told.append(status)
        return status, body, headers

    def _window(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        now = time.monotonic()
        if now - self._began >= WINDOW:
            self._began, self._used = now, 0
        left = f"{WINDOW - (now - self._began):.3f}"
        self._used += 1
        headers = {
            "x-ratelimit-limit-requests": str(LIMIT),
            "x-ratelimit-remaining-requests": str(max(LIMIT - self._used, 0)),
            "x-ratelimit-reset-requests": f"{left}s",
        }
        if self._used > LIMIT:
            return 429, {"error": {"message": "Rate limit reached"}}, {**headers, "retry-after": left}
        return 200, ANSWER, headers

    def _quota(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        self._began = self._began or time.monotonic()
        left = self._began + (self.used_up_for or 0.0) - time.monotonic()
        if left <= 0:
            return 200, ANSWER, {}
        error = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
        return 429, {"error": {**error, **({"resets_in_seconds": left} if self.tells_when else {})}}, {}


class Gate(BaseHTTPRequestHandler):
    server: Gatekeeper

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        is_other = self.path.startswith("/other")
        status, body, headers = (200, ANSWER, {}) if is_other else self.server.judge()
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        if status != 200 and self.server.sign is not None:
            self.server.sign.touch()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that its base gives it
        pass


def test_when_a_window_ends_nobody_storms_the_server(tmp_path: Path) -> None:
    tasks = f"  many: {{for_each: {list(range(TASKS))}, llm: {{prompt: hello}}}}\n"
    with serving(Gatekeeper()) as gate:
        path = flow(tmp_path, FLOW.format(url=gate.url) + tasks)
        done = piped("run", str(path), state=tmp_path / "state", more=KEYS)
    assert done.returncode == 0, done.stderr
    assert gate.told.count(200) == TASKS
    before_anything_is_known = TASKS - LIMIT
    assert gate.told.count(429) <= before_anything_is_known + CLOSE_CALLS, gate.told


def test_what_is_used_up_is_waited_for_by_all_who_share_the_key(tmp_path: Path) -> None:
    tasks = """
  a: {for_each: [1, 2, 3], llm: hello}
  b: {depends_on: {a: settled}, llm: {backend: second, prompt: hello}}
  elsewhere: {llm: {backend: covered, prompt: hello}, depends_on: [pause]}
  pause: {shell: until test -e refused; do sleep 0.1; done; sleep 1}
  later: {llm: {backend: second, prompt: hello}, depends_on: [pause]}
"""
    with serving(Gatekeeper(used_up_for=6.0, sign=tmp_path / "refused")) as gate:
        path = flow(tmp_path, FLOW.format(url=gate.url) + tasks)
        done = piped("run", str(path), "--output", "json", state=tmp_path / "state", more=KEYS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["tasks"]
    assert found["elsewhere"]["backend"] == "other"
    assert found["later"]["attempts"] == 1, "it did not try in vain"
    assert gate.told.count(429) <= 3
    assert "held for" in done.stderr


def test_what_is_used_up_for_nobody_knows_how_long_needs_a_person(tmp_path: Path) -> None:
    with serving(Gatekeeper(used_up_for=600.0, tells_when=False)) as gate:
        path = flow(tmp_path, FLOW.format(url=gate.url) + "  a: {llm: hello}\n")
        done = piped("run", str(path), "--output", "json", state=tmp_path / "state", more=KEYS)
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert (report["outcome"], report["tasks"]["a"]["state"]) == ("held", "waiting")
    assert gate.told == [429]
