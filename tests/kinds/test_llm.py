"""An llm task asks what its keys say, estimates before it asks, and reports what was used."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.core.errors import InputError, UpstreamError, WorkError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.model import Media, ModelAnswer, ModelRequest, Text, Usage, said
from orchestrator.core.output import Cut
from orchestrator.core.ports import Estimate
from orchestrator.kinds.llm import LlmKind, LlmSettings, Message, PromptFile, Structure
from orchestrator.templates import TemplateError
from tests.kinds.fakes import FakeContext, Names, Resource, ScriptedModel, Talker, answered

ANSWER = ModelAnswer(said("assistant", "Hallo"), "small", "end", Usage(3, 2))


def names(folder: Path | str = ".", **known: object) -> Names:
    scope = Names(known)
    scope.folder = str(folder)
    return scope


async def asked(settings: LlmSettings, spec: BackendSpec | None = None) -> ModelRequest:
    model = ScriptedModel(ANSWER, spec=spec)
    await LlmKind().run(LlmKind().prepare(settings, names(who="you")), FakeContext(backend=model))
    return model.asked[0]


# ── what is asked ───────────────────────────────────────────────────────────────────────────────


async def test_a_prompt_is_a_question_of_the_user() -> None:
    assert await asked(LlmSettings("hello {{ who }}")) == ModelRequest((said("user", "hello you"),), max_tokens=4096)


async def test_a_conversation_is_sent_in_order_with_the_system_apart() -> None:
    settings = LlmSettings(
        messages=(Message("system", "be kind"), Message("user", "hi {{ who }}"), Message("assistant", "yes?")),
        system="be brief",
        model="large",
        temperature="0.5",
        max_tokens="2k",
        stop=("END",),
    )
    assert await asked(settings) == ModelRequest(
        (said("user", "hi you"), said("assistant", "yes?")),
        system="be brief\n\nbe kind",
        model="large",
        temperature=0.5,
        max_tokens=2000,
        stop=("END",),
    )


async def test_a_prompt_may_stand_in_a_file_beside_the_flow(tmp_path: Path) -> None:
    (tmp_path / "greet.md").write_text("\ufeffHello {{ who }}!", encoding="utf-8")
    prepared = LlmKind().prepare(LlmSettings(PromptFile("{{ what }}.md")), names(tmp_path, who="you", what="greet"))
    assert prepared.prompt == "Hello you!"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xfa"])
def test_a_prompt_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "greet.md").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read the prompt file .*greet\.md"):
        LlmKind().prepare(LlmSettings(PromptFile("greet.md")), names(tmp_path))


def test_a_mistake_in_a_prompt_file_is_a_template_s_mistake(tmp_path: Path) -> None:
    (tmp_path / "greet.md").write_text("{{ nobody }}")
    with pytest.raises(TemplateError):
        LlmKind().prepare(LlmSettings(PromptFile("greet.md")), names(tmp_path))


def test_data_in_a_prompt_is_sent_as_json() -> None:
    assert LlmKind().prepare(LlmSettings("{{ data }}"), names(data={"a": [1]})).prompt == '{"a":[1]}'


def test_there_is_one_prompt() -> None:
    with pytest.raises(ValueError, match="a prompt is missing"):
        LlmSettings()
    with pytest.raises(ValueError, match="exclude each other"):
        LlmSettings("x", messages=(Message("user", "y"),))


@pytest.mark.parametrize(("key", "value"), [("temperature", "warm"), ("max_tokens", "many")])
def test_a_number_that_is_none_is_refused(key: str, value: str) -> None:
    with pytest.raises(InputError, match=key):
        LlmKind().prepare(LlmSettings("x", **{key: value}), names())  # type: ignore[arg-type]  # both take text


# ── what it may cost ────────────────────────────────────────────────────────────────────────────


def test_an_estimate_counts_characters_and_what_the_answer_may_take() -> None:
    settings = LlmSettings("x" * 10, system="y" * 3)
    assert LlmKind().estimate(settings, BackendSpec("b", "openai", None)) == Estimate(4, 4096)
    assert LlmKind().estimate(settings, BackendSpec("b", "openai", None, max_tokens=100)) == Estimate(4, 100)
    limited = LlmSettings("x", max_tokens=7)
    assert LlmKind().estimate(limited, BackendSpec("b", "openai", None, max_tokens=100)) == Estimate(1, 7)


def test_a_backend_that_declares_its_tokens_is_believed() -> None:
    declared = SimpleNamespace(tokens=SimpleNamespace(input=100, output=50))
    assert LlmKind().estimate(LlmSettings("x"), BackendSpec("b", "simulated", declared)) == Estimate(100, 50)


async def test_the_limit_that_was_reserved_is_the_limit_that_is_sent() -> None:
    assert (await asked(LlmSettings("x"), BackendSpec("b", "openai", None, max_tokens=100))).max_tokens == 100


# ── what comes back ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("streams", [False, True])
async def test_the_answer_is_written_once_whether_it_streams_or_not(*, streams: bool) -> None:
    context = FakeContext(backend=ScriptedModel(ANSWER, streams=streams))
    output = await LlmKind().run(LlmSettings("hi"), context)
    assert output == {"text": "Hallo", "model": "small", "stop": "end", "data": None}
    assert context.text("out") == "Hallo"
    assert context.usages == [Usage(3, 2)]


async def test_an_empty_answer_is_fine() -> None:
    context = FakeContext(backend=ScriptedModel(ModelAnswer(said("assistant", ""), "small", "filter")))
    assert (await LlmKind().run(LlmSettings("hi"), context))["stop"] == "filter"


async def test_an_answer_longer_than_memory_allows_is_cut() -> None:
    context = FakeContext(backend=ScriptedModel(ANSWER), limit=2)
    assert (await LlmKind().run(LlmSettings("hi"), context))["text"] == Cut("Ha", 2, context.path("out"))


async def test_a_task_without_a_model_says_so() -> None:
    with pytest.raises(InputError, match="no backend is named"):
        await LlmKind().run(LlmSettings("hi"), FakeContext())
    with pytest.raises(InputError, match="database does not answer prompts"):
        await LlmKind().run(LlmSettings("hi"), FakeContext(backend=Resource()))


def test_a_prompt_may_always_be_sent_again() -> None:
    assert LlmKind().repeatable(LlmSettings("hi"))


# ── files, and what goes straight to the API ────────────────────────────────────────────────────


LOOK = LlmSettings("look")


async def shown(folder: Path, *files: str, settings: LlmSettings = LOOK) -> ModelRequest:
    model = ScriptedModel(ANSWER)
    prepared = LlmKind().prepare(replace(settings, files=files), names(folder))
    await LlmKind().run(prepared, FakeContext(folder, backend=model))
    return model.asked[0]


async def test_images_and_documents_stand_before_the_words(tmp_path: Path) -> None:
    (tmp_path / "a.PNG").write_bytes(b"\x89PNG")
    (tmp_path / "b.pdf").write_bytes(b"%PDF")
    request = await shown(tmp_path, "a.PNG", "b.pdf")
    assert request.messages[0].parts == (
        Media("image/png", "iVBORw==", "a.PNG"),
        Media("application/pdf", "JVBERg==", "b.pdf"),
        Text("look"),
    )


async def test_a_file_of_text_becomes_part_of_the_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\ufeffa,b", encoding="utf-8")
    assert (await shown(tmp_path, "a.csv")).messages[0].text == "The file a.csv:\n\na,b\n\nlook"


async def test_files_of_a_conversation_belong_to_what_the_user_said_last(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    talk = (Message("user", "first"), Message("user", "last"), Message("assistant", "well,"))
    request = await shown(tmp_path, "a.md", settings=LlmSettings(messages=talk))
    assert [len(message.parts) for message in request.messages] == [1, 2, 1]
    alone = await shown(tmp_path, "a.md", settings=LlmSettings(messages=talk[2:]))
    assert [message.role for message in alone.messages] == ["assistant", "user"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("no.png", None, "cannot read .*no.png: No such file"),
        ("x.bin", b"\xff\x00", "x.bin is neither text nor"),
        ("big.png", b"x" * 20_000_001, "larger than 20 MB"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_named(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=why):
        await shown(tmp_path, name)


async def test_in_a_rehearsal_a_file_that_nobody_wrote_is_missed_by_none(tmp_path: Path) -> None:
    model = ScriptedModel(ANSWER)
    context = FakeContext(tmp_path, backend=model)
    context._run = replace(context.run, rehearsal=True)
    await LlmKind().run(LlmKind().prepare(replace(LOOK, files=("no.png",)), names(tmp_path)), context)
    assert model.asked[0].messages[0].text == "[simulated: no.png is not there]\n\nlook"


async def test_sampling_and_further_fields_are_sent(tmp_path: Path) -> None:
    request = await shown(tmp_path, settings=LlmSettings("x", top_p="0.9", extra={"seed": 7}))
    assert (request.top_p, request.extra) == (0.9, {"seed": 7})


def test_files_are_estimated_before_they_are_read() -> None:
    settings = LlmSettings("x", files=("a.png", "b.png"), max_tokens=1)
    assert LlmKind().estimate(settings, BackendSpec("b", "openai", None)) == Estimate(3_201, 1)


# ── answers that have a form ────────────────────────────────────────────────────────────────────

NUMBER: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def formed(repair: int = 2) -> LlmSettings:
    return LlmKind().prepare(LlmSettings("count", output=Structure(NUMBER, repair)), names())


async def test_the_value_of_an_answer_that_fits_is_its_data() -> None:
    model = Talker('Sure:\n```json\n{"n": 1}\n```')
    context = FakeContext(backend=model)
    output = await LlmKind().run(formed(), context)
    assert output["data"] == {"n": 1}
    assert output["text"] == context.text("out") == 'Sure:\n```json\n{"n": 1}\n```'
    assert model.asked[0].schema == NUMBER
    assert context.estimates[0].output_tokens == 4096


async def test_an_answer_that_does_not_fit_is_given_back_with_what_is_wrong() -> None:
    model = Talker('{"n": "one"}', "", '{"n": 1}', streams=True)
    context = FakeContext(backend=model)
    output = await LlmKind().run(formed(), context)
    assert output == {"text": '{"n": 1}', "model": "small", "stop": "end", "data": {"n": 1}}
    roles = [message.role for message in model.asked[2].messages]
    assert roles == ["user", "assistant", "user", "user"]  # an empty answer is no message
    assert "at $.n: 'one' is not of type 'integer'" in model.asked[1].messages[-1].text
    assert context.usages == [Usage(10, 5)] * 3


async def test_after_the_last_repair_the_task_fails_and_says_what_is_wrong() -> None:
    context = FakeContext(backend=Talker("no", "no", "no"))
    with pytest.raises(WorkError, match="after 2 repairs: there is no JSON in it") as caught:
        await LlmKind().run(formed(), context)
    assert caught.value.output == {"text": "no", "model": "small", "stop": "end"}
    assert not caught.value.failure.is_transient


async def test_an_answer_that_was_cut_off_says_so() -> None:
    with pytest.raises(WorkError, match="cut off at max_tokens") as caught:
        await LlmKind().run(formed(repair=0), FakeContext(backend=Talker(answered('{"n": ', "length"))))
    assert caught.value.failure.hint == "raise max_tokens"


async def test_an_answer_that_was_held_back_is_not_asked_for_again() -> None:
    with pytest.raises(UpstreamError, match="content filter of small") as caught:
        await LlmKind().run(formed(), FakeContext(backend=Talker(answered("", "filter"))))
    assert not caught.value.failure.is_transient


async def test_a_schema_may_hold_templates_and_stand_in_a_file(tmp_path: Path) -> None:
    templated = LlmSettings("x", output=Structure({"type": "{{ n }}"}))
    assert LlmKind().prepare(templated, names(n="integer")).output == Structure({"type": "integer"})
    (tmp_path / "n.json").write_text(json.dumps(NUMBER))
    prepared = LlmKind().prepare(LlmSettings("x", output=Structure("n.json")), names(tmp_path))
    assert prepared.output == Structure(NUMBER)


def test_only_answers_that_have_a_form_may_take_several_calls() -> None:
    assert LlmKind().calls_of(LlmSettings("x")) == "one"
    assert LlmKind().calls_of(formed()) == "many"


def test_a_schema_that_is_none_is_told_with_the_flow() -> None:
    with pytest.raises(ValueError, match=r"no JSON Schema: at \$\.type: 'objec' is not valid"):
        Structure({"type": "objec"})
    assert Structure({"type": "{{ type }}"}).repair == 2


def test_repairs_are_counted_from_none() -> None:
    with pytest.raises(ValueError, match="repair is -1"):
        Structure(NUMBER, -1)


async def test_another_backend_gets_nothing_that_is_the_own_one_s() -> None:
    other = Talker('{"n": 1}')
    other._spec = BackendSpec("other", "scripted", None, max_tokens=50)
    settings = LlmKind().prepare(LlmSettings("x", extra={"seed": 1}, output=Structure(NUMBER)), names())
    context = FakeContext(backend=Talker())
    context.falls_back_to = other
    await LlmKind().run(settings, context)
    assert (other.asked[0].extra, other.asked[0].max_tokens) == ({}, 50)


def test_what_is_asked_about_a_file_is_another_question_when_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    settings = LlmSettings("sum up", files=(str(file),))
    file.write_text("one")
    before = LlmKind().fingerprint(settings)
    assert LlmKind().fingerprint(settings) == before
    file.write_text("another")
    assert LlmKind().fingerprint(settings) != before
