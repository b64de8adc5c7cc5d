"""One task declared, many that run: what they are called, how they pair, and what their whole becomes."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import Approve, CancelTask, Deny, RetryTask, SkipTask
from orchestrator.core.errors import Code, ErrorKind, WorkError
from orchestrator.core.flow import Approval, Condition, Flow, ForEach, Matrix, Need
from orchestrator.core.ports import Context
from orchestrator.core.states import State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, Story, flow, task, tell

BROKEN = WorkError("it broke")


def breaks_for(*labels: str) -> Callable[[Context], None]:
    def step(context: Context) -> None:
        if context.task.split("[")[-1].rstrip("]") in labels:
            raise BROKEN

    return step


def labels(story: Story, name: str = "a") -> list[str | None]:
    return [event.label for event in story.events(ev.TaskAdded) if event.of == name]


# ── labels ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["de", "fr"], ["de", "fr"]),
        ([1, 2.5, True], ["1", "2.5", "true"]),
        (["de", "de"], ["0", "1"]),
        (["de", "has space"], ["0", "1"]),
        (["de", "x" * 33], ["0", "1"]),
        (["de", ".."], ["0", "1"]),
        ([{"name": "de"}, {"name": "fr"}], ["0", "1"]),
        ([None, "a"], ["0", "1"]),
        ([[1], [2]], ["0", "1"]),
    ],
)
def test_labels_are_the_items_only_if_all_of_them_can_be(items: list[object], expected: list[str]) -> None:
    story = tell(flow(task("a", fan_out=ForEach(items))))  # type: ignore[arg-type]  # JSON, but mypy does not see it
    assert labels(story) == expected
    assert story.state("a") is State.SUCCEEDED


def test_a_flow_can_say_what_instances_are_called() -> None:
    items = [{"name": "de"}, {"name": "fr"}]
    story = tell(flow(task("a", fan_out=ForEach(items, label="{{ item.name }}-{{ index }}"))))
    assert labels(story) == ["de-0", "fr-1"]


def test_a_label_that_stands_for_two_items_fails_the_whole() -> None:
    story = tell(flow(task("a", fan_out=ForEach(["x", "y"], label="same"))))
    assert story.error("a").code == Code.EXPANSION
    assert labels(story) == []


def test_instances_know_their_item_label_and_index() -> None:
    text = "{{ language }} {{ item }} {{ label }} {{ index }}"
    story = tell(flow(task("a", text=text, fan_out=ForEach(["de", "fr"], name="language"))))
    assert story.output("a[fr]")["text"] == "fr fr fr 1"


def test_items_come_from_a_template_or_another_task() -> None:
    story = tell(flow(task("l", [{"value": ["p", "q"]}]), task("a", fan_out=ForEach("{{ l }}"), needs=["l"])))
    assert labels(story) == ["p", "q"]


def test_a_matrix_makes_every_combination_less_what_is_excluded_and_more_what_is_included() -> None:
    matrix = Matrix(
        {"os": ["mac", "win"], "py": [3, 4]}, include=({"os": "linux", "py": 5},), exclude=({"os": "win", "py": 4},)
    )
    story = tell(flow(task("a", text="{{ os }}/{{ py }}/{{ matrix.os }}", fan_out=matrix)))
    assert labels(story) == ["mac,3", "mac,4", "win,3", "linux,5"]
    assert story.output("a[linux,5]")["text"] == "linux/5/linux"


# ── the whole ───────────────────────────────────────────────────────────────────────────────────


def test_the_whole_succeeds_when_all_have_and_its_output_is_the_list_of_theirs() -> None:
    story = tell(
        flow(
            task("a", text="{{ item }}!", fan_out=ForEach(["p", "q"])),
            task("b", text="{{ a | map(attribute='text') | join }}", needs=["a"]),
        )
    )
    assert story.output("b")["text"] == "p!q!"


def test_no_items_are_a_success_at_once() -> None:
    story = tell(flow(task("a", fan_out=ForEach([])), task("b", needs=["a"])))
    assert story.states() == {"a": "succeeded", "b": "succeeded"}
    assert story.events(ev.TaskExpanded) == []


@pytest.mark.parametrize("items", ["a text", "{{ 7 }}", "{{ {'a': 1} }}", "{{ none }}"])
def test_what_is_no_list_fails_the_whole_alone(items: str) -> None:
    story = tell(flow(task("a", fan_out=ForEach(items)), task("b")))
    assert story.states() == {"a": "failed", "b": "succeeded"}
    assert story.error("a").code == Code.EXPANSION


def test_too_many_items_fail_the_whole_alone() -> None:
    many = task("a", fan_out=ForEach(list(range(8))))
    story = tell(flow(many, task("b")), Setting(options=EngineOptions(max_tasks=9)))
    assert story.states() == {"a": "failed", "b": "succeeded"}
    assert "more than 9 tasks" in story.error("a").message


def test_a_failed_instance_fails_the_whole_when_all_have_ended() -> None:
    story = tell(flow(task("a", [breaks_for("p"), 3.0], fan_out=ForEach(["p", "q", "r"])), task("b", needs=["a"])))
    assert story.states() == {"a": "failed", "b": "skipped", "a[p]": "failed", "a[q]": "succeeded", "a[r]": "succeeded"}
    assert story.ended("a") == 3.0
    assert story.error("a").code == Code.INSTANCES_FAILED
    assert story.error("a").message == "1 of 3 failed: p"


def test_a_failed_instance_of_an_optional_task_does_not_fail_the_whole() -> None:
    story = tell(flow(task("a", [breaks_for("p")], fan_out=ForEach(["p", "q"]), optional=True), task("b", needs=["a"])))
    assert (story.state("a"), story.state("b")) == (State.SUCCEEDED, State.SUCCEEDED)
    assert str(story.run.outcome) == "degraded"


def test_dependants_that_may_see_it_see_failed_instances_too() -> None:
    seen = task("b", text="{{ a | map(attribute='state') | join(' ') }}", needs=[Need("a", Condition.SETTLED)])
    story = tell(flow(task("a", [breaks_for("p")], fan_out=ForEach(["p", "q"])), seen))
    assert story.output("b")["text"] == "failed succeeded"


def test_no_more_run_at_once_than_the_fan_out_says() -> None:
    story = tell(flow(task("a", [1.0], fan_out=ForEach(["p", "q", "r"], max_concurrency=2))))
    assert [story.started(f"a[{name}]") for name in "pqr"] == [[0.0], [0.0], [1.0]]


def test_when_is_asked_of_each_instance() -> None:
    story = tell(flow(task("a", when="item != 'p'", fan_out=ForEach(["p", "q"])), task("b", needs=["a"])))
    assert story.states() == {"a": "succeeded", "b": "succeeded", "a[p]": "skipped", "a[q]": "succeeded"}


def test_each_instance_is_tried_again_on_its_own() -> None:
    story = tell(flow(task("a", [breaks_for("p")], [], fan_out=ForEach(["p", "q"]), retries=2)))
    assert [len(story.started(f"a[{name}]")) for name in "pq"] == [2, 1]


# ── pairs ───────────────────────────────────────────────────────────────────────────────────────


def pairs(first: Sequence[Free], **fields: Free) -> Flow:
    return flow(
        task("a", first, fan_out=ForEach(["p", "q"])),
        task("b", text="{{ a }} {{ item }}", fan_out=ForEach(each="a"), needs=["a"], **fields),
    )


def test_an_instance_starts_when_its_partner_is_done() -> None:
    def slow_for_q(context: Context) -> Awaitable[None]:
        return context.clock.sleep(5.0 if "q" in context.task else 1.0)

    story = tell(pairs([slow_for_q]))
    assert [story.started(f"b[{name}]") for name in "pq"] == [[1.0], [5.0]]


def test_an_instance_sees_its_partner_under_the_partners_name() -> None:
    story = tell(pairs([{"value": "done"}]))
    assert story.output("b[q]")["text"] == "done q"


def test_a_failed_item_skips_only_its_own_chain() -> None:
    story = tell(pairs([breaks_for("p")]))
    assert story.states() == {
        "a": "failed", "b": "skipped", "a[p]": "failed", "a[q]": "succeeded", "b[p]": "skipped", "b[q]": "succeeded",
    }  # fmt: skip
    assert story.run.tasks["b[p]"].cause == "a[p]"


def test_a_failed_item_dooms_no_pairs_that_are_yet_to_be_made() -> None:
    story = tell(
        flow(
            task("a", [breaks_for("p")], fan_out=ForEach(["p", "q"])),
            task("slow", [5.0]),
            task("b", fan_out=ForEach(each="a"), needs=["a", "slow"]),
        )
    )
    assert story.state("b[q]") is State.SUCCEEDED


def test_pairs_of_nothing_are_nothing() -> None:
    story = tell(flow(task("a", fan_out=ForEach([])), task("b", fan_out=ForEach(each="a"), needs=["a"])))
    assert story.states() == {"a": "succeeded", "b": "succeeded"}


def test_pairs_of_what_could_not_be_expanded_are_skipped() -> None:
    story = tell(flow(task("a", fan_out=ForEach("no list")), task("b", fan_out=ForEach(each="a"), needs=["a"])))
    assert story.states() == {"a": "failed", "b": "skipped"}
    assert (story.run.tasks["b"].because, story.run.tasks["b"].cause) == ("a failed", "a")


def test_what_others_see_of_a_pair_is_a_need_on_its_partner() -> None:
    story = tell(pairs([]))
    needs = {event.task: [need.task for need in event.needs] for event in story.events(ev.TaskAdded)}
    assert needs["b"] == ["a"]
    assert needs["b[p]"] == ["a[p]"]


# ── commands ────────────────────────────────────────────────────────────────────────────────────


def test_cancelling_an_instance_stops_it_alone() -> None:
    story = tell(flow(task("a", [5.0], fan_out=ForEach(["p", "q"]))), Setting([(1.0, CancelTask(task="a[p]"))]))
    assert story.states() == {"a": "cancelled", "a[p]": "cancelled", "a[q]": "succeeded"}


def test_cancelling_the_whole_stops_all_that_have_not_ended() -> None:
    fanned = task("a", [5.0], fan_out=ForEach(["p", "q", "r"], max_concurrency=1))
    story = tell(flow(fanned), Setting([(7.0, CancelTask(task="a"))]))
    assert story.states() == {"a": "cancelled", "a[p]": "succeeded", "a[q]": "cancelled", "a[r]": "cancelled"}


def test_skipping_an_instance_does_not_spoil_the_whole() -> None:
    fanned = task("a", [5.0], fan_out=ForEach(["p", "q"], max_concurrency=1))
    story = tell(flow(fanned), Setting([(1.0, SkipTask(task="a[q]"))]))
    assert story.states() == {"a": "succeeded", "a[p]": "succeeded", "a[q]": "skipped"}


def test_each_instance_asks_on_its_own() -> None:
    asked = task("a", fan_out=ForEach(["p", "q"]), approval=Approval("{{ item }}?"))
    story = tell(flow(asked), Setting([(1.0, Approve(task="a[q]")), (2.0, Deny(task="a[p]"))]))
    assert [event.message for event in story.events(ev.ApprovalRequested)] == ["p?", "q?"]
    assert story.states() == {"a": "failed", "a[p]": "failed", "a[q]": "succeeded"}
    assert story.error("a[p]").kind is ErrorKind.DENIED


def test_asked_once_the_first_asks_for_all() -> None:
    asked = task("a", fan_out=ForEach(["p", "q"]), approval=Approval("all?", once=True))
    story = tell(flow(asked), Setting([(1.0, Approve(task="a[p]"))]))
    assert len(story.events(ev.ApprovalRequested)) == 1
    assert story.started("a[q]") == [1.0]


def test_a_fan_out_that_is_opened_again_keeps_no_pair_from_being_made() -> None:
    def slow_for_q(context: Context) -> Awaitable[None]:
        return context.clock.sleep(30.0 if "q" in context.task else 1.0)

    tasks = [
        task("a", [BROKEN], [slow_for_q], fan_out=ForEach(["p", "q"])),
        task("slow", [10.0]),
        task("b", fan_out=ForEach(each="a"), needs=["a", "slow"]),
    ]
    story = tell(flow(*tasks), Setting([(5.0, RetryTask(task="a"))]))
    assert [story.started(f"b[{label}]") for label in "pq"] == [[10.0], [35.0]]
