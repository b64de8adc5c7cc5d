"""The keys of a flow file: what each may hold and what it means. Messages and the JSON Schema read these too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from orchestrator.core import units
from orchestrator.core.flow import (
    Algorithm,
    Approval,
    BreakerPolicy,
    BudgetPolicy,
    Condition,
    DegradeLevel,
    ForEach,
    HealthCheck,
    InputType,
    Matrix,
    NetTimeouts,
    OnExceeded,
    OnFailure,
    OnTimeout,
    Price,
    RateLimit,
    RetryPolicy,
    SecretSource,
    WhenOpen,
)
from orchestrator.flows.grammar import (
    Anything,
    Choice,
    Flag,
    Form,
    Key,
    Later,
    ListOf,
    MapOf,
    Measure,
    Number,
    OneOf,
    Short,
    Text,
    Whole,
    has_template,
)
from orchestrator.flows.settings import COUNT, DURATION, PATH

TEN_YEARS: Final = 3650 * 86_400.0
MOST: Final = 10**12

# ── single values ───────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1024, typed=True)
def _some_time(written: float | str) -> float:
    value = units.seconds(written)
    if not 0 < value <= TEN_YEARS:
        raise ValueError(f"{written} is no span of time to wait for; write more than 0, and ten years at most")
    return value


@lru_cache(maxsize=1024, typed=True)
def _some(written: float | str) -> int:
    value = units.count(written)
    if value < 1:
        raise ValueError(f"{written} is too little; write 1 or more")
    if value > MOST:
        raise ValueError(f"{written} is too much; write {MOST:,} at most")
    return value


def _dollars(written: float | str) -> float:
    text = written.strip().removeprefix("$") if isinstance(written, str) else repr(written)
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", text):
        raise ValueError(f"{written} is no amount of money; write US dollars, such as 5.00")
    return float(text)


def _reason(written: str) -> str:
    if not re.fullmatch(r"transient|timeout|work|exit:[0-9]{1,3}|http:[1-5][0-9]{2}|ORC-[1-5][0-9]{2}", written):
        raise ValueError(
            f"{written!r} is nothing to retry on; expected transient, timeout, work, exit:N, http:N or an error code"
        )
    return written


def _expression(written: str) -> str:
    if not written.strip():
        raise ValueError("an empty expression; write a condition, such as `build.exit_code == 0`")
    return written


def _list_template(written: str) -> str:
    if not has_template(written):
        raise ValueError("one value is no list; write [a, b], or a template that comes to a list")
    return written


NAME_PATTERN: Final = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
"""What templates can write as a name."""

WORD_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}"
"""The names of roles and MCP servers: without a dot, which parts a server from its tool."""

LABEL_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
"""The names of groups and backends."""

ID_PATTERN: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?"
"""The ids of tasks."""

SECTIONS: Final = frozenset(
    {"inputs", "secrets", "env", "defaults", "backends", "mcp_servers", "roles", "groups", "tasks", "outputs"}
)
"""Keys of the file that may be left empty: `groups:` with nothing below is a common beginning."""


def _name(written: str) -> str:
    if not re.fullmatch(NAME_PATTERN, written):
        raise ValueError(
            f"{written!r} is no name for templates; write letters, digits and _, not beginning with a digit"
        )
    return written


TEXT: Final = Text()
SPAN: Final = Measure(_some_time, DURATION.expected, DURATION.examples)
SOME: Final = Measure(_some, "a count of 1 or more", COUNT.examples)
MONEY: Final = Measure(_dollars, "US dollars such as 5.00", ("5.00",))
EXPRESSION: Final = Text("an expression such as `build.exit_code == 0`", _expression)
UNTIL: Final = Text("an expression such as `json.ready`, with `every` and `max_rounds` beside `until`", _expression)
VARIABLES: Final = MapOf(TEXT, "a map of names and texts")
NAMES: Final = ListOf(Text("a name"), expected="a list of names")

# ── policies ────────────────────────────────────────────────────────────────────────────────────


def _retry(given: dict[str, Any]) -> dict[str, Any]:
    longest = RetryPolicy(**given)
    if "initial_delay" in given and longest.initial_delay > longest.max_delay:
        raise ValueError("initial_delay is longer than max_delay; raise max_delay too")
    return given


RETRY: Final = Form(
    "retry",
    {
        "max_attempts": Key(SOME, "How many attempts at most, the first one included."),
        "initial_delay": Key(DURATION, "The delay before the second attempt. 1s."),
        "max_delay": Key(DURATION, "The longest delay between two attempts. 60s."),
        "multiplier": Key(Number(least=1, most=1000), "How much longer each delay is than the one before. 2."),
        "jitter": Key(Number(least=0, most=1), "The share of a delay that chance takes away or adds. 0.5."),
        "max_elapsed": Key(SPAN, "No attempt begins later than this after the first. No limit."),
        "retry_on": Key(
            ListOf(Text("a reason to retry", _reason), least=1),
            "What is tried again: transient, timeout, work, exit:N, http:N or error codes. [transient, timeout, work].",
        ),
    },
    _retry,
)

BREAKER: Final = Form(
    "breaker",
    {
        "failure_threshold": Key(SOME, "How many failures in a row open the breaker. 5."),
        "reset_timeout": Key(SPAN, "How long it stays open before calls may probe. 30s."),
        "half_open_calls": Key(SOME, "How many probes may run at once. 3."),
        "success_threshold": Key(SOME, "How many probes must succeed to close it. 2."),
        "when_open": Key(
            Choice(tuple(map(str, WhenOpen)), WhenOpen), "park: tasks wait until it closes. fail: they fail. park."
        ),
        "give_up": Key(SOME, "After how many failed probes in a row the parked tasks fail. 3."),
    },
    lambda given: BreakerPolicy(**given),
)


def _rate_limit(given: dict[str, Any]) -> RateLimit:
    limit = RateLimit(**given)
    if limit.requests is None and limit.tokens is None:
        raise ValueError("a rate limit without an amount; write requests, tokens or both")
    if limit.burst is not None and (limit.requests is None or limit.algorithm is not Algorithm.TOKEN_BUCKET):
        raise ValueError("burst without requests of a token_bucket; leave it out, or write both")
    return limit


RATE_LIMIT: Final = Form(
    "rate_limit",
    {
        "requests": Key(SOME, "How many calls may begin in the period."),
        "tokens": Key(SOME, "How many tokens calls may use in the period."),
        "per": Key(SPAN, "The period, such as 1m.", required=True),
        "burst": Key(SOME, "How many calls may begin at once, after a quiet time. As many as requests."),
        "algorithm": Key(
            Choice(tuple(map(str, Algorithm)), Algorithm), "How the limit counts over time. token_bucket."
        ),
    },
    _rate_limit,
)


def _budget(given: dict[str, Any]) -> BudgetPolicy:
    if not given.keys() & {"tokens", "cost_usd", "time"}:
        raise ValueError("a budget without an amount; write tokens, cost_usd or time")
    return BudgetPolicy(**given)


BUDGET: Final = Form(
    "budget",
    {
        "tokens": Key(SOME, "How many tokens may be used, in and out."),
        "cost_usd": Key(MONEY, "How many US dollars may be spent."),
        "time": Key(SPAN, "How long it may take, from the start of the run."),
        "on_exceeded": Key(
            Choice(tuple(map(str, OnExceeded)), OnExceeded),
            "hold: wait for an operator to raise it. fail: the task fails. warn: go on, and say so. hold.",
        ),
    },
    _budget,
)

PRICE: Final = Form(
    "price",
    {
        "input": Key(MONEY, "US dollars for a million tokens in.", required=True),
        "output": Key(MONEY, "US dollars for a million tokens out.", required=True),
        "cached": Key(MONEY, "US dollars for a million tokens that are read from a cache. As input."),
        "stored": Key(MONEY, "US dollars for a million tokens that are stored in a cache. As input."),
    },
    lambda given: Price(**given),
)

TIMEOUTS: Final = Form(
    "timeouts",
    {
        "connect": Key(SPAN, "How long a connection may take. 10s."),
        "read": Key(SPAN, "How long the backend may be silent. No limit."),
    },
    lambda given: NetTimeouts(**given),
)


def _secret(given: dict[str, Any]) -> SecretSource:
    if len(given) != 1:
        raise ValueError("a secret has exactly one source; write env or command")
    if not _VARIABLE.fullmatch(given.get("env", "_")):  # it may be the secret itself, so it is not told
        raise ValueError("env is no name of a variable; write the name, such as API_KEY, and export it")
    return SecretSource(**given)


_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


SECRET: Final = Form(
    "secret",
    {
        "env": Key(TEXT, "The environment variable that holds it."),
        "command": Key(ListOf(TEXT, least=1), "The program, with its arguments, that prints it."),
    },
    _secret,
    expected="a map with env or command",
    holds_secrets=True,
)

HEALTH: Final = Form(
    "health_check",
    {
        "every": Key(SPAN, "How often the backend is asked how it is. 30s."),
        "degraded_above": Key(SPAN, "An answer that takes longer than this makes it degraded. No limit."),
    },
    lambda given: HealthCheck(**given),
)

# ── backends and groups ─────────────────────────────────────────────────────────────────────────

BACKEND: Final[Mapping[str, Key]] = {
    "kind": Key(TEXT, "What the backend is.", required=True),
    "api_key": Key(SECRET, "Where the key for the backend comes from."),
    "rate_limit": Key(
        OneOf({"map": RATE_LIMIT, "list": ListOf(RATE_LIMIT, least=1)}),
        "How often it may be called; a list of limits holds all of them.",
    ),
    "breaker": Key(BREAKER, "When calls to it stop for a while, after failures."),
    "max_concurrency": Key(SOME, "How many calls to it may run at once. No limit."),
    "fallback": Key(NAMES, "The backends that are used instead while this one is open, held or out of budget."),
    "price": Key(PRICE, "What its tokens cost."),
    "max_tokens": Key(SOME, "How many tokens an answer may have, where the task does not say. 4096."),
    "headers": Key(VARIABLES, "Headers for every request to it."),
    "timeouts": Key(TIMEOUTS, "How long to wait for a connection, and for the next bytes."),
    "health_check": Key(Short(HEALTH, "every"), "Asks on a schedule how the backend is; a duration is how often."),
}
"""What every backend takes besides the keys of its kind."""

NOT_OF_SERVERS: Final = frozenset({"kind", "fallback", "price", "max_tokens"})
"""What backends take, and MCP servers do not: what the name of their section says, and what only models have."""

GROUP: Final = Form(
    "group",
    {
        "description": Key(TEXT, "What the group is for."),
        "max_concurrency": Key(SOME, "How many of its tasks may run at once. No limit but the run's."),
        "on_failure": Key(
            Choice(tuple(map(str, OnFailure)), OnFailure),
            "isolate: a failed task stops only what needs it. cancel_group, cancel_run: the rest is cancelled.",
        ),
        "budget": Key(BUDGET, "What its tasks may spend together."),
        "deadline": Key(SPAN, "When its tasks must be done, from the start of the run."),
    },
)

INPUT: Final = Form(
    "input",
    {
        "type": Key(Choice(tuple(map(str, InputType)), InputType), "The type of the value. string."),
        "default": Key(Anything(), "The value when the caller gives none. An empty one."),
        "required": Key(Flag(), "Whether the caller must give it. false."),
        "choices": Key(ListOf(Anything(), least=1), "The values that are allowed."),
        "pattern": Key(TEXT, "A regular expression that the whole text must match."),
        "description": Key(TEXT, "What the input is for."),
        "secret": Key(Flag(), "Whether the value is kept out of all output. false."),
    },
)

# ── agents ──────────────────────────────────────────────────────────────────────────────────────

TOOLS: Final = ListOf(Text("the name of a tool"), expected="a list of tools")
CONFIRM: Final = ("never", "always", "on_write")

ROLE: Final[Mapping[str, Key]] = {
    "description": Key(TEXT, "What the role is good for; agents that may start it are told."),
    "backend": Key(Text("the name of a backend"), "The backend of tasks with this role that name none."),
    "model": Key(TEXT, "The model. The backend's."),
    "system": Key(TEXT, "What the model is told to be."),
    "tools": Key(TOOLS, "The tools: built-in ones, MCP servers, or `server.pattern`."),
    "allowed_tools": Key(TOOLS, "Patterns; of its tools only those that fit one of them may be used."),
    "temperature": Key(Number(least=0), "How freely it answers; 0 is the least. The model's own."),
    "top_p": Key(Number(least=0, most=1), "From how much of the likeliest words it chooses. The model's own."),
    "max_tokens": Key(SOME, "How many tokens one answer may have."),
    "max_turns": Key(SOME, "How many answers it may take to come to an end."),
    "max_tool_calls": Key(SOME, "How many tools it may use."),
    "subagents": Key(
        ListOf(Text("the name of a role"), expected="a list of roles"), "The roles of the agents that it may start."
    ),
    "confirm": Key(
        OneOf({"text": Choice(CONFIRM), "list": TOOLS}),
        "Which uses of tools a person must allow: never, always, on_write, or patterns of tools.",
    ),
    "token_budget": Key(SOME, "How many tokens it may use, in and out."),
    "time_budget": Key(SPAN, "How long it may take."),
    "extra": Key(MapOf(Anything()), "More fields for the body of every request, as the API has them."),
}
"""What a role may say. A key that tasks of kind `agent` have too is read as they read it."""


def _level(given: dict[str, Any]) -> dict[str, Any]:
    if not (given.get("skip_optional") or given.get("models") or given.get("use_cache")):
        raise ValueError("a level that changes nothing; write skip_optional, models or use_cache")
    return given


LEVELS: Final = ("reduced", "minimal")

LEVEL: Final = Form(
    "level",
    {
        "when": Key(ListOf(Text("the name of a backend"), least=1), "The backends that bring it about.", required=True),
        "all_of": Key(Flag(), "Whether all of them must be down. false: one is enough."),
        "skip_optional": Key(Flag(), "Whether optional tasks are skipped. false."),
        "models": Key(MapOf(TEXT, "a map of backends and models"), "Other models, by backend."),
        "use_cache": Key(Flag(), "Whether answers that were kept are taken over rather than asked for. false."),
    },
    _level,
)

DEGRADE: Final = Form(
    "degrade",
    {
        "reduced": Key(LEVEL, "What is done without first."),
        "minimal": Key(LEVEL, "What is done without when even that is too much."),
    },
    lambda given: tuple(DegradeLevel(name, **given[name]) for name in LEVELS if name in given),
)

# ── tasks ───────────────────────────────────────────────────────────────────────────────────────

CONDITION: Final = Choice(tuple(map(str, Condition)), Condition)
ITEMS: Final = OneOf({"list": ListOf(Anything()), "text": Text("a template", _list_template)})


def _for_each(given: dict[str, Any]) -> ForEach:
    if ("items" in given) == ("each" in given):
        raise ValueError("exactly one of items and each is needed; items is a list, each is a task's id")
    if "each" in given and given.keys() & {"as", "label"}:
        raise ValueError("as and label mean nothing with each; they are those of the fan-out that it follows")
    if "as" in given:
        given["name"] = given.pop("as")
    return ForEach(**given)


FOR_EACH: Final = Form(
    "for_each",
    {
        "items": Key(ITEMS, "The list, or a template that comes to one. One instance for each item."),
        "each": Key(Text("the id of a task"), "Another fan-out: instance follows instance."),
        "as": Key(Text("a name", _name, NAME_PATTERN), "What the item is called in templates. item."),
        "label": Key(TEXT, "A template for the name of each instance. The item itself, or its number."),
        "max_concurrency": Key(SOME, "How many instances may run at once."),
    },
    _for_each,
)

_COMBINATIONS: Final = ListOf(MapOf(Anything()), expected="a list of maps")


def _matrix(given: dict[str, Any]) -> Matrix:
    others = {key: given.pop(key) for key in ("include", "exclude", "max_concurrency") if key in given}
    if not given:
        raise ValueError("a matrix without an axis; write at least one, such as `os: [linux, mac]`")
    for name in given:
        _name(name)
    return Matrix(given, **others)


MATRIX: Final = Form(
    "matrix",
    {
        "include": Key(_COMBINATIONS, "Combinations that are added."),
        "exclude": Key(_COMBINATIONS, "Combinations that are left out."),
        "max_concurrency": Key(SOME, "How many instances may run at once."),
    },
    _matrix,
    rest=ITEMS,
)

APPROVAL: Final = Form(
    "approve",
    {
        "message": Key(TEXT, "The question.", required=True),
        "show": Key(TEXT, "What the person sees before answering."),
        "timeout": Key(SPAN, "How long to wait for an answer. For ever."),
        "on_timeout": Key(Choice(tuple(map(str, OnTimeout)), OnTimeout), "What no answer in time means. deny."),
        "once": Key(Flag(), "Whether one answer is for all instances. false."),
    },
    lambda given: Approval(**given),
)


CACHE: Final = Form("cache", {"ttl": Key(SPAN, "How old an answer may be to be taken over.", required=True)})


def _path(written: str) -> str:
    if not written.strip():
        raise ValueError("an empty path; write where to, such as out/{{ label }}.md")
    return written


TASK: Final[Mapping[str, Key]] = {
    "description": Key(TEXT, "What the task is for."),
    "group": Key(Text("the name of a group"), "The group that it belongs to. default."),
    "depends_on": Key(
        OneOf({"list": NAMES, "map": MapOf(CONDITION, "a map of tasks and conditions"), "text": Text("a name")}),
        "The tasks that must have settled before: a list (each must succeed), or a map of task and condition. "
        "`group:NAME` means all tasks of a group.",
    ),
    "when": Key(EXPRESSION, "A condition; if it is false when the dependencies have settled, the task is skipped."),
    "for_each": Key(
        OneOf({"list": ListOf(Anything()), "text": Text("a template", _list_template), "map": FOR_EACH}),
        "One instance of the task for each item of a list.",
    ),
    "matrix": Key(MATRIX, "One instance for each combination of the values of all axes."),
    "timeout": Key(SPAN, "How long all attempts and the delays between them may take."),
    "attempt_timeout": Key(SPAN, "How long one attempt may take."),
    "idle_timeout": Key(SPAN, "How long an attempt may be silent."),
    "deadline": Key(SPAN, "When the task must be done, from the start of the run."),
    "retry": Key(RETRY, "How often a failed attempt is made again, and when."),
    "budget": Key(BUDGET, "What the task may spend."),
    "fallback": Key(NAMES, "The backends to use instead, in place of the backend's own fallback."),
    "optional": Key(Flag(), "Whether the run may go on without it: dependants then get `recover`. false."),
    "recover": Key(Anything(), "What dependants of an optional task get when it failed. null."),
    "always": Key(Flag(), "Whether it also runs after the run was cancelled, for at most 60s. false."),
    "approve": Key(Short(APPROVAL, "message"), "A question that a person answers before the task starts."),
    "until": Key(UNTIL, "A condition on the task's own output; it is repeated until that is true."),
    "every": Key(SPAN, "The delay between two rounds of `until`. 1s."),
    "max_rounds": Key(SOME, "How many rounds of `until` there may be. 60."),
    "simulate": Key(
        Anything(),
        "What the task answers under --simulate: an output; a list of outcomes, one an attempt, such as ok or 503; or "
        "both, as `{script: [outcomes], …}`.",
    ),
    "save": Key(Text("a path", _path), "A template for the path of a file that gets the task's output."),
    "cache": Key(Short(CACHE, "ttl"), "For how long the answer to the same prompt is taken over. llm only."),
    "on_resume": Key(Later(), "What happens to the task when a run is resumed."),
}
"""What every task takes besides the key of its kind."""

BACKEND_OF_TASK: Final = Key(
    Text("the name of a backend"), "The backend; a template, if all its values are known names."
)

FLOW_CALL: Final = Form(
    "flow",
    {
        "file": Key(Text("the path of a flow file"), "The flow file, relative to this one.", required=True),
        "inputs": Key(MapOf(Anything(), "a map of inputs"), "The values for its inputs."),
    },
)

DEFAULTS: Final = Form(
    "defaults",
    {
        **{key: TASK[key] for key in ("group", "timeout", "attempt_timeout", "idle_timeout", "deadline", "fallback")},
        "retry": Key(RETRY, "How tasks whose attempts may be repeated are tried again."),
        "backend": Key(Text("the name of a backend"), "The backend of model tasks that name none."),
        "with": Key(OneOf({"text": TEXT, "list": ListOf(TEXT, least=1)}), "What runs the commands of shell tasks."),
    },
)

# ── the file ────────────────────────────────────────────────────────────────────────────────────

_MAP: Final = MapOf(Anything(), "a map of names")
FLOW: Final = Form(
    "flow",
    {
        "version": Key(Whole(), "The version of the flow format: 1."),
        "name": Key(TEXT, "The name of the flow. The file's."),
        "description": Key(TEXT, "What the flow is for."),
        "inputs": Key(_MAP, "The values that the caller gives, by name: `{{ inputs.name }}`."),
        "secrets": Key(_MAP, "Values that are kept out of all output, by name: `{{ secrets.NAME }}`."),
        "env": Key(VARIABLES, "Environment variables for every shell task."),
        "env_file": Key(PATH, "A file of environment variables, `NAME=value` a line."),
        "defaults": Key(DEFAULTS, "What tasks take that do not say it themselves."),
        "max_concurrency": Key(SOME, "How many tasks may run at once. 10."),
        "deadline": Key(SPAN, "When the run must be done."),
        "budget": Key(BUDGET, "What the run may spend."),
        "backends": Key(_MAP, "What answers calls, by name."),
        "mcp_servers": Key(_MAP, "MCP servers, by name: what has tools."),
        "roles": Key(_MAP, "What agents are told to be and given, by name: `agent: {role: NAME}`."),
        "degrade": Key(DEGRADE, "What is done without while backends are down."),
        "groups": Key(_MAP, "Isolated sets of tasks, by name."),
        "tasks": Key(MapOf(Anything(), "a map of ids and tasks"), "The work, by id.", required=True),
        "outputs": Key(_MAP, "What the run results in: templates, by name."),
        "seed": Key(Whole(), "Where chance begins: equal seeds give equal runs of simulated work."),
    },
)
