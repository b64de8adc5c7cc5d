"""A run told by hand: real events, folded by the real fold, behind a session whose clock stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.core import events as ev
from orchestrator.core.commands import Command
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import BackendInfo, BudgetInfo, Event, Gauge, GroupInfo, Record
from orchestrator.core.flow import Need
from orchestrator.core.ports import Gap
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Outcome, Reason


class FakeSubscription:
    """Hands over what the scene told since the last time."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.records: list[Record] = []
        self.gap = False
        self.closed = False

    def drain(self) -> Sequence[Record] | Gap:
        if self.gap:
            self.gap = False
            return Gap(1)
        found, self.records = self.records, []
        return found

    def close(self) -> None:
        self.closed = True


class Scene:
    """Tells a run, and is its session. `at` is the clock of both."""

    def __init__(self, run: str = "20261120-7f3a2c") -> None:
        self.run = Run(run)
        self.at = 0.0
        self.sent: list[Command] = []
        self.subscriptions: list[FakeSubscription] = []
        self.error: BaseException | None = None

    # ── the session ─────────────────────────────────────────────────────────────────────────────

    def attach(self) -> tuple[Run, FakeSubscription]:
        subscription = FakeSubscription(self.run.seq)
        self.subscriptions.append(subscription)
        return self.run.copy(), subscription

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def now(self) -> float:
        return self.at

    def engine_error(self) -> BaseException | None:
        return self.error

    # ── telling ─────────────────────────────────────────────────────────────────────────────────

    def tell(self, *events: Event, at: float | None = None) -> Scene:
        if at is not None:
            self.at = at
        for event in events:
            record = Record(self.run.id, self.run.seq + 1, self.at, event)
            self.run.apply(record)
            for subscription in self.subscriptions:
                subscription.records.append(record)
        return self

    def task(
        self,
        name: str,
        group: str = "default",
        *,
        kind: str = "llm",
        needs: Sequence[str] = (),
        backend: str | None = "claude/sonnet",
        tries: int = 3,
        of: str | None = None,
        label: str | None = None,
    ) -> Scene:
        return self.tell(
            ev.TaskAdded(
                name,
                kind,
                group,
                needs=tuple(Need(need) for need in needs),
                backend=backend,
                max_attempts=tries,
                of=of,
                label=label,
            )
        )

    def fan(self, whole: str, labels: Sequence[str], group: str, **more: object) -> Scene:
        """Add a whole and expand it; its instances are called `whole[label]`."""
        names = tuple(f"{whole}[{label}]" for label in labels)
        if whole not in self.run.tasks:
            self.tell(ev.TaskAdded(whole, "llm", group, whole=True, max_attempts=None))
        self.tell(ev.TaskExpanded(whole, names))
        for name, label in zip(names, labels, strict=True):
            self.task(name, group, of=whole, label=label, **more)  # type: ignore[arg-type]  # keyword arguments of task()
        return self

    def waits(
        self, name: str, reason: Reason = Reason.SLOT, until: float | None = None, gate: str | None = None
    ) -> Scene:
        return self.tell(ev.TaskWaiting(name, reason, until, gate))

    def starts(self, name: str, *, at: float, attempt: int = 1, waits: bool = True) -> Scene:
        if waits:
            self.tell(ev.TaskWaiting(name, Reason.SLOT), at=at)
        task = self.run.tasks[name]
        return self.tell(ev.AttemptStarted(name, attempt, task.max_attempts, task.backend), at=at)

    def says(self, name: str, text: str, stream: str = "out", at: float | None = None) -> Scene:
        return self.tell(ev.OutputProduced(name, self.run.tasks[name].attempt, stream, text + "\n"), at=at)

    def uses(self, name: str, inputs: int, outputs: int, cost: float | None) -> Scene:
        task = self.run.tasks[name]
        return self.tell(ev.UsageReported(name, task.attempt, task.backend or "", inputs, outputs, cost))

    def succeeds(self, name: str, at: float | None = None) -> Scene:
        attempt = self.run.tasks[name].attempt
        return self.tell(ev.AttemptSucceeded(name, attempt), ev.TaskSucceeded(name), at=at)

    def stumbles(self, name: str, failure: Failure, retry_in: float, at: float | None = None) -> Scene:
        attempt = self.run.tasks[name].attempt
        self.tell(ev.AttemptFailed(name, attempt, failure, retry_in), at=at)
        return self.waits(name, Reason.BACKOFF, self.at + retry_in)

    def fails(self, name: str, failure: Failure, at: float | None = None) -> Scene:
        attempt = self.run.tasks[name].attempt
        return self.tell(ev.AttemptFailed(name, attempt, failure), ev.TaskFailed(name, failure), at=at)


def upstream(message: str = "HTTP 503 after 5 tries: upstream overloaded", status: int = 503) -> Failure:
    return Failure(Code.HTTP_STATUS, ErrorClass.TRANSIENT, ErrorKind.UPSTREAM, message, status=status)


def timeout(message: str = "no output for 60s") -> Failure:
    return Failure(Code.IDLE_TIMEOUT, ErrorClass.TRANSIENT, ErrorKind.TIMEOUT, message)


def started(
    groups: Sequence[GroupInfo], backends: Sequence[BackendInfo], budgets: Sequence[BudgetInfo]
) -> ev.RunStarted:
    return ev.RunStarted(
        flow="market-research",
        file="flows/market-research.yaml",
        wall=1.8e9,
        seed=1,
        max_concurrency=10,
        groups=tuple(groups),
        backends=tuple(backends),
        budgets=tuple(budgets),
    )


PAGES: Mapping[str, tuple[float, float, int, float, str]] = {
    "pricing-eu": (22, 90, 13_900, 0.071, "14 sources, 3 tables"),
    "pricing-us": (22, 73, 11_400, 0.148, "9 sources, 2 tables"),
    "competitors": (24, 78, 21_000, 0.105, "7 rivals profiled"),
    "regulation": (24, 130, 25_600, 0.039, "EU AI Act art. 6 applies"),
    "churn-drivers": (26, 79, 23_200, 0.075, "top-5 drivers ranked"),
}
RUNNING: Mapping[str, tuple[float, int, float, str]] = {
    "channel-mix": (170, 12_000, 0.099, "reading 4/11: channel benchmarks of the year"),
    "user-reviews": (174, 27_500, 0.022, "clustering 1,204 reviews into themes"),
    "patents": (178, 29_700, 0.113, "query 3: 'battery cell coating'"),
}


def research() -> Scene:
    """The run of the specification: five groups, one of which burns."""
    scene = Scene()
    scene.tell(
        started(
            [
                GroupInfo("plan"),
                GroupInfo("research", 3),
                GroupInfo("scrape"),
                GroupInfo("survey"),
                GroupInfo("review"),
            ],
            [
                BackendInfo("claude/sonnet", "simulated", limits=("50 requests in 1m", "80k tokens in 1m")),
                BackendInfo("web-fetch", "http"),
                BackendInfo("openai", "simulated"),
            ],
            [BudgetInfo("run", 1_000_000, 10.0, 1800.0)],
        )
    )
    scene.task("plan", "plan")
    for name in (*PAGES, *RUNNING, "supply-chain", "hiring-signals", "funding", "partners"):
        scene.task(f"research[{name}]", "research", needs=("plan",), of="research", label=name)
    for letter in "abcdefgh":
        scene.task(
            f"scrape[site-{letter}]", "scrape", backend="web-fetch", tries=5, of="scrape", label=f"site-{letter}"
        )
    scene.task("scrape-merge", "scrape", kind="shell", backend=None, needs=tuple(f"scrape[site-{x}]" for x in "abc"))
    for name in ("survey-eu", "survey-us"):
        scene.task(name, "survey", backend="openai")
    scene.task("survey-report", "survey", needs=("survey-eu", "survey-us"), backend=None, kind="function")
    scene.task("legal-check", "review", kind="gate", backend=None, tries=1)
    for name in ("synthesis", "fact-check", "publish"):
        scene.task(name, "review", needs=("research[pricing-eu]", "survey-report"))
    _work(scene)
    return scene


def _work(scene: Scene) -> None:
    scene.starts("plan", at=1.0).uses("plan", 6_000, 2_200, 0.06).succeeds("plan", at=21.0)
    _pages(scene)
    _burns(scene)
    _rest(scene)


def _pages(scene: Scene) -> None:
    for name, (begin, _, tokens, cost, _) in PAGES.items():
        scene.starts(f"research[{name}]", at=begin).uses(f"research[{name}]", tokens - 900, 900, cost)
    for name, (begin, *_) in {"site-a": (26.0,), "site-b": (28.0,), "site-c": (29.0,)}.items():
        scene.starts(f"scrape[{name}]", at=begin).uses(f"scrape[{name}]", 500, 100, 0.0009)
    scene.says("scrape[site-a]", "412 rows", at=60.0).succeeds("scrape[site-a]", at=66.0)
    for name, (_, end, _, _, words) in sorted(PAGES.items(), key=lambda item: item[1][1]):
        scene.says(f"research[{name}]", words, at=end).succeeds(f"research[{name}]", at=end)


def _burns(scene: Scene) -> None:
    for letter in "bc":
        scene.fails(f"scrape[site-{letter}]", upstream(), at=131.0)
    scene.tell(ev.TaskSkipped("scrape-merge", "scrape[site-b] failed", "scrape[site-b]"))
    scene.starts("scrape[site-h]", at=131.5).fails("scrape[site-h]", timeout(), at=150.0)
    site = "scrape[site-d]"
    scene.starts(site, at=152.0)
    for attempt in (1, 2, 3):
        scene.stumbles(site, upstream("HTTP 503"), 4.0, at=154.0 + 8 * attempt)
        scene.starts(site, at=158.0 + 8 * attempt, attempt=attempt + 1, waits=False)
    for name, (begin, tokens, cost, words) in RUNNING.items():
        scene.starts(f"research[{name}]", at=max(begin, 186.0)).uses(f"research[{name}]", tokens, 0, cost)
        scene.says(f"research[{name}]", words)
    scene.says(site, "GET https://site-d.example/catalog?page=1", "log", at=211.3)
    scene.says(site, "200 OK 41.2 kB, parsed 40 rows", at=211.9)
    scene.says(site, "GET https://site-d.example/catalog?page=2", "log", at=212.0)
    scene.says(site, "503 Service Unavailable (retry-after: 16)", "err", at=216.1)
    scene.stumbles(site, upstream("HTTP 503; backoff 16s"), 48.0, at=216.2)


def _rest(scene: Scene) -> None:
    scene.tell(ev.BreakerMoved("web-fetch", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row", 275.0))
    for letter in "ef":
        scene.waits(f"scrape[site-{letter}]", Reason.BREAKER, 275.0, "web-fetch")
    scene.waits("scrape[site-g]", Reason.SLOT)
    for name in ("supply-chain", "hiring-signals"):
        scene.waits(f"research[{name}]", Reason.RATE_LIMIT, 253.2, "claude/sonnet")
    for name in ("funding", "partners"):
        scene.waits(f"research[{name}]", Reason.SLOT, gate="group:research")
    scene.starts("survey-eu", at=220.0).says("survey-eu", "112 answers read").uses("survey-eu", 4_000, 800, None)
    scene.starts("survey-us", at=221.0)
    scene.tell(ev.BreakerMoved("openai", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row", 240.0))
    scene.tell(ev.BreakerMoved("openai", BreakerState.OPEN, BreakerState.HALF_OPEN, "cool-down over"), at=240.0)
    scene.waits("legal-check", Reason.APPROVAL)
    scene.tell(ev.ApprovalRequested("legal-check", "Publish the legal notes?", "Notes, 3 pages\n- art. 6\n- art. 9"))
    gauges = (Gauge("rpm", 49, 49, 253.2), Gauge("tpm", 61_000, 80_000))
    scene.tell(ev.BackendGauge("claude/sonnet", 0, 40, 0, 3, gauges), ev.BackendGauge("openai", 2, 9, 5, 2, probes=1))
    scene.tell(ev.BudgetSettled("run", "plan", 412_000, 3.42))
    scene.at = 252.0


def finished(*, well: bool) -> Scene:
    """A small run that has ended."""
    scene = Scene()
    scene.tell(started([GroupInfo("build"), GroupInfo("check")], [], []))
    scene.task("compile", "build", kind="shell", backend=None, tries=1)
    scene.task("lint", "check", kind="shell", backend=None, tries=1)
    scene.task("package", "build", kind="shell", backend=None, tries=1, needs=("compile",))
    scene.starts("compile", at=0.1).starts("lint", at=0.1)
    scene.says("compile", "compiled 14 files").says("lint", "2 warnings", "err")
    scene.succeeds("lint", at=3.0)
    if well:
        scene.succeeds("compile", at=4.0).starts("package", at=4.0).succeeds("package", at=6.0)
        return scene.tell(ev.RunFinished(Outcome.SUCCEEDED), at=6.0)
    failure = Failure(Code.EXIT_CODE, ErrorClass.PERMANENT, ErrorKind.WORK, "exit 2", hint="see the log", exit_code=2)
    scene.fails("compile", failure, at=4.0)
    scene.tell(ev.TaskSkipped("package", "compile failed", "compile"))
    return scene.tell(ev.RunFinished(Outcome.FAILED), at=4.0)


def empty() -> Scene:
    """A run that has not added a task yet."""
    return Scene().tell(started([GroupInfo("build")], [], []))
