"""The backends and MCP servers of a file: what answers calls, and the keys that each of them takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from orchestrator.core.errors import Code, OrchestratorError
from orchestrator.core.fact import fact
from orchestrator.core.flow import MCP, BackendSpec, Price
from orchestrator.core.ports import Backend
from orchestrator.flows.declared import LABEL, WORD, named
from orchestrator.flows.findings import Findings, Spot
from orchestrator.flows.grammar import Anything, Form, Path, either, has_template, shown
from orchestrator.flows.paths import absolute
from orchestrator.flows.reading import WRONG, Reader
from orchestrator.flows.registry import Registry
from orchestrator.flows.schema import BACKEND, NOT_OF_SERVERS
from orchestrator.flows.settings import form_of
from orchestrator.flows.templating import texts
from orchestrator.flows.toolbox import BUILT_IN_TOOLS


@fact
class Declared:
    """A backend or an MCP server of a file, the class that it is of, and where it stands."""

    spec: BackendSpec
    kind: type[Backend]
    spot: Spot

    @property
    def model(self) -> str | None:
        """The model that it uses where nobody says another."""
        model = getattr(self.spec.settings, "model", None)
        return model if isinstance(model, str) else None

    def priced(self, prices: Mapping[str, Price]) -> Declared:
        """Return the backend with the prices of models, if it asks some and has no price of its own."""
        asks = hasattr(self.spec.settings, "model") and self.spec.price is None
        return replace(self, spec=replace(self.spec, prices=prices)) if asks and prices else self


def read_backends(data: Mapping[str, Any], registry: Registry, findings: Findings) -> dict[str, Declared]:
    """Return the backends that are declared rightly."""
    backends: dict[str, Declared] = {}
    for name in named("backends", data, LABEL, findings):
        declared = _backend(name, data[name], registry, findings)
        if declared is not None:
            backends[name] = declared
    return backends


def backend_kinds(registry: Registry) -> list[str]:
    """Return the kinds that may stand under `backends:`."""
    return sorted(registry.backend_names - {MCP})


def _backend(name: str, data: object, registry: Registry, findings: Findings) -> Declared | None:
    spot = Spot(findings, ("backends", name))
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str):
        _tell_no_kind(name, data, registry, findings)
        return None
    if kind == MCP:
        spot.below("kind").add("an MCP server is no backend of tasks", f"move {name!r} to `mcp_servers:`, without kind")
        return None
    found = _backend_class(kind, registry, spot.below("kind"))
    if found is None:
        return None
    spec = backend_reader(found).read(data, spot.path, findings)
    return None if spec is WRONG else Declared(replace(spec, name=name), found, spot)


_ANY_BACKEND = Reader(Form("backend", BACKEND, rest=Anything()))


def _tell_no_kind(name: str, data: object, registry: Registry, findings: Findings) -> None:
    """Say what kinds there are, and what is wrong with the keys that every backend has."""
    expected = f"expected {either(backend_kinds(registry))}"
    if not isinstance(data, dict):
        findings.add(f"the backend {name!r} is no map", ("backends", name), f"write its `kind`: {expected}")
    elif "kind" not in data:
        findings.add(f"the backend {name!r} has no 'kind'", ("backends", name), expected)
        _ANY_BACKEND.read({**data, "kind": ""}, ("backends", name), findings)
    else:
        message = f"the kind of the backend {name!r} is {shown(data['kind'])}"
        findings.add(message, ("backends", name, "kind"), expected)
        _ANY_BACKEND.read({**data, "kind": ""}, ("backends", name), findings)


def _backend_class(kind: str, registry: Registry, spot: Spot) -> type[Backend] | None:
    try:
        found = registry.backend(kind)
    except OrchestratorError as error:
        spot.add(f"the backend kind {kind!r}: {error}", code=Code.UNKNOWN_NAME)
        return None
    if found is None:
        names = backend_kinds(registry)
        message = f"backend kind {kind!r} is not installed (installed: {', '.join(names) or 'none'})"
        spot.add(message, spot.findings.suggest(kind, names), code=Code.UNKNOWN_NAME)
    return found


@cache
def backend_form(kind: type[Backend]) -> Form:
    """Return the keys of a backend of this kind: its own, and those that all backends have."""
    own = form_of(kind.settings)
    return Form("backend", {**own.keys, **BACKEND}, build=lambda given: _spec(own, given))


@cache
def backend_reader(kind: type[Backend]) -> Reader:
    return Reader(backend_form(kind))


def _spec(own: Form, given: dict[str, Any]) -> BackendSpec:
    build = own.build or dict
    settings = build({key: value for key, value in given.items() if key in own.keys})
    common = {key: value for key, value in given.items() if key in BACKEND}
    limits = common.pop("rate_limit", ())
    if limits:
        common["rate_limits"] = limits if isinstance(limits, tuple) else (limits,)
    return BackendSpec(name="", settings=settings, **common)


def texts_of(declared: Declared, data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the templates of a backend or server that are rendered when the run begins, each with its place."""
    own: frozenset[str] = getattr(declared.kind, "unrendered", frozenset())
    return texts({key: value for key, value in data.items() if key not in own}, declared.spot.path)


def check_namesakes(backends: Iterable[str], servers: Iterable[str], findings: Findings) -> None:
    """Check that no name means two things."""
    for name in sorted(set(backends) & set(servers)):
        message = f"{name!r} is the name of a backend, too"
        path = ("mcp_servers", name)
        findings.add_at_key(message, path, "give one of them another name", code=Code.DUPLICATE_KEY)


def check_health(backends: Iterable[Declared]) -> None:
    """Warn of backends that are to be asked how they are, and have no way to tell."""
    for declared in backends:
        if declared.spec.health_check is not None and not hasattr(declared.kind, "check"):
            message = f"a backend of kind {declared.spec.kind} cannot tell how it is, so nothing is checked"
            declared.spot.findings.warn(message, (*declared.spot.path, "health_check"), "leave it out")


# ── MCP servers ─────────────────────────────────────────────────────────────────────────────────


def read_servers(
    data: Mapping[str, Any], registry: Registry, findings: Findings, *, folder: str | None
) -> dict[str, Declared]:
    """Return the MCP servers that are declared rightly; those that do not say where they run do so in the folder."""
    found = _backend_class(MCP, registry, Spot(findings, ("mcp_servers",))) if data else None
    servers: dict[str, Declared] = {}
    for name in named("mcp_servers", data, WORD, findings):
        declared = _server(name, data[name], found, findings, folder) if found else None
        if declared is not None:
            servers[name] = declared
    return servers


def _server(name: str, data: object, kind: type[Backend], findings: Findings, folder: str | None) -> Declared | None:
    spot = Spot(findings, ("mcp_servers", name))
    if name in BUILT_IN_TOOLS:
        findings.add_at_key(f"{name!r} is a built-in tool, so no server can have the name", spot.path, "rename it")
    spec = server_reader(kind).read(data, spot.path, findings)
    if spec is WRONG:
        return None
    settings = _in_folder(spec.settings, findings.folder, folder)
    return Declared(replace(spec, name=name, settings=settings), kind, spot)


def _in_folder(settings: Any, beside: str, folder: str | None) -> Any:  # noqa: ANN401 - the settings of the backend
    """Return the settings of a server with the folder in which it runs; what is written is relative to the file."""
    written = getattr(settings, "cwd", folder)
    if written is None:
        return replace(settings, cwd=folder) if folder and getattr(settings, "command", None) else settings
    return (
        settings
        if has_template(written) or not hasattr(settings, "cwd")
        else replace(settings, cwd=absolute(written, beside))
    )


@cache
def server_form(kind: type[Backend]) -> Form:
    """Return the keys of an MCP server."""
    own = form_of(kind.settings)
    common = {name: key for name, key in BACKEND.items() if name not in NOT_OF_SERVERS}
    return Form("server", {**own.keys, **common}, build=lambda given: _spec(own, {**given, "kind": MCP}))


@cache
def server_reader(kind: type[Backend]) -> Reader:
    return Reader(server_form(kind))
