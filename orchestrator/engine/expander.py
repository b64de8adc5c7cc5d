"""Makes tasks while the run goes on: instances of fan-outs, tasks of sub-flows; and settles what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.core.dependencies import Settled
from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure, FlowError, InputError
from orchestrator.core.events import RunFinished, TaskCancelled, TaskExpanded, TaskReset, TaskSkipped
from orchestrator.core.flow import FLOW_KIND, GATE_KIND, FlowCall, ForEach, Matrix, Need, Task
from orchestrator.core.output import COMMON_FIELDS, Cut, Output
from orchestrator.core.states import Outcome, State
from orchestrator.engine.admission import Grant
from orchestrator.engine.expansion import Instance, each_combination, each_item, without_secrets
from orchestrator.engine.node import Level, Node
from orchestrator.engine.world import Place, level_of
from orchestrator.templates import CutError, references_of

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler

EXPANDED = "#expanded"
"""Ends the name under which others depend on a fan-out having expanded; no id of a task has such a character."""


def public(text: str) -> str:
    """Return the text with tasks as others know them."""
    return text.replace(EXPANDED, "")


def public_needs(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    """Return the needs as others know them: by the ids of tasks."""
    for need in needs:
        if need.task.endswith(EXPANDED):
            return tuple(Need(public(need.task), need.condition) for need in needs)
    return needs


class Expander:
    """Adds levels and instances to a scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._unrendered: dict[str, str] = {}

    # ── levels ──

    def add_level(self, level: Level) -> None:
        """Add every task of the flow file to the run, then look which of them can start.

        Raises InputError if the run would have too many tasks.
        """
        place = self._scheduler.world.places[level.path]
        tasks = level.flow.tasks.values()
        self.check_size([level.prefix + task for task in level.flow.tasks])
        for task in tasks:
            level.nodes[task.id] = self._added(task, level, place)
        for task in tasks:
            self._scheduler.look_at(level.nodes[task.id])

    def _added(self, task: Task, level: Level, place: Place) -> Node:
        """Return the node of a task: a new one, or the one of an earlier expansion, reset."""
        known = self._scheduler.nodes.get(level.prefix + task.id)
        if known is not None:
            known.level, known.left_over = level, False
            self.reset(known, "expanded again")
            return known
        node = self._node(task, level, place)
        self._scheduler.add(node, self._needs(task, level))
        return node

    def _needs(self, task: Task, level: Level) -> tuple[Need, ...]:
        """Return the needs by the ids of the run; `each` needs its partner expanded, not settled."""
        each = task.fan_out.each if isinstance(task.fan_out, ForEach) else None
        if each is None and not level.prefix:
            return task.needs
        needs = [Need(level.prefix + need.task, need.condition) for need in task.needs if need.task != each]
        if each is not None:
            needs.append(Need(level.prefix + each + EXPANDED))
        return tuple(needs)

    def _node(
        self, task: Task, level: Level, place: Place, of: Node | None = None, instance: Instance | None = None
    ) -> Node:
        return Node(
            task,
            level,
            self._scheduler.world.shares_of(place, task),
            None if task.kind in (FLOW_KIND, GATE_KIND) else self._hub.parts.kinds(task.kind),
            self._hub.now,
            node_id=f"{of.id}[{instance.label}]" if of is not None and instance is not None else level.prefix + task.id,
            of=of,
            bindings=instance.bindings if instance is not None else None,
            label=instance.label if instance is not None else None,
            whole=task.fan_out is not None and of is None,
        )

    def check_size(self, ids: list[str]) -> None:
        """Raise InputError if the run would have too many tasks with these; known ones are no more."""
        limit, known = self._hub.options.max_tasks, self._scheduler.nodes
        if len(known) + len(ids) > limit and len(known.keys() | ids) > limit:
            raise InputError(
                f"{len(ids):,} more make more than {limit:,} tasks",
                code=Code.EXPANSION,
                hint="raise ORCHESTRATOR_MAX_TASKS",
            )

    # ── fan-outs ──

    def expand_whole(self, node: Node) -> None:
        """Make the instances of a fan-out. Raises AttemptError for what is no list, or too long."""
        instances = without_secrets(self._instances(node), self._hub.redactor.text)
        ids = tuple(f"{node.id}[{instance.label}]" for instance in instances)
        self.check_size(list(ids))
        if not instances:
            node.instances = []
            self._scheduler.succeed(node, None)
            return
        self._hub.emit(TaskExpanded(node.id, ids))
        node.instances = [self._instance(node, instance) for instance in instances]
        node.open = len(instances)
        for instance_node in node.instances:
            self._scheduler.look_at(instance_node)
        self._tell_expanded(node, State.SUCCEEDED)

    def _instance(self, whole: Node, instance: Instance) -> Node:
        """Return the node of an instance: a new one, or the one of an earlier expansion, reset."""
        known = self._scheduler.nodes.get(f"{whole.id}[{instance.label}]")
        if known is not None:
            known.bindings, known.level, known.left_over = instance.bindings, whole.level, False
            self.reset(known, f"{whole.id} expanded again")
            return known
        place = self._scheduler.world.places[whole.level.path]
        node = self._node(whole.task, whole.level, place, whole, instance)
        each = whole.task.fan_out.each if isinstance(whole.task.fan_out, ForEach) else None
        needs = (Need(f"{whole.level.prefix}{each}[{instance.label}]"),) if each is not None else ()
        self._scheduler.add(node, needs)
        return node

    def _instances(self, node: Node) -> list[Instance]:
        fan_out = node.task.fan_out
        scope = self._scheduler.renderer.scope(node)
        render = self._scheduler.renderer.data
        if isinstance(fan_out, Matrix):
            axes = {name: render(values, scope) for name, values in fan_out.axes.items()}
            return each_combination(fan_out, axes)
        assert fan_out is not None, "only a fan-out expands"
        if fan_out.each is not None:
            return self._pairs(node, fan_out.each)
        return each_item(fan_out, render(fan_out.items, scope), self._labeller(node, fan_out))

    def _labeller(self, node: Node, spec: ForEach) -> Any:  # noqa: ANN401 - a function or None
        if spec.label is None:
            return None
        template = spec.label

        def label(bindings: Mapping[str, object]) -> object:
            node.bindings = bindings
            try:
                return self._scheduler.renderer.text(template, node)
            finally:
                node.bindings = {}

        return label

    @staticmethod
    def _pairs(node: Node, each: str) -> list[Instance]:
        """Pair each instance with its partner: the partner's name stands for the partner's own output."""
        partner = node.level.nodes[each]
        return [
            Instance(one.label or str(index), {**one.bindings, each: one})
            for index, one in enumerate(partner.instances)
        ]

    def _tell_expanded(self, node: Node, state: State) -> None:
        """Let those begin who pair with its instances. What becomes of the whole later is none of their business."""
        if self._scheduler.dependencies.is_settled(node.id + EXPANDED):
            return
        settled = Settled(state, node.task.optional, "" if state is State.SUCCEEDED else node.id)
        for verdict in self._scheduler.dependencies.settle(node.id + EXPANDED, settled):
            self._scheduler.then(self._scheduler.on_verdict, verdict)

    # ── sub-flows ──

    def expand_flow(self, node: Node) -> None:
        """Add the tasks of a sub-flow to the run."""
        if self._scheduler.is_final(node):
            return
        try:
            level = self._inner_level(node)
            ids = tuple(level.prefix + task for task in level.flow.tasks)
            self.check_size(list(ids))
        except AttemptError as error:
            self._scheduler.fail(node, self._scheduler.blame(node, error.failure))
            return
        self._scheduler.levels[node.id] = level
        self._hub.emit(TaskExpanded(node.id, ids))
        node.open = len(ids)
        self.add_level(level)
        if not ids:
            self._scheduler.then(self._finish, node)

    def _inner_level(self, node: Node) -> Level:
        place = self._scheduler.world.places[f"{node.level.path}{node.task.id}/"]
        call = node.task.settings
        assert isinstance(call, FlowCall), "a task of kind flow has a call"
        scope = self._scheduler.renderer.scope(node)
        given = self._scheduler.renderer.data(call.inputs, scope)
        try:
            inputs = self._hub.parts.resolve_inputs(place.flow, given)
            own = self._hub.parts.inner_environment(place.flow, inputs)
        except FlowError as error:
            raise InputError(str(error), code=Code.INPUT_VALUE) from error
        return level_of(
            place,
            self._scheduler.world,
            inputs=inputs,
            environment={**node.level.environment, **own},
            secrets=self._hub.parts.inner_secrets(place.flow),
            prefix=f"{node.id}/",
            outer=node,
        )

    def parts(self, node: Node) -> list[Node]:
        """Return the tasks that a whole or a sub-flow's task stands for."""
        if node.whole:
            return list(node.instances)
        level = self._scheduler.levels.get(node.id)
        return list(level.nodes.values()) if level is not None else []

    # ── what the parts' ends mean for what they are parts of ──

    def settled(self, node: Node, state: State) -> None:
        """Take note of an end: perhaps it was the last of a whole's instances, or of a sub-flow's tasks."""
        if node.whole:
            self._tell_expanded(node, state)
        stands_for = node.parent
        if stands_for is None:
            return
        stands_for.open -= 1
        if stands_for.open == 0 and not self._scheduler.delegation.ended(stands_for):
            self._scheduler.then(self._finish, stands_for)

    def _finish(self, node: Node) -> None:
        if self._scheduler.is_final(node) or node.open:
            return
        parts = self.parts(node)
        failed = [part for part in parts if self._ended(part, State.FAILED) and not part.task.optional]
        cancelled = [part for part in parts if self._ended(part, State.CANCELLED)]
        doomed = [part for part in parts if self._ended(part, State.SKIPPED) and part.doomed_by is not None]
        if failed:
            self._scheduler.fail(node, self._scheduler.blame(node, self._parts_failed(failed, len(parts))))
        elif cancelled:
            by = self._hub.run.tasks[cancelled[0].id].because
            self._scheduler.settle(node, TaskCancelled(node.id, by), State.CANCELLED)
        elif doomed and node.whole:
            self._skip(node, doomed[0])
        else:
            self._succeed(node)

    def _ended(self, node: Node, state: State) -> bool:
        return self._scheduler.state(node) is state

    def _skip(self, node: Node, part: Node) -> None:
        progress = self._hub.run.tasks[part.id]
        root = progress.cause or part.id
        node.doomed_by = part.doomed_by
        self._scheduler.settle(node, TaskSkipped(node.id, progress.because, root), State.SKIPPED, root=root)

    def _succeed(self, node: Node) -> None:
        if node.whole:
            self._scheduler.succeed(node, None)
            return
        level = self._scheduler.levels[node.id]
        self._scheduler.succeed(node, self._outputs(level))

    def finished(self, outcome: Outcome) -> RunFinished:
        """Return the end of the run, with the outputs of the whole flow; of what was cut, where all of it is."""
        found = self._outputs(self._scheduler.levels[""])
        outputs = {name: CutError(value).message if isinstance(value, Cut) else value for name, value in found.items()}
        return RunFinished(outcome, outputs, dict(self._unrendered))

    def _outputs(self, level: Level) -> dict[str, Any]:
        """Return the outputs that a flow file declares, without secrets; null where what they name did not finish."""
        named = {name: self._output(level, name, template) for name, template in level.flow.outputs.items()}
        return {name: self._hub.redactor.data(value) for name, value in named.items()}

    def _output(self, level: Level, name: str, template: object) -> object:
        """Return one output; a Cut where it would hold what was cut."""
        self._unrendered.pop(level.prefix + name, None)
        renderer = self._scheduler.renderer
        if any(self._is_unfinished(level, reference.path) for reference in references_of(template, names=level.names)):
            return None
        try:
            return plain(renderer.data(template, renderer.level_scope(level)))
        except AttemptError as error:
            if isinstance(error.__cause__, CutError):
                return error.__cause__.cut
            self._unrendered[level.prefix + name] = self._hub.redactor.text(error.failure.message)
            return None

    def _is_unfinished(self, level: Level, path: tuple[str | int, ...]) -> bool:
        """Return whether the path names what a task that did not finish would have left; how it ended is there."""
        node = level.nodes.get(str(path[0]))
        if node is None or node.instances or (len(path) > 1 and path[1] in COMMON_FIELDS):
            return False
        state = self._scheduler.state(node)
        return state is not State.SUCCEEDED and not (state is State.FAILED and node.task.optional)

    def _parts_failed(self, failed: list[Node], total: int) -> Failure:
        names = ", ".join(part.label or part.id for part in failed[:5]) + (", …" if len(failed) > 5 else "")
        first = self._hub.run.tasks[failed[0].id].error
        return Failure(
            Code.INSTANCES_FAILED,
            first.error_class if first is not None else ErrorClass.PERMANENT,
            first.kind if first is not None else ErrorKind.WORK,
            f"{len(failed)} of {total} failed: {names}",
        )

    def reset(self, node: Node, why: str) -> None:
        """Make a task that has ended pending again. Its parts are left over, until it takes them up again."""
        self._hub.emit(TaskReset(node.id, why))
        self._scheduler.dependencies.reset([node.id, node.id + EXPANDED])
        self._scheduler.unsettled += 1
        for part in self.parts(node):
            part.left_over = True
        node.clear()
        node.resets += 1

    def reopen(self, node: Node) -> None:
        """Let what was expanded before stand for its parts again, of which some start again."""
        for part in self.parts(node):
            part.left_over = False
        if node.task.kind == FLOW_KIND and not node.whole:
            node.place = Grant(None, None, (), node.slots)
            for slots in node.slots:
                slots.used += 1
        self._hub.emit(TaskExpanded(node.id, tuple(part.id for part in self.parts(node))))
        if node.whole:
            self._tell_expanded(node, State.SUCCEEDED)


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON-able data, or views of outputs
    """Return data in which outputs are replaced by what a bare name stands for."""
    if isinstance(value, Output):
        return plain(value.main)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
