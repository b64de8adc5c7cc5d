"""What is said between a task and a model: told, kept whole, shared within a group, and never with a secret in it."""

import json

from orchestrator.core import events as ev
from orchestrator.core.model import Message, Thinking, ToolCall, ToolResult, said
from orchestrator.core.ports import Context
from orchestrator.core.talk import Said, ToolUse
from tests.engine.kit import Free, Setting, Story, flow, task, tell
from tests.engine.test_calls import X, agent

HELLO = said("user", "hello")


def saying(*parts: Free) -> Free:
    def speak(context: Context) -> None:
        for part in parts:
            context.say(part)

    return speak


def talked(*parts: Free, **parts_of_engine: Free) -> Story:
    return tell(flow(agent("a", 1.0, saying(*parts)), backends=X), Setting(parts=parts_of_engine))


def test_a_conversation_is_told_part_by_part() -> None:
    thought = Message("assistant", (*said("assistant", "Let me look.").parts, Thinking("Where is it?")))
    call = ToolCall("c1", "read_file", {"path": "a.md"})
    story = talked(HELLO, thought, call, ToolResult("c1", "# A"))
    assert list(story.run.talks["a"].entries) == [
        Said(1.0, "user", "hello"),
        Said(1.0, "assistant", "Let me look.", "Where is it?"),
        ToolUse(1.0, "c1", "read_file", '{"path": "a.md"}', "# A", is_error=False, ended=1.0),
    ]


def test_the_file_holds_all_of_what_events_cut() -> None:
    story = talked(said("assistant", "x" * 20_000))
    (event,) = story.events(ev.MessageSaid)
    assert event.text.endswith(" … (20,000 characters)")
    (line,) = (text for path, text in story.files.texts.items() if path.endswith("conversation"))
    assert json.loads(line)["text"] == "x" * 20_000


def test_arguments_that_are_no_json_stand_as_they_were_written() -> None:
    (event,) = talked(ToolCall("c1", "shell", None, '{"command": ')).events(ev.ToolCalled)
    assert event.arguments == '{"command": '


def test_no_secret_is_said() -> None:
    parts = (said("user", "use hunter2hunter2"), ToolCall("c", "http_get", {"url": "http://x/?k=hunter2hunter2"}))
    story = talked(*parts, ToolResult("c", "hunter2hunter2"), hidden=frozenset({"hunter2hunter2"}))
    assert "hunter2" not in repr(story.records) + repr(story.files.texts)


def test_tasks_of_a_group_share_a_conversation_by_its_name() -> None:
    def remember(context: Context) -> None:
        context.remember("plan", (HELLO,))

    def count(context: Context) -> dict[str, object]:
        return {"list": [len(context.recall("plan")), len(context.recall("other"))]}

    tasks = [
        task("a", [remember], group="one"),
        task("b", [remember, count], group="one", needs=["a"]),
        task("c", [count], group="two", needs=["b"]),
    ]
    story = tell(flow(*tasks))
    assert (story.output("b")["list"], story.output("c")["list"]) == ([2, 0], [0, 0])
