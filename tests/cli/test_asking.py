from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest

from orchestrator.cli.asking import Asker, Keyboard, answer
from orchestrator.cli.streams import Looks, Out
from orchestrator.cli.watching import BlockFace, Viewer
from orchestrator.core import events as ev
from orchestrator.core.commands import Answer, Approve, Deny
from orchestrator.core.states import Reason
from tests.cli.story import FakeSession, Story


class Person:
    """Somebody at the other end of a pipe."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._input = os.fdopen(self._read, "r")
        self.keyboard = Keyboard(self._input)

    def types(self, text: str) -> None:
        os.write(self._write, text.encode())

    def leaves(self) -> None:
        if self._write >= 0:
            os.close(self._write)
        self._write = -1

    def is_gone(self) -> None:
        self.leaves()
        self._input.close()


@pytest.fixture
def person() -> Iterator[Person]:
    person = Person()
    yield person
    person.is_gone()


class Desk:
    def __init__(self, person: Person) -> None:
        self.session = FakeSession()
        self.screen = io.StringIO()
        self.face = BlockFace(Out(self.screen, Looks(terminal=True)))
        viewer = Viewer(self.session, self.face)
        self.asker = Asker(self.session, viewer, person.keyboard, Out(self.screen, Looks()), self.face)


def asking(*tasks: str) -> Story:
    story = Story().adds(*tasks)
    for task in tasks:
        story.happens(ev.TaskWaiting(task, Reason.APPROVAL))
        story.happens(ev.ApprovalRequested(task, f"May {task} go?", show="one\n\x1b[2Jtwo"))
    return story


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("y\n", Approve, ""),
        ("YES fine by me\n", Approve, "fine by me"),
        ("n\n", Deny, ""),
        ("no too late\n", Deny, "too late"),
    ],
)
def test_an_answer_is_a_word_and_a_reason(text: str, kind: type[Approve | Deny], reason: str) -> None:
    command = answer("a", text)
    assert isinstance(command, kind)
    assert command.reason == reason


def test_what_is_neither_yes_nor_no_is_no_answer() -> None:
    assert answer("a", "maybe\n") is None
    assert answer("a", "\n") is None


def test_a_question_is_shown_clean_and_its_answer_sent(person: Person) -> None:
    desk, run = Desk(person), asking("publish").run
    desk.asker.look(run)
    assert "publish asks: May publish go?\n  | one\n  | two\n" in desk.screen.getvalue()
    assert desk.face.hidden
    person.types("y looks good\n")
    desk.asker.look(run)
    assert [(type(command), getattr(command, "reason", "")) for command in desk.session.sent] == [
        (Approve, "looks good")
    ]
    assert not desk.face.hidden


def test_nobody_waits_for_an_answer_and_a_wrong_one_is_asked_again(person: Person) -> None:
    desk, run = Desk(person), asking("publish").run
    for _ in range(3):
        desk.asker.look(run)
    person.types("what?\n")
    desk.asker.look(run)
    assert desk.session.sent == []
    assert desk.screen.getvalue().endswith("y or n, and a reason behind it if you like: ")


def test_questions_come_one_after_the_other_and_none_twice(person: Person) -> None:
    desk, run = Desk(person), asking("a", "b").run
    desk.asker.look(run)
    person.types("y\n")
    desk.asker.look(run)
    desk.asker.look(run)
    person.types("n\n")
    desk.asker.look(run)
    desk.asker.look(run)
    assert [type(command) for command in desk.session.sent] == [Approve, Deny]
    assert desk.screen.getvalue().count("asks:") == 2


def test_the_end_of_input_denies(person: Person) -> None:
    desk, run = Desk(person), asking("a").run
    desk.asker.look(run)
    person.leaves()
    desk.asker.look(run)
    assert [type(command) for command in desk.session.sent] == [Deny]


def test_a_question_that_answered_itself_is_let_go(person: Person) -> None:
    desk, story = Desk(person), asking("a")
    desk.asker.look(story.run)
    desk.asker.look(story.happens(ev.ApprovalDenied("a", "timeout")).run)
    assert "answered otherwise" in desk.screen.getvalue()
    assert desk.session.sent == []


def wondering(*choices: str) -> Story:
    story = Story().adds("a").happens(ev.TaskWaiting("a", Reason.ANSWER))
    return story.happens(ev.QuestionAsked("a", "Which colour?", choices))


@pytest.mark.parametrize(("text", "meant"), [("blue\n", "blue"), ("Red\n", "red"), ("2\n", "blue")])
def test_a_choice_is_made_by_its_name_or_number(text: str, meant: str, person: Person) -> None:
    desk, run = Desk(person), wondering("red", "blue").run
    desk.asker.look(run)
    assert "a asks: Which colour?\n  1  red\n  2  blue\n  Answer: " in desk.screen.getvalue()
    person.types(text)
    desk.asker.look(run)
    assert [getattr(command, "text", "") for command in desk.session.sent] == [meant]


def test_what_is_no_choice_is_asked_again(person: Person) -> None:
    desk, run = Desk(person), wondering("red", "blue").run
    desk.asker.look(run)
    person.types("3\n")
    desk.asker.look(run)
    assert desk.session.sent == []
    assert desk.screen.getvalue().endswith("  one of red, blue: ")


def test_where_there_is_no_choice_any_text_is_an_answer(person: Person) -> None:
    desk, run = Desk(person), wondering().run
    desk.asker.look(run)
    for text in ("\n", "y and n\n"):
        person.types(text)
        desk.asker.look(run)
    assert [(type(command), getattr(command, "text", "")) for command in desk.session.sent] == [(Answer, "y and n")]


def test_a_task_that_asks_again_is_answered_again(person: Person) -> None:
    desk, story = Desk(person), wondering()
    run = story.run
    for text in ("one\n", "two\n"):
        desk.asker.look(run)
        person.types(text)
        desk.asker.look(run)
        for event in (ev.QuestionAnswered("a", text, "ann"), ev.QuestionAsked("a", "Which colour?")):
            story.happens(event)
            run.apply(story.records[-1])
    assert [getattr(command, "text", "") for command in desk.session.sent] == ["one", "two"]


def test_the_end_of_input_leaves_a_question_without_an_answer(person: Person) -> None:
    desk, run = Desk(person), wondering().run
    desk.asker.look(run)
    person.leaves()
    desk.asker.look(run)
    assert [type(command) for command in desk.session.sent] == [Deny]
    assert desk.screen.getvalue().endswith("\n  no answer\n")
