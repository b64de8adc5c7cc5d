"""Roles of agents: what files say of them, in which order that counts, and how an agent comes by what its role says.

What a task says itself goes first, then the flow's role, the configuration's (the nearer file first), the ready one:
key by key. So a flow can give a ready role a backend, and a task can give it another prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from orchestrator.core.errors import Code, OrchestratorError
from orchestrator.core.fact import fact
from orchestrator.core.flow import DEEPEST_TEAM
from orchestrator.core.ports import Kind
from orchestrator.flows.declared import WORD, named
from orchestrator.flows.findings import Findings, Spot
from orchestrator.flows.grammar import Form, Key, either, has_template
from orchestrator.flows.kinds import ROLE_KEY, Chosen
from orchestrator.flows.reading import WRONG, Reader
from orchestrator.flows.ready_roles import READY_ROLES
from orchestrator.flows.registry import Registry
from orchestrator.flows.schema import ROLE
from orchestrator.flows.serving import Serving
from orchestrator.flows.settings import form_of, key_of
from orchestrator.flows.tasks import Draft
from orchestrator.flows.toolbox import START_SUBAGENT, Toolbox

TEAM_KEY: Final = "subagents"
TEAM_FIELD: Final = "team"


@fact
class Role:
    """What one file says of a role: its keys, and where it stands; a ready one stands nowhere."""

    given: Mapping[str, Any]
    spot: Spot | None = None


READY: Final[Mapping[str, Role]] = {name: Role(given) for name, given in READY_ROLES.items()}


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


def read_roles(data: Mapping[str, Any], registry: Registry, findings: Findings) -> dict[str, Role]:
    """Return the roles that are declared rightly."""
    reader = _reader(agent_kind(registry) if data else None)
    roles: dict[str, Role] = {}
    for name in named("roles", data, WORD, findings):
        given = reader.read({} if data[name] is None else data[name], ("roles", name), findings)
        if given is not WRONG:
            roles[name] = Role(given, Spot(findings, ("roles", name)))
    return roles


def agent_kind(registry: Registry) -> type[Kind] | None:
    """Return the kind whose tasks have roles, None where it is not installed."""
    with suppress(OrchestratorError):
        return registry.kind("agent")
    return None


@cache
def role_form(agent: type[Kind] | None) -> Form:
    """Return the keys of a role, each read as the agent reads its own."""
    own = form_of(agent.settings).keys if agent else {}
    keys = {name: Key(own[name].node if name in own else key.node, key.description) for name, key in ROLE.items()}
    return Form("role", keys)


@cache
def _reader(agent: type[Kind] | None) -> Reader:
    return Reader(role_form(agent))


# ── what counts ─────────────────────────────────────────────────────────────────────────────────


@fact
class Part:
    """What an agent is given, key by key, and where each of it stands."""

    given: Mapping[str, Any]
    spots: Mapping[str, Spot]

    def spot(self, key: str) -> Spot | None:
        return self.spots.get(key)


class Roles:
    """All roles that a flow may name, the nearest first. `broken` are those that could not be read."""

    def __init__(self, layers: Sequence[Mapping[str, Role]], broken: frozenset[str] = frozenset()) -> None:
        self._layers = (*layers, READY)
        self.broken = broken
        self.names = broken.union(*self._layers)

    def part(self, name: str, own: Mapping[str, Any], spot: Spot) -> Part:
        """Return what an agent is given that says this itself, at the place, and plays the role."""
        given = dict(own)
        spots = {key: spot.below(key) for key in own}
        for layer in self._layers:
            role = layer.get(name)
            for key, value in _fitting(role.given, given) if role else ():
                if key not in given:
                    given[key] = value
                    spots |= {key: role.spot.below(key)} if role and role.spot else {}
        return Part(given, spots)


def _fitting(said: Mapping[str, Any], nearer: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """Return what a role says, without a model that is meant for another backend than the one that was chosen."""
    is_meant = nearer.get("backend", said.get("backend")) == said.get("backend", nearer.get("backend"))
    return [(key, value) for key, value in said.items() if key != "model" or is_meant]


# ── casting ─────────────────────────────────────────────────────────────────────────────────────


class Casting:
    """Gives each agent what its role says, and checks what it names: roles, tools, backends of its team."""

    def __init__(self, roles: Roles, toolbox: Toolbox, serving: Serving, findings: Findings) -> None:
        self._roles = roles
        self._toolbox = toolbox
        self._serving = serving
        self._findings = findings
        self._checked: set[Spot] = set()
        self._circles: set[frozenset[str]] = set()

    def check_roles(self, roles: Mapping[str, Role]) -> None:
        """Check what the roles of a file name, whether a task plays them or not."""
        for role in roles.values():
            if role.spot is not None:
                self._check_tools(Part(role.given, {key: role.spot.below(key) for key in role.given}))
                self._check_backend("agent", role.given.get("backend"), role.spot.below("backend"))
                for number, name in enumerate(role.given.get(TEAM_KEY, ())):
                    self._is_known(name, role.spot.below(TEAM_KEY, number))

    def cast(self, draft: Draft) -> None:
        """Make the settings of a task of which a role can say something."""
        chosen, sort = draft.chosen, draft.sort
        if chosen is None or sort is None or sort.kind is None or ROLE_KEY not in sort.keys:
            return
        spot = Spot(self._findings, (*draft.path, draft.kind))
        part = self._part(chosen, spot)
        settings = self._settings(sort.kind, part, spot) if part else None
        draft.whole = settings is not None
        draft.chosen = _with_backend(replace(chosen, settings=settings), part) if part and draft.whole else None

    def _part(self, chosen: Chosen, spot: Spot) -> Part | None:
        """Return all that the task is given; None where nobody knows what its role says."""
        own = dict(chosen.given) | ({"backend": chosen.backend} if chosen.backend else {})
        part, role = Part(own, {key: spot.below(key) for key in own}), own.get(ROLE_KEY)
        if role is not None and not self._is_known(role, spot.below(ROLE_KEY)):
            self._check_tools(part)
            return None
        if role is not None:
            part = self._roles.part(role, own, spot)
        self._check_tools(part)
        return part if role not in self._roles.broken else None

    def _is_known(self, role: str, spot: Spot) -> bool:
        if role in self._roles.names:
            return True
        if has_template(role):
            spot.add("the role of an agent is fixed: a template cannot name it", "write the name itself")
            return False
        meant = spot.findings.suggest(role, self._roles.names)
        hint = f"expected {either(sorted(self._roles.names))}" + (f"; {meant}" if meant else "")
        spot.add(f"there is no role {role!r}", hint, code=Code.UNKNOWN_NAME)
        return False

    def _settings(self, kind: type[Kind], part: Part, spot: Spot) -> Any:  # noqa: ANN401 - of the kind
        """Return the settings of a kind, None with a finding where the parts do not go together."""
        known = {key_of(field) for field in fields(kind.settings)}
        given = {key: value for key, value in part.given.items() if key in known and key != "backend"}
        self._check_idle_tool(part, given.get(TEAM_KEY), spot)
        if TEAM_FIELD in known and given.get(TEAM_KEY):
            team: dict[str, Any] = {}
            self._gather(kind, given[TEAM_KEY], part.spot(TEAM_KEY) or spot, team, ())
            given[TEAM_FIELD] = MappingProxyType(team)
        return self._built(kind, given, spot)

    def _check_idle_tool(self, part: Part, team: object, spot: Spot) -> None:
        """Check that who may start others has some to start."""
        if START_SUBAGENT in part.given.get("tools", ()) and not team:
            (part.spot("tools") or spot).add(
                f"{START_SUBAGENT} has nobody to start", "name their roles: `subagents: [ROLE]`"
            )

    def _built(self, kind: type[Kind], given: dict[str, Any], spot: Spot) -> Any:  # noqa: ANN401 - of the kind
        build = form_of(kind.settings).build or dict
        try:
            return build(given)
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            spot.add(f"{spot.path[-1]!r}: {message}", hint or None)
            return None

    def _gather(
        self, kind: type[Kind], names: Sequence[str], spot: Spot, team: dict[str, Any], above: tuple[str, ...]
    ) -> None:
        """Add the settings of the agents that an agent may start, and of those whom they may start, by role."""
        for number, name in enumerate(names):
            at = spot.below(number)
            if name in above:
                self._tell_circle((*above[above.index(name) :], name), at)
            elif len(above) == DEEPEST_TEAM:
                message = f"agents start each other more than {DEEPEST_TEAM} deep: {' → '.join((*above, name))}"
                at.add(message, "let one of them start more of the others itself")
            elif name not in team and self._is_known(name, at):
                part = self._roles.part(name, {}, at)
                own = part.given.get(TEAM_KEY, ())
                self._check_tools(part)
                self._check_idle_tool(part, own, at)
                self._check_backend("subagent", part.given.get("backend"), part.spot("backend") or at)
                team[name] = self._member(kind, name, part, at)
                self._gather(kind, own, part.spot(TEAM_KEY) or at, team, (*above, name))

    def _tell_circle(self, names: tuple[str, ...], spot: Spot) -> None:
        """Say once that agents of these roles could start each other without end."""
        if frozenset(names) not in self._circles:
            self._circles.add(frozenset(names))
            circle = " → ".join(names)
            hint = "end it: no role may start, by others or itself, the one that started it"
            spot.add(f"these roles start each other without end: {circle}", hint, code=Code.CYCLE)

    def _member(self, kind: type[Kind], name: str, part: Part, spot: Spot) -> Any:  # noqa: ANN401 - of the kind
        """Return the settings of one who gets the prompt only when it is started."""
        known = {key_of(field) for field in fields(kind.settings)}
        given = {"prompt": "", ROLE_KEY: name, **part.given}
        return self._built(kind, {key: value for key, value in given.items() if key in known}, spot)

    # ── names ──

    def _check_tools(self, part: Part) -> None:
        for key, check in (
            ("tools", self._toolbox.check),
            ("allowed_tools", self._toolbox.check_patterns),
            ("confirm", self._toolbox.check_patterns),
        ):
            names, spot = part.given.get(key), part.spot(key)
            if spot is not None and isinstance(names, tuple) and spot not in self._checked:
                self._checked.add(spot)
                check(names, spot)

    def _check_backend(self, kind: str, name: str | None, spot: Spot) -> None:
        if name is not None:
            self._serving.check_named(kind, name, spot)


def _with_backend(chosen: Chosen, part: Part) -> Chosen:
    """Return the task's own choice, or what its role says of the backend, with the place where that stands."""
    backend = part.given.get("backend")
    if chosen.backend or backend is None:
        return chosen
    return replace(chosen, backend=backend, backend_at=part.spot("backend"))
