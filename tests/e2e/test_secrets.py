"""Secrets are planted wherever one can stand, servers tell them in every way they can, and then all is searched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import pytest

from tests.backends.mcp_servers.kit import BY_HAND
from tests.e2e.servers import serving
from tests.e2e.terminal import Terminal, none_alive, piped

KEY: Final = "sk-plantedKEY/one+two=="
ENVIRONMENT: Final = {
    "MODEL_KEY": KEY,
    "SOME_TOKEN": "plantedTOKEN-7c1d",
    "NOTES": 'plantedNOTES "quoted" é',
    "DIGITS": "plantedDIGITS-55",
}
PRINTED: Final = "plantedPRINTED-by-a-command"
WRITTEN: Final = "plantedWRITTEN-in-a-header"
BASIC: Final = "plantedBASIC-4411"
GIVEN: Final = "plantedGIVEN-as-input"
LISTED: Final = "plantedLISTED-as-input"
VARIABLE: Final = "plantedVARIABLE-of-a-server"
PLANTED: Final = (*ENVIRONMENT.values(), PRINTED, WRITTEN, BASIC, GIVEN, LISTED, VARIABLE)

FLOW: Final = """
version: 1
name: secrets
inputs:
  given: {{secret: true}}
  listed: {{type: list, secret: true}}
secrets: {{NOTES: {{env: NOTES}}, PRINTED: {{command: [cat, printed.txt]}}}}
defaults: {{retry: {{max_attempts: 2, initial_delay: 50ms, jitter: 0}}}}
backends:
  errors: &model
    kind: openai
    model: m
    max_tokens: 100
    base_url: "{url}/errors/v1"
    api_key: {{env: MODEL_KEY}}
    headers: {{X-Api-Key: {written}, X-More: "{{{{ secrets.PRINTED }}}}", Cookie: "{{{{ env.DIGITS }}}}"}}
    breaker: {{failure_threshold: 100}}
    health_check: 300ms
  stream: {{<<: *model, base_url: "{url}/stream/v1"}}
  redirect: {{<<: *model, base_url: "{url}/redirect/v1"}}
  page: {{<<: *model, base_url: "{url}/page/v1"}}
  said: {{<<: *model, base_url: "{url}/said/v1"}}
  whole: {{<<: *model, base_url: "{url}/whole/v1", stream: false}}
  odd: {{<<: *model, base_url: "{url}/odd/v1"}}
  tools: {{<<: *model, base_url: "{url}/tools/v1"}}
  quota: {{<<: *model, base_url: "{url}/quota/v1", api_key: {{command: [cat, printed.txt]}}}}
  printed: {{<<: *model, base_url: "{url}/errors/v1", api_key: {{command: [cat, printed.txt]}}}}
  claude: {{<<: *model, kind: anthropic, base_url: "{url}/errors"}}
  site: {{kind: http, base_url: "{url}/site", headers: {{Authorization: "Basic {basic}"}}}}
  nobody: {{<<: *model, base_url: "http://name:plantedTOKEN-7c1d@127.0.0.1:1/v1"}}
mcp_servers:
  hand:
    command: {by_hand}
    env: {{DB_PASSWORD: {variable}, PASSED_ON: "{{{{ secrets.NOTES }}}}"}}
tasks:
  errors: {{optional: true, llm: {{backend: errors, prompt: &all "{{{{ secrets.NOTES }}}} {{{{ inputs.given }}}}"}}}}
  stream: {{optional: true, llm: {{backend: stream, prompt: *all}}}}
  redirect: {{optional: true, llm: {{backend: redirect, prompt: *all}}}}
  page: {{optional: true, llm: {{backend: page, prompt: *all}}}}
  odd: {{optional: true, llm: {{backend: odd, prompt: *all}}}}
  printed: {{optional: true, deadline: 3s, llm: {{backend: printed, prompt: *all}}}}
  claude: {{optional: true, llm: {{backend: claude, prompt: *all}}}}
  nobody: {{optional: true, llm: {{backend: nobody, prompt: *all}}}}
  quota: {{optional: true, deadline: 3s, llm: {{backend: quota, prompt: *all}}}}
  said: {{llm: {{backend: said, prompt: *all}}, cache: 1h, save: out/said.md}}
  whole: {{llm: {{backend: whole, prompt: *all}}, cache: 1h}}
  form:
    optional: true
    llm:
      backend: said
      prompt: *all
      output: {{repair: 0, schema: {{type: object, properties: {{n: {{type: integer}}}}, required: [n]}}}}
  agent:
    agent: {{backend: tools, prompt: *all, tools: [shell, read_file, http_get, hand], confirm: never}}
    save: out/agent.md
  site: {{optional: true, http: {{backend: site, url: /all, follow_redirects: false}}}}
  moved: {{optional: true, http: {{backend: site, url: /moved}}}}
  leaks: {{mcp: hand.leak}}
  shell:
    shell: |
      echo $SOME_TOKEN; echo $SOME_TOKEN >&2; env >&2
      for part in planted TOKEN- 7c1d; do printf %s $part; sleep 0.1; done
      printf '%s\\n' ${{inputs.given}} ${{inputs.listed}}
  after: {{shell: "echo {{{{ said }}}} {{{{ agent }}}} {{{{ leaks }}}}; exit 3", optional: true}}
outputs: {{said: "{{{{ said }}}}", leaks: "{{{{ leaks }}}}", given: "{{{{ inputs.listed }}}}"}}
"""


# ── a server that tells all it is told ──────────────────────────────────────────────────────────


def sse(*bodies: object) -> bytes:
    return b"".join(b"data: " + json.dumps(body).encode() + b"\n\n" for body in bodies)


def delta(finish: str | None = None, **said: object) -> dict[str, object]:
    return {"model": KEY, "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def bits(text: str, size: int = 3) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


Use: TypeAlias = "tuple[str, dict[str, object]]"


def called(*calls: Use) -> bytes:
    """Tool calls whose ids are secrets, told a few letters at a time."""
    told: list[object] = [delta(content=part) for part in bits(f"Now with {KEY}.")]
    for index, (name, arguments) in enumerate(calls):
        head = {"index": index, "id": f"{KEY}{index}", "function": {"name": name, "arguments": ""}}
        told.append(delta(tool_calls=[head]))
        parts = bits(json.dumps(arguments))
        told += [delta(tool_calls=[{"index": index, "function": {"arguments": part}}]) for part in parts]
    return sse(*told, delta("tool_calls"))


class Teller(BaseHTTPRequestHandler):
    """Answers each path in its own way, always with all that it was told."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path:
            case "/site/moved":
                self.answers(302, b"", Location=f"http://127.0.0.1:1/{quote(self.told)}")
            case "/site/all":
                self.answers(200, self.told.encode(), **{"X-Echo": quote(self.told), "Set-Cookie": f"key={quote(KEY)}"})
            case _:
                self.answers(500, self.error)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.asked: dict[str, Any] = json.loads(self.rfile.read(length))
        getattr(self, self.path.split("/")[1])()

    @property
    def told(self) -> str:
        return " ".join((*PLANTED, *self.headers.values()))

    @property
    def error(self) -> bytes:
        return json.dumps({"error": {"message": f"bad {self.told}", "type": KEY, "code": KEY}}).encode()

    def answers(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def streams(self, body: bytes) -> None:
        self.answers(200, body, "text/event-stream", **{"x-ratelimit-reset-requests": KEY, "x-request-id": KEY})

    def errors(self) -> None:
        self.answers(401, self.error)

    def stream(self) -> None:
        self.streams(sse(*(delta(content=part) for part in bits(self.told)), json.loads(self.error)))

    def redirect(self) -> None:
        self.answers(302, b"", Location=f"http://{quote(KEY, safe='')}@127.0.0.1:1/{quote(self.told)}")

    def page(self) -> None:
        self.answers(502, f"<html><title>no {KEY} {BASIC}</title><h1>{self.told}</h1>".encode(), "text/html")

    def odd(self) -> None:
        self.streams(sse(delta(content="hm"), delta(KEY)) + b"data: {" + KEY.encode() + b"\n\n")

    def said(self) -> None:
        said = [delta(reasoning_content=part) for part in bits(self.told)]
        self.streams(sse(*said, *(delta(content=part) for part in bits(self.told, 7)), delta("stop")))

    def whole(self) -> None:
        message = {"role": "assistant", "content": self.told}
        body = {"model": KEY, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        self.answers(200, json.dumps(body).encode())

    def quota(self) -> None:
        why = f"You exceeded your current quota, {PRINTED}, {KEY}"
        error = {"message": why, "code": "insufficient_quota", "resets_in_seconds": 1}
        self.answers(429, json.dumps({"error": error}).encode())

    def tools(self) -> None:
        turn = sum(message["role"] == "assistant" for message in self.asked["messages"])
        match turn:
            case 0:
                url = f"http://127.0.0.1:1/{quote(self.told)}"
                told: dict[str, object] = {"text": self.told, KEY: 1}
                uses: list[Use] = [("hand__echo", told), ("hand__leak", {}), ("http_get", {"url": url})]
                uses.append(("read_file", {"path": KEY}))
                self.streams(called(*uses, ("shell", {"command": f"echo {KEY}; echo {KEY} >&2; exit 1"})))
            case 1:
                self.streams(called((f"use {KEY}", {}), ("hand__fail", {"text": KEY}), ("hand__crash", {"text": KEY})))
            case _:
                self.said()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that its base gives it
        pass


class Heard(ThreadingHTTPServer):
    """A server that notes who asked it what with which key."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hearer)
        self.told: dict[str, tuple[str, str]] = {}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Hearer(Teller):
    """Notes what it is told, and answers with nothing of it."""

    server: Heard

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        who = self.path.split("/")[1]
        self.server.told[who] = self.headers["Authorization"], asked["messages"][-1]["content"]
        self.streams(sse(delta(content="fine"), delta("stop")))


# ── looking for them ────────────────────────────────────────────────────────────────────────────


def signs() -> list[bytes]:
    """How a secret would show, cut short too: by what its first letters are, which nothing else has."""
    return [re.escape(re.split(r"[^A-Za-z]", one.removeprefix("sk-"))[0][:12]).encode() for one in PLANTED]


def leaks(text: str | bytes) -> list[bytes]:
    data = text.encode() if isinstance(text, str) else text
    return [data[max(found.start() - 80, 0) : found.end() + 40] for found in re.finditer(b"|".join(signs()), data)]


def leaking(folder: Path) -> dict[str, list[bytes]]:
    found = {str(file): leaks(file.read_bytes()) for file in folder.rglob("*") if file.is_file()}
    return {name: where for name, where in found.items() if where}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "flow"
    folder.mkdir()
    (folder / "printed.txt").write_text(PRINTED)
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Teller)) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        text = FLOW.format(url=url, written=WRITTEN, basic=BASIC, variable=VARIABLE, by_hand=json.dumps(list(BY_HAND)))
        (folder / "flow.yaml").write_text(text)
        yield folder / "flow.yaml"


GIVING: Final = ("-i", f"given={GIVEN}", "-i", json.dumps([LISTED]).join(("listed=", "")))


@pytest.mark.parametrize("output", ["text", "json", "jsonl"])
def test_what_a_run_tells_and_keeps_holds_no_secret(output: str, flow: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = piped("run", str(flow), *GIVING, "--output", output, "--print-logs", "all", state=state, more=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert leaks(done.stdout) == []
    assert leaks(done.stderr) == []
    assert leaking(state) == {}
    assert leaking(flow.parent / "out") == {}
    assert list((state / "answers").rglob("*.json"))
    assert (flow.parent / "out" / "agent.md").exists()


def test_the_dashboard_draws_no_secret(flow: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    terminal = Terminal("tui", str(flow), *GIVING, state=state, more=ENVIRONMENT, columns=160, rows=50)
    terminal.sees("agent")
    for _ in range(22):
        terminal.types("\x1b[B")
        terminal.read(0.2)
    for keys in ("\r", "L", "\x1b", "2", "3", "4", "5", "1", "?", "\x1b", "n", "\x1b"):
        terminal.types(keys)
        terminal.read(0.4)
    terminal.types("q")
    assert terminal.ends() == 0
    assert leaks(terminal.raw) == []
    assert leaking(state) == {}
    assert none_alive(str(flow.parent))


def test_the_doctor_tells_no_secret(flow: Path, tmp_path: Path) -> None:
    done = piped("doctor", str(flow), *GIVING, state=tmp_path / "state", more=ENVIRONMENT)
    assert done.returncode == 1
    assert "MODEL_KEY is set" in done.stdout
    assert leaks(done.stdout + done.stderr) == []
    assert leaking(tmp_path / "state") == {}


def test_keys_of_two_files_reach_their_own_servers_alone(tmp_path: Path) -> None:
    """Each file of a flow may call its backend and its secrets as another does."""
    files = """
version: 1
secrets: {{PASS: {{env: {name}_PASS}}}}
backends: {{model: {{kind: openai, model: m, max_tokens: 9, base_url: "{url}/v1", api_key: {{env: {name}_API}}}}}}
tasks: {{ask: {{llm: {{backend: model, prompt: "{{{{ secrets.PASS }}}}"}}}}}}
"""
    outer = "version: 1\ntasks:\n  first: {flow: {file: first.yaml}}\n  second: {flow: {file: second.yaml}}\n"
    given = {f"{name}_{what}": f"{name}-own-{what}" for name in ("first", "second") for what in ("API", "PASS")}
    (tmp_path / "flow.yaml").write_text(outer)
    with serving(Heard()) as heard:
        for name in ("first", "second"):
            (tmp_path / f"{name}.yaml").write_text(files.format(name=name, url=heard.url(name)))
        done = piped("run", str(tmp_path / "flow.yaml"), state=tmp_path / "state", more=given)
    assert done.returncode == 0, done.stderr
    assert heard.told == {name: (f"Bearer {name}-own-API", f"{name}-own-PASS") for name in ("first", "second")}


def test_a_file_within_the_flow_has_variables_of_its_own(tmp_path: Path) -> None:
    inner = """
version: 1
inputs: {who: {default: nobody}}
env_file: inner.env
env: {WHO: "${inputs.who}", LITERAL_TOKEN: plantedLITERAL}
tasks: {say: {shell: "echo $WHO $PLAIN $FILE_TOKEN $LITERAL_TOKEN"}}
outputs: {said: "{{ say }}"}
"""
    (tmp_path / "inner.yaml").write_text(inner)
    (tmp_path / "inner.env").write_text("PLAIN=plain\nFILE_TOKEN=plantedFILE-1\n")
    outer = (
        "version: 1\ntasks: {sub: {flow: {file: inner.yaml, inputs: {who: ann}}}}\noutputs: {said: '{{ sub.said }}'}\n"
    )
    (tmp_path / "flow.yaml").write_text(outer)
    done = piped("run", str(tmp_path / "flow.yaml"), state=tmp_path / "state")
    assert done.stdout == "said: ann plain *** ***\n"
