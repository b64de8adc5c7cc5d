"""What tasks write and leave behind: told in batches, without secrets, bounded in memory, whole in files."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorKind, WorkError
from orchestrator.core.output import Cut
from orchestrator.core.ports import Context
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, Story, flow, task, tell

SECRET = "correct-horse"


def hiding(**parts: Free) -> Setting:
    return Setting(parts={"hidden": frozenset({SECRET}), **parts})


def told(story: Story, stream: str = "out") -> list[str]:
    return [event.text for event in story.events(ev.OutputProduced) if event.stream == stream]


def whole(story: Story, file: str = "a.log") -> str:
    return story.files.texts[file]


# ── batches ─────────────────────────────────────────────────────────────────────────────────────


def test_output_is_gathered_over_a_twentieth_of_a_second() -> None:
    story = tell(flow(task("a", ["one ", 0.01, "two ", 0.01, "three", 1.0, "four"])))
    assert told(story) == ["one two three", "four"]
    assert story.times(ev.OutputProduced) == [0.05, 1.02]


def test_much_output_is_told_at_once_and_in_pieces() -> None:
    story = tell(flow(task("a", ["x" * 40_000, 1.0])))
    assert [len(text) for text in told(story)] == [16_384, 16_384, 7_232]
    assert story.times(ev.OutputProduced) == [0.0, 0.0, 0.0]


def test_what_was_written_last_is_told_before_the_attempts_end() -> None:
    story = tell(flow(task("a", ["almost ", "done"], [WorkError("x")], retries=1)))
    names = [type(event).__name__ for event in story.events() if getattr(event, "task", None) == "a"]
    assert names.index("OutputProduced") < names.index("AttemptSucceeded")


def test_what_comes_after_an_attempts_end_is_dropped() -> None:
    kept: list[Context] = []
    late = task("b", [1.0, lambda _: kept[0].write("out", "too late"), 1.0])
    story = tell(flow(task("a", [kept.append]), late))
    assert told(story) == []
    assert story.files.texts == {}


def test_streams_are_told_apart_and_share_a_log() -> None:
    def both(context: Context) -> None:
        context.write("out", "fine, ")
        context.write("err", "not so fine")

    story = tell(flow(task("a", [both])))
    assert (told(story), told(story, "err")) == (["fine, "], ["not so fine"])
    assert story.files.texts == {"a.log": "fine, not so fine"}


def test_a_stream_has_a_file_of_its_own_from_when_somebody_wants_one() -> None:
    paths: list[str] = []
    story = tell(flow(task("a", ["one ", lambda context: paths.append(context.path("out")), "two"])))
    assert paths == ["a.1.out"]
    assert story.files.texts == {"a.log": "one two", "a.1.out": "one two"}


def test_who_asks_for_a_file_before_anything_was_written_finds_all_of_it_there() -> None:
    story = tell(flow(task("a", [lambda context: context.path("err"), lambda context: context.write("err", "no")])))
    assert story.files.texts == {"a.log": "no", "a.1.err": "no"}


def test_who_asks_for_a_file_finds_one_even_if_nothing_was_written() -> None:
    story = tell(flow(task("a", [lambda context: context.path("out")])))
    assert story.files.texts == {"a.1.out": ""}


def test_what_a_model_thinks_is_in_a_file_alone_and_in_no_log() -> None:
    story = tell(flow(task("a", [lambda context: context.write("think", "hm")])))
    assert story.files.texts == {"a.1.think": "hm"}


def test_bytes_that_are_no_text_are_shown_as_such_and_never_an_error() -> None:
    def writes(context: Context) -> None:
        context.write("out", b"caf\xc3")
        context.write("out", b"\xa9 \xff\xfe end \xe2\x82")

    story = tell(flow(task("a", [writes])))
    assert whole(story) == "café \ufffd\ufffd end \ufffd"


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────


def test_secrets_are_hidden_wherever_chunks_happen_to_end() -> None:
    for cut in range(len(SECRET) + 1):
        story = tell(flow(task("a", [f"say {SECRET[:cut]}", f"{SECRET[cut:]} now", 1.0])), hiding())
        assert whole(story) == "say *** now"
        assert "".join(told(story)) == "say *** now"


def test_a_secret_that_trickles_in_is_hidden_too() -> None:
    story = tell(flow(task("a", [step for letter in f"<{SECRET}>" for step in (letter, 1.0)])), hiding())
    assert "".join(told(story)) == "<***>"


def test_what_only_begins_like_a_secret_is_told_in_the_end() -> None:
    story = tell(flow(task("a", ["correct-"])), hiding())
    assert whole(story) == "correct-"


def test_outputs_errors_and_progress_hold_no_secrets() -> None:
    def progress(context: Context) -> None:
        context.progress(1, 2, f"with {SECRET}")

    tasks = [
        task("a", [{"value": {SECRET: [f"a {SECRET}"]}}]),
        task("b", [progress, WorkError(f"no {SECRET}", hint=f"not {SECRET}", output={"value": SECRET})]),
        task("c", text="{{ a.value }}", needs=["a"]),
        task("d", [WorkError("x")], optional=True, recover="{{ secrets.T }}"),
        task("e", [ValueError(SECRET)]),
    ]
    reports: list[str] = []

    def keep(report: str) -> str:
        reports.append(report)
        return ""

    story = tell(flow(*tasks, outputs={"t": "{{ secrets.T }}"}), hiding(secrets={"T": SECRET}, bug=keep))
    assert story.output("a")["value"] == {"***": ["a ***"]}
    assert story.error("b").message == "no ***"
    assert SECRET not in str(story.records)
    assert SECRET not in str(reports)


def test_secrets_themselves_pass_by_name() -> None:
    seen: list[object] = []
    looks = task("a", [lambda context: seen.append(context.environment["TOKEN"])])
    tell(flow(looks), hiding(environment={"TOKEN": SECRET}))
    assert seen == [SECRET]


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


def test_what_a_stream_holds_beyond_the_limit_is_in_its_file_alone() -> None:
    found: list[str | Cut] = []
    writes = task("a", ["0123456789" * 5, lambda context: found.append(context.written("out"))])
    story = tell(flow(writes), Setting(options=EngineOptions(max_output=12)))
    assert found == [Cut("012345678901", 12, "a.1.out")]
    assert whole(story, "a.1.out") == whole(story) == "0123456789" * 5


def test_the_file_of_a_stream_that_memory_cuts_begins_with_what_was_written_before() -> None:
    found: list[str | Cut] = []
    writes = task("a", ["0123", 1.0, "456789", 1.0, "0123", lambda context: found.append(context.written("out"))])
    story = tell(flow(writes), Setting(options=EngineOptions(max_output=8)))
    assert found == [Cut("01234567", 8, "a.1.out")]
    assert story.files.texts == {"a.log": "01234567890123", "a.1.out": "01234567890123"}


def test_errors_beyond_the_limit_are_in_the_file_that_is_named_too() -> None:
    def complains(context: Context) -> None:
        context.write("err", "no " * 10)
        found.append(context.written("err"))

    found: list[str | Cut] = []
    story = tell(flow(task("a", [complains])), Setting(options=EngineOptions(max_output=8)))
    assert found == [Cut("no no no", 8, "a.1.err")]
    assert whole(story, "a.1.err") == "no " * 10


def test_a_text_within_the_limit_is_kept_whole() -> None:
    found: list[str | Cut] = []
    tell(
        flow(task("a", ["é" * 6, lambda context: found.append(context.written("out"))])),
        Setting(options=EngineOptions(max_output=12)),
    )
    assert found == ["é" * 6]


def test_a_limit_never_cuts_a_character_in_two() -> None:
    found: list[str | Cut] = []
    tell(
        flow(task("a", ["é" * 6, lambda context: found.append(context.written("out"))])),
        Setting(options=EngineOptions(max_output=11)),
    )
    assert found == [Cut("é" * 5, 11, "a.1.out")]


def test_a_field_beyond_the_limit_is_cut_and_kept_whole_in_a_file() -> None:
    story = tell(flow(task("a", [{"value": "0123456789" * 5}])), Setting(options=EngineOptions(max_output=12)))
    assert story.output("a")["value"] == Cut("012345678901", 12, "a.1.value")
    assert story.files.texts["a.1.value"] == "0123456789" * 5


def test_a_template_over_a_cut_field_fails_and_names_the_limit_and_the_file() -> None:
    tasks = [task("a", [{"value": "0123456789" * 5}]), task("b", text="got {{ a }}", needs=["a"])]
    story = tell(flow(*tasks), Setting(options=EngineOptions(max_output=12)))
    error = story.error("b")
    assert "a.1.value" in f"{error.message} {error.hint}"


def test_each_attempt_has_files_of_its_own_and_all_share_a_log() -> None:
    def asks(context: Context) -> None:
        context.path("out")

    story = tell(flow(task("a", [asks, "first ", WorkError("x")], [asks, "second"], retries=2)))
    assert story.files.texts == {"a.log": "first second", "a.1.out": "first ", "a.2.out": "second"}


# ── what no file and no journal takes ───────────────────────────────────────────────────────────


def test_half_a_character_is_replaced_wherever_it_stands() -> None:
    broken = "a \ud800 b \udcff"
    tasks = [task("a", [broken, {"value": broken * 20}]), task("b", text="{{ a }}", needs=["a"])]
    story = tell(flow(*tasks), Setting(options=EngineOptions(max_output=100)))
    assert whole(story) == "a ? b ?"
    assert story.files.texts["a.1.value"].startswith("a ? b ?a ?")


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"deep": [b"bytes"]}, {"a": {"b": {1, 2}}}])
def test_an_output_that_cannot_be_written_down_is_a_bug_of_the_kind(value: object) -> None:
    story = tell(flow(task("a", [{"value": value}]), task("b")))
    assert story.states() == {"a": "failed", "b": "succeeded"}
    assert story.error("a").kind is ErrorKind.BUG


def test_an_output_of_the_flow_that_memory_cut_says_where_all_of_it_is() -> None:
    told = tell(
        flow(task("big", [{"value": "x" * 2_000}]), outputs={"all": "{{ big }}"}),
        Setting(options=EngineOptions(max_output=1_000)),
    )
    (finished,) = told.events(ev.RunFinished)
    assert "all of it is in big.1.value" in finished.outputs["all"]


def test_progress_is_told_at_once_and_then_ten_times_a_second_at_most() -> None:
    def steps(first: int, last: int) -> Free:
        return lambda context: [context.progress(done, 100) for done in range(first, last)]

    story = tell(flow(task("a", [steps(0, 50), 0.05, steps(50, 60), 1.0])))
    told = [(record.at, record.event.done) for record in story.records if isinstance(record.event, ev.ProgressReported)]
    assert told == [(0.0, 0), (0.1, 59)]
