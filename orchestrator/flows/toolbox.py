"""The names of tools that agents may be given: built-in ones, whole MCP servers, and patterns of a server's tools."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from typing import Final

from orchestrator.core.errors import Code
from orchestrator.flows.findings import Spot
from orchestrator.flows.grammar import either, has_template

ASK_OPERATOR: Final = "ask_operator"
START_SUBAGENT: Final = "start_subagent"
BUILT_IN_TOOLS: Final = (
    "read_file",
    "write_file",
    "list_files",
    "search_files",
    "shell",
    "http_get",
    ASK_OPERATOR,
    START_SUBAGENT,
)

WRITING_TOOLS: Final = frozenset({"write_file", "shell"})

_WILD: Final = frozenset("*?[")


class Toolbox:
    """Knows the MCP servers that can be named, and takes note of those that are."""

    def __init__(self, servers: Collection[str]) -> None:
        self._servers = servers
        self.used: set[str] = set()

    def check(self, names: Iterable[str], spot: Spot) -> None:
        """Check a list of tools, each of which is named whole or by a pattern of one server's."""
        for number, name in enumerate(names):
            self._check(name, spot.below(number))

    def _check(self, name: str, spot: Spot) -> None:
        server, dot, _ = name.partition(".")
        if has_template(name):
            spot.add("the tools of an agent are fixed: a template cannot name one", "write the name itself")
        elif dot and server in self._servers:
            self.used.add(server)
        elif name in self._servers:
            self.used.add(name)
        elif dot:
            self._tell_server(server, spot)
        elif name not in BUILT_IN_TOOLS:
            self._tell_tool(name, spot)

    def check_tool(self, name: str, spot: Spot) -> None:
        """Check the tool of a task that calls one: its server, a dot, and its name there."""
        server, dot, tool = name.partition(".")
        if has_template(server):
            spot.add("the server of a tool is fixed: a template cannot name it", "write it before the dot: server.tool")
        elif not dot or not tool:
            spot.add(f"{name!r} names no tool", "write the server and its tool: server.tool")
        elif server not in self._servers:
            self._tell_server(server, spot)
        else:
            self.used.add(server)

    def check_patterns(self, patterns: Iterable[str], spot: Spot) -> None:
        """Check patterns over all tools; the server's name may be one, too."""
        for number, pattern in enumerate(patterns):
            server, dot, _ = pattern.partition(".")
            known = self._servers if dot else (*BUILT_IN_TOOLS, *self._servers)
            if has_template(pattern) or any(fnmatchcase(name, server) for name in known):
                continue
            if dot and not _WILD & set(server):
                self._tell_server(server, spot.below(number))
            else:
                self._tell_tool(pattern, spot.below(number))

    def _tell_server(self, name: str, spot: Spot) -> None:
        """Say that there is no such server."""
        known = f"expected {either(sorted(self._servers))}" if self._servers else "declare it under `mcp_servers:`"
        meant = spot.findings.suggest(name, self._servers)
        spot.add(f"there is no MCP server {name!r}", _join(known, meant), code=Code.UNKNOWN_NAME)

    def _tell_tool(self, name: str, spot: Spot) -> None:
        servers = [f"the server {server}" for server in sorted(self._servers)]
        expected = f"expected {either([*BUILT_IN_TOOLS, *(servers or ['a server under `mcp_servers:`'])])}"
        meant = spot.findings.suggest(name, (*BUILT_IN_TOOLS, *self._servers))
        spot.add(f"there is no tool {name!r}", _join(expected, meant), code=Code.UNKNOWN_NAME)


def _join(*parts: str | None) -> str | None:
    return "; ".join(part for part in parts if part) or None
