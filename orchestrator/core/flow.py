"""What is declared: a flow, its tasks, groups, backends and policies, as frozen values.

Durations are seconds, sizes are bytes, amounts of money are US dollars. Strings that may hold a template are kept as
they were written; they are rendered when a task is about to run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from orchestrator.core.fact import fact
from orchestrator.core.words import Word

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
"""A shared empty mapping, so that nothing carries one of its own."""

DEFAULT_GROUP: Final = "default"

ALWAYS_SECONDS: Final = 60.0
"""How long `always` tasks may take after their group or the run was cancelled, or the run's deadline has passed."""

DEEPEST_TEAM: Final = 5
"""How many tasks may stand above one that another has started."""


_LABELS: Final = re.compile(r"\[[^]]*\]")


def whole_of(task: str) -> str:
    """Return the id of the whole that an instance is one of, in flows within flows too: `a/b` for `a[x]/b[y]`."""
    return _LABELS.sub("", task)


class Condition(Word):
    """How a dependency must have settled."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    SETTLED = "settled"
    NOT_SUCCEEDED = "not_succeeded"


class OnFailure(Word):
    """What a failed task does to the rest."""

    ISOLATE = "isolate"
    CANCEL_GROUP = "cancel_group"
    CANCEL_RUN = "cancel_run"


class OnExceeded(Word):
    """What happens when settled spend and one more reservation pass a budget's limit."""

    HOLD = "hold"
    FAIL = "fail"
    WARN = "warn"


class WhenOpen(Word):
    """What becomes of tasks that meet an open breaker."""

    PARK = "park"
    FAIL = "fail"


class Algorithm(Word):
    """How a rate limit counts."""

    TOKEN_BUCKET = "token_bucket"  # noqa: S105 - the algorithm's name, not a secret
    SLIDING_WINDOW = "sliding_window"
    FIXED_WINDOW = "fixed_window"


class OnTimeout(Word):
    """How an approval that nobody answered in time ends."""

    DENY = "deny"
    APPROVE = "approve"


# ── policies ────────────────────────────────────────────────────────────────────────────────────


@fact
class RetryPolicy:
    """How often a failed attempt, or an agent's call, is repeated, and after what delay.

    `retry_on` holds `transient`, `timeout`, `work`, `exit:N`, `http:N` or error codes. `jitter` is the share of the
    delay that chance may take away or add: 0.5 draws from half to one and a half of it.
    """

    max_attempts: int = 1
    initial_delay: float = 1.0
    max_delay: float = 60.0
    multiplier: float = 2.0
    jitter: float = 0.5
    max_elapsed: float | None = None
    retry_on: tuple[str, ...] = ("transient", "timeout", "work")


ONE_ATTEMPT: Final = RetryPolicy()
REPEATABLE: Final = RetryPolicy(max_attempts=4, retry_on=("transient", "timeout"))
"""The default of kinds whose attempts may be repeated."""


@fact
class BreakerPolicy:
    """When a backend's breaker opens, probes and closes, and what becomes of the tasks meanwhile."""

    failure_threshold: int = 5
    reset_timeout: float = 30.0
    half_open_calls: int = 3
    success_threshold: int = 2
    when_open: WhenOpen = WhenOpen.PARK
    give_up: int = 3


@fact
class RateLimit:
    """So many requests, tokens or both in `per` seconds; `burst` is in requests."""

    per: float
    requests: int | None = None
    tokens: int | None = None
    burst: int | None = None
    algorithm: Algorithm = Algorithm.TOKEN_BUCKET


@fact
class BudgetPolicy:
    """What a run, a group or a task may spend: tokens, dollars and seconds of run time."""

    tokens: int | None = None
    cost_usd: float | None = None
    time: float | None = None
    on_exceeded: OnExceeded = OnExceeded.HOLD


@fact
class Price:
    """US dollars for a million tokens; those read from a cache, or stored in one, cost what `input` costs without one.

    What is `cached` or `stored` is part of what goes in.
    """

    input: float
    output: float
    cached: float | None = None
    stored: float | None = None

    def of(self, input_tokens: int, output_tokens: int, *, cached: int = 0, stored: int = 0) -> float:
        """Return the dollars that so many tokens cost."""
        read = self.input if self.cached is None else self.cached
        written = self.input if self.stored is None else self.stored
        fresh = max(input_tokens - cached - stored, 0)
        return (fresh * self.input + cached * read + stored * written + output_tokens * self.output) / 1e6


@fact
class SecretSource:
    """Where a secret comes from: an environment variable, or what a command prints."""

    env: str | None = None
    command: tuple[str, ...] | None = None


@fact
class NetTimeouts:
    """Seconds to connect and to wait for the next bytes; None waits for ever."""

    connect: float | None = 10.0
    read: float | None = None


@fact
class HealthCheck:
    """How often a backend is asked how it is, and above what answer time, in seconds, it counts as degraded."""

    every: float = 30.0
    degraded_above: float | None = None


# ── backends and groups ─────────────────────────────────────────────────────────────────────────


@fact
class BackendSpec:
    """One backend: its kind's own settings, and the policies that hold for every call to it.

    `price` holds for whatever model is asked there; without it `prices` says what single models cost.
    """

    name: str
    kind: str
    settings: object
    rate_limits: tuple[RateLimit, ...] = ()
    breaker: BreakerPolicy = BreakerPolicy()
    max_concurrency: int | None = None
    fallback: tuple[str, ...] = ()
    price: Price | None = None
    prices: Mapping[str, Price] = field(default_factory=lambda: EMPTY)
    max_tokens: int | None = None
    api_key: SecretSource | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    timeouts: NetTimeouts = NetTimeouts()
    health_check: HealthCheck | None = None

    def price_of(self, model: str | None) -> Price | None:
        """Return what is declared that a model costs, or the backend's own where none is named."""
        if self.price is not None or not self.prices:
            return self.price
        return self.prices.get(model or getattr(self.settings, "model", None) or "")


@fact
class Group:
    """An isolated set of tasks."""

    name: str
    max_concurrency: int | None = None
    on_failure: OnFailure = OnFailure.ISOLATE
    budget: BudgetPolicy | None = None
    deadline: float | None = None
    description: str = ""


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────


@fact
class Need:
    """A dependency on another task of the same flow, and how it must settle."""

    task: str
    condition: Condition = Condition.SUCCEEDED


@fact
class ForEach:
    """One instance per item. Exactly one of `items` (a list or a template) and `each` (a fan-out task's id) is set."""

    items: Json = None
    each: str | None = None
    name: str = "item"
    label: str | None = None
    max_concurrency: int | None = None


@fact
class Matrix:
    """One instance per combination of the axes' values (each a list or a template)."""

    axes: Mapping[str, Json]
    include: tuple[Mapping[str, Json], ...] = ()
    exclude: tuple[Mapping[str, Json], ...] = ()
    max_concurrency: int | None = None


@fact
class Approval:
    """A question that a person answers before the task starts."""

    message: str
    show: str | None = None
    timeout: float | None = None
    on_timeout: OnTimeout = OnTimeout.DENY
    once: bool = False


@fact
class Until:
    """Repeats a task that succeeded until its own output satisfies the expression."""

    expression: str
    every: float = 1.0
    max_rounds: int = 60


@fact
class FlowCall:
    """The settings of a task that expands another flow file; `file` is absolute once loaded."""

    file: str
    inputs: Mapping[str, Json] = field(default_factory=lambda: EMPTY)


FLOW_KIND: Final = "flow"
GATE_KIND: Final = "gate"
"""A task of `approve` alone."""

MCP: Final = "mcp"
"""The kind of tasks that call one tool, and the kind of backend that has tools: an MCP server."""


@fact
class Task:
    """One declared task. `settings` is the frozen settings value of its kind, templates not yet rendered.

    `backend` is a name, a template, or None. `retry` is already resolved from the task, `defaults` and the kind.
    `fallback` None means the backend's own. `save` is a template for a path, relative to the flow's folder. An answer
    that is no older than `cache_ttl` seconds may be taken over.
    """

    id: str
    kind: str
    settings: object
    group: str = DEFAULT_GROUP
    needs: tuple[Need, ...] = ()
    description: str = ""
    backend: str | None = None
    when: str | None = None
    fan_out: ForEach | Matrix | None = None
    timeout: float | None = None
    attempt_timeout: float | None = None
    idle_timeout: float | None = None
    deadline: float | None = None
    retry: RetryPolicy = ONE_ATTEMPT
    budget: BudgetPolicy | None = None
    fallback: tuple[str, ...] | None = None
    optional: bool = False
    recover: Json = None
    always: bool = False
    approval: Approval | None = None
    until: Until | None = None
    simulate: Json = None
    save: str | None = None
    cache_ttl: float | None = None


# ── the flow ────────────────────────────────────────────────────────────────────────────────────


class InputType(Word):
    """The type of a flow's input."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    PATH = "path"
    LIST = "list"
    MAP = "map"


@fact
class Input:
    """A value that the caller gives."""

    name: str
    type: InputType = InputType.STRING
    default: Json = None
    required: bool = False
    choices: tuple[Json, ...] = ()
    pattern: str | None = None
    description: str = ""
    secret: bool = False


@fact
class DegradeLevel:
    """How a flow runs while backends are down: with an open or tripped breaker, under a quota hold, or unhealthy.

    It holds while any of the backends in `when` is down, or while `all_of` them are. `models` are used instead of the
    backends' own; with `use_cache` answers that were kept are taken over rather than asked for.
    """

    name: str
    when: tuple[str, ...]
    all_of: bool = False
    skip_optional: bool = False
    models: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    use_cache: bool = False


@fact
class Flow:
    """The declared work, read from one file. `flows` holds the files that tasks of kind `flow` expand, by task id.

    `degrade` holds the levels below the full one, the lowest last. `early` names the inputs that are read before the
    run begins, each with the backends that do.
    """

    name: str
    tasks: Mapping[str, Task]
    file: str = ""
    folder: str = "."
    description: str = ""
    inputs: Mapping[str, Input] = field(default_factory=lambda: EMPTY)
    secrets: Mapping[str, SecretSource] = field(default_factory=lambda: EMPTY)
    env: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    env_file: str | None = None
    max_concurrency: int = 10
    deadline: float | None = None
    budget: BudgetPolicy | None = None
    backends: Mapping[str, BackendSpec] = field(default_factory=lambda: EMPTY)
    groups: Mapping[str, Group] = field(default_factory=lambda: EMPTY)
    outputs: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    flows: Mapping[str, Flow] = field(default_factory=lambda: EMPTY)
    seed: int | None = None
    degrade: tuple[DegradeLevel, ...] = ()
    early: Mapping[str, frozenset[str]] = field(default_factory=lambda: EMPTY)
