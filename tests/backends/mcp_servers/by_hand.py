"""A server of tools of the older protocol, without any library: quick to start, and as odd as a test needs it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]

WORD = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
ANYTHING = {"type": "object"}
SECOND = 0.02

lock = threading.Lock()
more_tools: list[str] = []


def say(**message: object) -> None:
    line = json.dumps({"jsonrpc": "2.0", **message})
    with lock:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def text(said: str, **more: object) -> Answer:
    return {"content": [{"type": "text", "text": said}], **more}


class RefusedError(Exception):
    """The error that is answered, in the protocol's own way."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


# ── tools ──


def echo(arguments: Answer, _: Answer) -> Answer:
    if "text" not in arguments:
        raise RefusedError(-32602, "echo wants a text")
    return text(arguments["text"], structuredContent={"length": len(arguments["text"])})


def slow(arguments: Answer, meta: Answer) -> Answer:
    steps = arguments["steps"]
    for step in range(1, steps + 1):
        time.sleep(SECOND)
        params = {
            "progressToken": meta.get("progressToken"),
            "progress": step,
            "total": steps,
            "message": f"step {step}",
        }
        say(method="notifications/progress", params=params)
    return text("done")


def hang(_: Answer, __: Answer) -> Answer:
    time.sleep(60)
    return text("too late")


def crash(_: Answer, __: Answer) -> Answer:
    complain("the tape is torn")
    os._exit(7)


def fail(_: Answer, __: Answer) -> Answer:
    return text("no such page", isError=True)


def refuse(_: Answer, __: Answer) -> Answer:
    raise RefusedError(-32603, "the disk is full")


def show(_: Answer, __: Answer) -> Answer:
    parts = [
        {"type": "text", "text": "look:"},
        {"type": "image", "mimeType": "image/png", "data": "aGVsbG8h"},
        {"type": "resource_link", "uri": "file:///a.txt", "name": "a.txt"},
        {"type": "resource", "resource": {"uri": "file:///b.txt", "text": "inside b"}},
        {"type": "resource", "resource": {"uri": "file:///c.bin", "blob": "aGVsbG8h", "mimeType": "application/x-c"}},
    ]
    return {"content": parts}


def long(arguments: Answer, _: Answer) -> Answer:
    return text("x" * arguments["size"])


def variable(arguments: Answer, _: Answer) -> Answer:
    return text(os.environ.get(arguments["text"], "(not set)"))


def leak(_: Answer, __: Answer) -> Answer:
    told = json.dumps(dict(os.environ))
    for part in (told[: len(told) // 2], told[len(told) // 2 :]):
        sys.stderr.write(part)
        sys.stderr.flush()
        time.sleep(SECOND)
    complain("")
    return text(told, structuredContent=dict(os.environ))


def who(_: Answer, __: Answer) -> Answer:
    return text(str(os.getpid()))


def fork(_: Answer, __: Answer) -> Answer:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    return text(f"{os.getpid()} {child.pid}")


def grow(_: Answer, __: Answer) -> Answer:
    more_tools.append("grown")
    say(method="notifications/tools/list_changed")
    return text("I can do more now")


def babble(_: Answer, __: Answer) -> Answer:
    with lock:
        sys.stdout.write("this is no message\n")
    say(method="notifications/message", params={"level": "warning", "data": "careful"})
    return text("excuse me")


def flood(arguments: Answer, _: Answer) -> Answer:
    for number in range(arguments["size"]):
        say(method="notifications/message", params={"level": "info", "data": f"line {number}"})
    return text("all said")


TOOLS: dict[str, Callable[[Answer, Answer], Answer]] = {
    tool.__name__: tool
    for tool in (echo, slow, hang, crash, fail, refuse, show, long, variable, leak, who, fork, grow, babble, flood)
}
READ_ONLY = {"echo", "show"}


def tool(name: str) -> Answer:
    schema = WORD if name == "echo" else ANYTHING
    hints = {"annotations": {"readOnlyHint": True}} if name in READ_ONLY else {}
    return {"name": name, "description": f"What {name} does.", "inputSchema": schema, **hints}


# ── the protocol ──


def initialize(_: Answer) -> Answer:
    complain("I am up")
    return {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": True}},
        "serverInfo": {"name": "by-hand", "version": "1"},
    }


def list_tools(params: Answer) -> Answer:
    """Two pages: lists can come in pieces."""
    complain("asked for tools")
    names = [*TOOLS, *more_tools]
    if params.get("cursor") == "rest":
        return {"tools": [tool(name) for name in names[3:]]}
    return {"tools": [tool(name) for name in names[:3]], "nextCursor": "rest"}


def unknown(_: Answer) -> Answer:
    raise RefusedError(-32601, "Method not found")


def call(params: Answer) -> Answer:
    return TOOLS[params["name"]](params.get("arguments") or {}, params.get("_meta") or {})


METHODS: dict[str, Callable[[Answer], Answer]] = {
    "initialize": initialize,
    "tools/list": list_tools,
    "tools/call": call,
}


def answer(request: Answer) -> None:
    try:
        result = METHODS.get(request["method"], unknown)(request.get("params") or {})
    except RefusedError as error:
        say(id=request["id"], error={"code": error.code, "message": str(error)})
    else:
        say(id=request["id"], result=result)


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            threading.Thread(target=answer, args=(message,), daemon=True).start()
        elif message.get("method") == "notifications/cancelled":
            complain("cancelled")
    complain("goodbye")


main()
