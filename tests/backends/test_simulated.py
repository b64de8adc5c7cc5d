"""The simulated backend does what it was told to do, and the same again for equal seeds."""

import asyncio
from dataclasses import replace

import pytest

from orchestrator.backends.simulated import Burns, CallOfTool, SimulatedBackend, SimulatedSettings, Tokens, Turn
from orchestrator.core.errors import AttemptError, Code, InputError
from orchestrator.core.flow import BackendSpec, Price
from orchestrator.core.model import Message, ModelAnswer, ModelRequest, ToolCall, ToolSpec, Usage, said
from orchestrator.core.ports import BackendServices, Estimate, HttpAnswer, HttpRequest
from orchestrator.core.simulation import Dials, Mood
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext

HELLO = ModelRequest((said("user", "hello"),), system="be brief")
ASK = HttpRequest("POST", "/notes", {}, {}, b"a note")


def backend(settings: SimulatedSettings | None = None) -> SimulatedBackend:
    own = settings or SimulatedSettings()
    return SimulatedBackend(BackendSpec("offline", "simulated", own), BackendServices(FakeClock(), FakeChance()))


async def ending(model: SimulatedBackend, context: FakeContext) -> str:
    """How one call ended, in a word."""
    try:
        await model.complete(HELLO, context)
    except AttemptError as error:
        return str(error.failure.status or error.failure.code)
    return "ok"


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


async def test_without_settings_it_answers_at_once_with_something() -> None:
    context = FakeContext()
    answer = await backend().complete(HELLO, context)
    assert answer == ModelAnswer(said("assistant", "A simulated answer."), "simulated", "end", Usage(4, 5))
    assert context.slept == []


async def test_the_answer_is_a_template_over_the_call() -> None:
    text = "{{ task }}/{{ attempt }}/{{ call }}/{{ model }}: {{ prompt }} ({{ system }}, {{ messages | length }})"
    answer = await backend(SimulatedSettings(answer=text)).complete(HELLO, FakeContext(task="greet", attempt=2))
    assert answer.text == "greet/2/1/simulated: hello (be brief, 1)"


async def test_what_was_prompted_is_never_a_template() -> None:
    hostile = ModelRequest((said("user", "{{ 7 * 7 }}"),))
    answer = await backend(SimulatedSettings(answer="Echo: {{ prompt }}")).complete(hostile, FakeContext())
    assert answer.text == "Echo: {{ 7 * 7 }}"


async def test_answers_come_one_after_another_and_again() -> None:
    model = backend(SimulatedSettings(answers=("one", "two")))
    assert [(await model.complete(HELLO, FakeContext())).text for _ in range(3)] == ["one", "two", "one"]


async def test_a_name_that_no_call_has_is_an_error_of_the_flow() -> None:
    with pytest.raises(InputError, match="the simulated answer"):
        await backend(SimulatedSettings(answer="{{ promt }}")).complete(HELLO, FakeContext())


async def test_the_model_that_was_asked_for_is_the_one_that_answers() -> None:
    asked = ModelRequest((said("user", "hi"),), model="large")
    assert (await backend().complete(asked, FakeContext())).model == "large"


async def test_what_it_uses_is_what_it_was_told() -> None:
    model = backend(SimulatedSettings(tokens=Tokens(100, 50)))
    assert (await model.complete(HELLO, FakeContext())).usage == Usage(100, 50)
    assert model.count(HELLO) == Estimate(100, 50)


async def test_it_costs_what_its_model_is_said_to_cost() -> None:
    prices = {"small": Price(1e6, 2e6)}
    spec = BackendSpec("offline", "simulated", SimulatedSettings(tokens=Tokens(3, 2)), prices=prices)
    model = SimulatedBackend(spec, BackendServices(FakeClock(), FakeChance()))
    asked = [await model.complete(replace(HELLO, model=name), FakeContext()) for name in ("small", None)]
    assert [answer.usage.cost_usd for answer in asked] == [7.0, None]
    assert (model.price("small"), model.price(None)) == (Price(1e6, 2e6), None)


async def test_an_answer_longer_than_max_tokens_is_cut_and_says_so() -> None:
    asked = ModelRequest((said("user", "hi"),), max_tokens=2)
    answer = await backend(SimulatedSettings(answer="0123456789")).complete(asked, FakeContext())
    assert (answer.text, answer.stop, answer.usage.output_tokens) == ("01234567", "length", 2)


async def test_words_stream_at_their_speed_and_make_up_the_answer() -> None:
    context = FakeContext()
    text = " one  two\nthree \n"
    await backend(SimulatedSettings(answer=text, words_per_second=10)).complete(HELLO, context)
    assert context.streams["out"] == [" one", "  two", "\nthree", " \n"]
    assert context.slept == [0.1] * 4


# ── time and chance ─────────────────────────────────────────────────────────────────────────────


async def test_a_fixed_latency_is_waited_for() -> None:
    context = FakeContext()
    await backend(SimulatedSettings(latency="200ms")).complete(HELLO, context)
    assert context.slept == [0.2]


async def test_latency_and_failures_depend_on_the_seed_and_the_attempt_alone() -> None:
    settings = SimulatedSettings(latency="200ms..1s", failure_rate=0.5)

    async def run(seed: int, order: list[int]) -> dict[int, tuple[str, list[float]]]:
        model, found = backend(settings), {}
        for number in order:
            context = FakeContext(task=f"task-{number}", seed=seed)
            found[number] = (await ending(model, context), context.slept)
        return found

    forwards = await run(1, list(range(50)))
    assert forwards == await run(1, list(reversed(range(50))))
    assert forwards != await run(2, list(range(50)))
    assert {word for word, _ in forwards.values()} == {"ok", "503"}
    assert all(0.2 <= slept[0] <= 1 for _, slept in forwards.values())


async def test_a_backend_burns_from_one_second_of_the_run_to_another() -> None:
    model = backend(SimulatedSettings(burns=Burns(3, 20, "429 retry-after=2")))
    clock = FakeClock(1_000)
    seen = []
    for second in (0, 2.9, 3, 19.9, 20, 100):
        clock.time = 1_000 + second
        seen.append(await ending(model, FakeContext(clock=clock, started=1_000)))
    assert seen == ["ok", "ok", "429", "429", "ok", "ok"]


# ── scripts ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_script_gives_each_call_its_end_and_afterwards_all_is_well() -> None:
    model = backend(SimulatedSettings(script=("ok", 503, "429 retry-after=2", "timeout", "reset", "malformed", "204")))
    seen = [await ending(model, FakeContext()) for _ in range(9)]
    timeout, reset, malformed = Code.BACKEND_TIMEOUT, Code.CONNECTION, Code.MALFORMED
    assert seen == ["ok", "503", "429", timeout, reset, malformed, "ok", "ok", "ok"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("429 retry-after=1.5", (True, 1.5)), ("503", (True, None)), ("401", (False, None)), ("timeout", (True, None))],
)
async def test_an_error_says_whether_to_try_again_and_when(word: str, expected: tuple[bool, float | None]) -> None:
    with pytest.raises(AttemptError) as caught:
        await backend(SimulatedSettings(script=(word,))).complete(HELLO, FakeContext())
    assert (caught.value.failure.is_transient, caught.value.failure.retry_after) == expected


async def test_a_call_that_hangs_never_answers_until_it_is_cancelled() -> None:
    model = backend(SimulatedSettings(script=("hang",)))
    call = asyncio.create_task(model.complete(HELLO, FakeContext()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_it_performs_what_is_no_question_too() -> None:
    context = FakeContext()
    server = backend(SimulatedSettings(latency=0.5, script=("ok", "503")))
    await server.perform(context)
    with pytest.raises(AttemptError):
        await server.perform(context)
    assert context.slept == [0.5, 0.5]


# ── http ────────────────────────────────────────────────────────────────────────────────────────


async def test_it_answers_requests() -> None:
    server = backend(SimulatedSettings(answer="{{ method }} {{ url }}: {{ prompt }}"))
    answer = await server.send(ASK, FakeContext())
    assert (answer.status, answer.body, answer.url) == (200, b"POST /notes: a note", "/notes")


async def test_a_status_is_an_answer_and_a_reset_is_none() -> None:
    server = backend(SimulatedSettings(script=("429 retry-after=2", "reset")))
    answer = await server.send(ASK, FakeContext())
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    with pytest.raises(AttemptError):
        await server.send(ASK, FakeContext())


async def test_a_body_is_cut_where_the_asker_wants_no_more() -> None:
    asked = HttpRequest("GET", "/", {}, {}, max_size=3)
    answer = await backend(SimulatedSettings(answer="0123")).send(asked, FakeContext())
    assert (answer.body, answer.truncated) == (b"012", True)


# ── what cannot be ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latency": "soon"}, "not a duration"),
        ({"latency": "1s..200ms"}, "shorter one first"),
        ({"latency": -1}, "zero or more"),
        ({"failure_rate": 1.5}, "from 0 to 1"),
        ({"words_per_second": 0}, "more than 0"),
        ({"script": ("ok", "busy")}, "'busy' is no outcome"),
        ({"answer": "a", "answers": ("b",)}, "exclude each other"),
        ({"answer": "{{ prompt"}, "never closed"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_advice(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimulatedSettings(**settings)  # type: ignore[arg-type]  # the cases are of all kinds


def test_an_outage_ends_after_it_began() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        Burns(20, 3)


# ── conversations ───────────────────────────────────────────────────────────────────────────────

READ = ToolSpec("read_file", "Reads.", {"type": "object", "properties": {"path": {"type": "string"}}})
ASK_SOMEBODY = ToolSpec("ask_operator", "Asks.", {"type": "object"})


async def answered(settings: SimulatedSettings, *messages: Message, **request: object) -> ModelAnswer:
    asked = ModelRequest((said("user", "go"), *messages), **request)  # type: ignore[arg-type]  # what a test is about
    return await backend(settings).complete(asked, FakeContext())


async def test_each_conversation_goes_turn_by_turn_and_then_ends_with_the_answer() -> None:
    calls = (CallOfTool("git.git_log", {"max_count": 5}), CallOfTool("read_file", {"path": "a"}))
    settings = SimulatedSettings(turns=(Turn("Looking at {{ prompt }}.", calls), "Found it."), answer="Done.")
    first = await answered(settings)
    assert (first.stop, first.text) == ("tool_use", "Looking at go.")
    assert [(call.tool, call.arguments) for call in first.message.calls] == [
        ("git__git_log", {"max_count": 5}),
        ("read_file", {"path": "a"}),
    ]
    second = await answered(settings, first.message)
    assert (second.stop, second.text) == ("end", "Found it.")
    assert (await answered(settings, first.message, second.message)).text == "Done."


async def test_a_tool_that_needs_no_arguments_is_wanted_with_none() -> None:
    answer = await answered(SimulatedSettings(turns=(Turn(calls=(CallOfTool("list_files"),)),)))
    assert answer.message.calls == (ToolCall("call-1-1", "list_files", {}, "{}"),)


async def test_without_turns_it_tries_tools_once_but_nobodys_patience() -> None:
    answer = await answered(SimulatedSettings(), tools=(ASK_SOMEBODY, READ))
    assert answer.message.calls == (ToolCall("call-1-1", "read_file", {"path": "example"}, '{"path": "example"}'),)
    assert (await answered(SimulatedSettings(), answer.message, tools=(READ,))).text == "A simulated answer."


async def test_where_data_is_wanted_it_answers_data() -> None:
    schema = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 3}}}
    assert (await answered(SimulatedSettings(), schema=schema)).text == '{"score": 3}'


async def test_it_has_the_tools_that_it_is_said_to_have() -> None:
    server = backend(SimulatedSettings(tools=("git_log",)))
    assert [tool.spec.name for tool in await server.tools(FakeContext())] == ["git_log"]
    assert (await server.use("git_log", {"n": 1}, FakeContext())).text == 'simulated: git_log {"n": 1}'


async def test_during_an_outage_it_says_that_it_is_not_well() -> None:
    assert await backend().check() == "simulated, and well"
    with pytest.raises(AttemptError, match="503"):
        await backend(SimulatedSettings(burns=Burns())).check()


async def test_a_quota_is_a_usage_limit_with_its_end() -> None:
    with pytest.raises(AttemptError) as caught:
        await backend(SimulatedSettings(script=("quota resets=30s",))).complete(HELLO, FakeContext())
    assert (caught.value.failure.code, caught.value.failure.retry_after) == (Code.QUOTA, 30.0)


# ── dials ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_person_sets_it_on_fire_and_puts_it_out_while_it_is_used() -> None:
    dials = Dials()
    model = SimulatedBackend(
        BackendSpec("web", "simulated", None), BackendServices(FakeClock(), FakeChance(), dials=dials)
    )
    endings = []
    for mood in (Mood.WELL, Mood.BURNING, Mood.WELL):
        dials.turn("web", mood)
        endings.append(await ending(model, FakeContext()))
    assert endings == ["ok", "503", "ok"]


async def test_whoever_asks_how_it_is_hears_of_the_fire() -> None:
    dials = Dials()
    model = SimulatedBackend(
        BackendSpec("web", "simulated", None), BackendServices(FakeClock(), FakeChance(), dials=dials)
    )
    dials.turn("web", Mood.BURNING)
    with pytest.raises(AttemptError):
        await model.check()


async def test_a_slow_backend_takes_its_time_over_everything() -> None:
    dials, quick, slow = Dials(), FakeContext(), FakeContext()
    settings = SimulatedSettings(answer="one two", latency="1s", words_per_second=2)
    services = BackendServices(FakeClock(), FakeChance(), dials=dials)
    model = SimulatedBackend(BackendSpec("web", "simulated", settings), services)
    await model.complete(HELLO, quick)
    dials.turn("web", Mood.SLOW)
    await model.complete(HELLO, slow)
    assert slow.slept == [8 * seconds for seconds in quick.slept]


class FireAfter(FakeClock):
    """Sets `web` on fire once somebody has slept so often."""

    def __init__(self, sleeps: int, dials: Dials) -> None:
        super().__init__()
        self._sleeps = sleeps
        self._dials = dials

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept) == self._sleeps:
            self._dials.turn("web", Mood.BURNING)


async def test_a_fire_breaks_off_what_is_being_answered() -> None:
    dials = Dials()
    context = FakeContext(clock=FireAfter(2, dials))
    settings = SimulatedSettings(answer="one two three", words_per_second=1)
    services = BackendServices(FakeClock(), FakeChance(), dials=dials)
    model = SimulatedBackend(BackendSpec("web", "simulated", settings), services)
    assert await ending(model, context) == "503"
    assert "".join(context.streams["out"]) == "one"
