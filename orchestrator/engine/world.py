"""The fixed parts of a run, made once before it starts: backends, groups, budgets and slots, of sub-flows too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.core.events import BackendInfo, BudgetInfo, GroupInfo
from orchestrator.core.flow import DEFAULT_GROUP, FLOW_KIND, GATE_KIND, BudgetPolicy, Flow, Group, Task
from orchestrator.engine.desk import Desk
from orchestrator.engine.gates import BudgetGate, Slots
from orchestrator.engine.node import GroupDesk, Level, Node, Pause, Pauses, Shares
from orchestrator.resilience.budget import Budget


class Place(NamedTuple):
    """A flow file under a static path: ``, `outer/`, `outer/inner/`. `above` is the place of the flow that calls it."""

    path: str
    flow: Flow
    above: Place | None = None
    group: str = DEFAULT_GROUP


def places(flow: Flow) -> Iterator[Place]:
    """Yield every place of a flow, the outer ones first."""
    waiting = [Place("", flow)]
    while waiting:
        place = waiting.pop(0)
        yield place
        for task, inner in place.flow.flows.items():
            group = group_name(place, place.flow.tasks[task].group)
            waiting.append(Place(f"{place.path}{task}/", inner, place, group))


def group_name(place: Place, name: str) -> str:
    """Return the name that a group of a file has in the run; a sub-flow's default group is that of its task."""
    if place.above is None:
        return name
    return place.group if name == DEFAULT_GROUP else f"{place.path}{name}"


@dataclass(slots=True)
class World:
    """What all tasks of a run share, found by the names that it has in the run."""

    run_slots: Slots
    pauses: Pauses
    pause: Pause
    desks: dict[str, Desk] = field(default_factory=dict)
    groups: dict[str, GroupDesk] = field(default_factory=dict)
    budgets: dict[str, BudgetGate] = field(default_factory=dict)
    fan_outs: dict[str, Slots] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    flow_desks: dict[str, dict[str, Desk]] = field(default_factory=dict)
    policies: dict[str, BudgetPolicy] = field(default_factory=dict)
    _plain_shares: dict[tuple[str, str], Shares] = field(default_factory=dict)

    def infos(self) -> tuple[tuple[GroupInfo, ...], tuple[BackendInfo, ...], tuple[BudgetInfo, ...]]:
        groups = tuple(
            GroupInfo(desk.name, desk.group.max_concurrency, desk.group.on_failure, desk.group.description)
            for desk in self.groups.values()
        )
        budgets = tuple(
            BudgetInfo(name, policy.tokens, policy.cost_usd, policy.time, policy.on_exceeded)
            for name, policy in self.policies.items()
        )
        return groups, tuple(desk.info for desk in self.desks.values()), budgets

    def shares_of(self, place: Place, task: Task) -> Shares:
        """Return what the task shares with others; thousands that are alike share one value."""
        is_plain = task.fan_out is None and task.budget is None and task.kind not in (FLOW_KIND, GATE_KIND)
        if not is_plain:
            return self._shares(place, task)
        key = (place.path, task.group)
        shares = self._plain_shares.get(key)
        if shares is None:
            shares = self._plain_shares[key] = self._shares(place, task)
        return shares

    def _shares(self, place: Place, task: Task) -> Shares:
        group = self.groups[group_name(place, task.group)]
        slots = self._slots_of(place, task, group)
        return Shares(group, slots, self.budgets_of(place, task, group), (self.pause, group.pause))

    def _slots_of(self, place: Place, task: Task, group: GroupDesk) -> tuple[Slots, ...]:
        """Return what an attempt takes; a sub-flow only counts as one of its fan-out, and a gate as nothing."""
        if task.kind == GATE_KIND:
            return ()
        fan_out = self.fan_outs.get(place.path + task.id)
        own = (fan_out,) if fan_out is not None else ()
        return own if task.kind == FLOW_KIND else (*own, group.slots, self.run_slots)

    def budgets_of(self, place: Place, task: Task, group: GroupDesk) -> tuple[BudgetGate, ...]:
        """Return the budgets that the task spends from: its own, those of its sub-flows, its group's, the run's."""
        names = [f"task:{place.path}{task.id}"]
        above: Place | None = place
        while above is not None and above.above is not None:
            outer = above.path.rstrip("/")
            names += [f"flow:{outer}", f"task:{outer}"]
            above = above.above
        names += [f"group:{group.name}", "run"]
        return tuple(self.budgets[name] for name in names if name in self.budgets)


def build(flow: Flow, now: Callable[[], float], make_desk: Callable[[str, Place, str], Desk]) -> World:
    """Make all that is fixed. `make_desk` makes a backend's desk, given its name in the run, place and own name."""
    pauses = Pauses()
    world = World(Slots("run", flow.max_concurrency), pauses, Pause(pauses))
    for place in places(flow):
        world.places[place.path] = place
        _add_budgets(world, place, now)
        _add_groups(world, place)
        _add_desks(world, place, make_desk)
        for task in place.flow.tasks.values():
            limit = task.fan_out.max_concurrency if task.fan_out is not None else None
            if task.fan_out is not None:
                world.fan_outs[place.path + task.id] = Slots(f"task:{place.path}{task.id}", limit)
    _share_credentials(world.desks.values())
    return world


def _share_credentials(desks: Collection[Desk]) -> None:
    """Let backends of one kind that have the same key know each other."""
    for desk in desks:
        if desk.spec.api_key is not None:
            desk.sharers = tuple(other for other in desks if other is not desk and _have_one_key(desk, other))


def _have_one_key(one: Desk, other: Desk) -> bool:
    return one.spec.kind == other.spec.kind and one.spec.api_key == other.spec.api_key


def _add_budgets(world: World, place: Place, now: Callable[[], float]) -> None:
    own = "run" if place.above is None else f"flow:{place.path.rstrip('/')}"
    policies = {own: place.flow.budget}
    policies.update({f"group:{group_name(place, name)}": group.budget for name, group in place.flow.groups.items()})
    policies.update({f"task:{place.path}{task.id}": task.budget for task in place.flow.tasks.values() if task.budget})
    for name, policy in policies.items():
        if policy is not None and name not in world.budgets:
            world.policies[name] = policy
            world.budgets[name] = BudgetGate(Budget(name, policy, now), policy.on_exceeded)


def _add_groups(world: World, place: Place) -> None:
    used = dict.fromkeys(task.group for task in place.flow.tasks.values())
    for name in used:
        full = group_name(place, name)
        if full not in world.groups:
            group = place.flow.groups.get(name) or Group(name)
            world.groups[full] = GroupDesk(full, group, world.pauses)


def _add_desks(world: World, place: Place, make_desk: Callable[[str, Place, str], Desk]) -> None:
    """A sub-flow's backend is its own unless the flow that calls it declares one of that name."""
    above = world.flow_desks[place.above.path] if place.above is not None else {}
    desks = dict(above)
    for name in place.flow.backends:
        if name not in above:
            full = f"{place.path}{name}"
            desks[name] = world.desks[full] = make_desk(full, place, name)
    world.flow_desks[place.path] = desks


def level_of(
    place: Place,
    world: World,
    *,
    inputs: Mapping[str, object],
    environment: Mapping[str, str],
    secrets: Mapping[str, str],
    prefix: str = "",
    outer: Node | None = None,
) -> Level:
    """Make a level for the place; `prefix` begins the ids of its tasks."""
    level = Level(place.flow, inputs, environment, secrets, prefix=prefix, path=place.path, outer=outer)
    level.desks = world.flow_desks[place.path]
    return level
