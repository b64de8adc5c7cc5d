"""An llm task asks what its keys say, estimates before it asks, and reports what was used."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.core.errors import InputError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.output import Cut
from orchestrator.core.ports import Estimate, ModelAnswer, ModelRequest, Usage
from orchestrator.kinds.llm import LlmKind, LlmSettings, Message, PromptFile
from orchestrator.templates import TemplateError
from tests.kinds.fakes import FakeContext, Names, Resource, ScriptedModel

ANSWER = ModelAnswer("Hallo", "small", "end", Usage(3, 2))


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
    assert await asked(LlmSettings("hello {{ who }}")) == ModelRequest((("user", "hello you"),), max_tokens=4096)


async def test_a_conversation_is_sent_in_order_with_the_system_apart() -> None:
    settings = LlmSettings(
        messages=(Message("system", "be kind"), Message("user", "hi {{ who }}"), Message("assistant", "yes?")),
        system="be brief",
        model="large",
        temperature="0.5",
        max_tokens="2k",
        stop=("END",),
    )
    conversation = (("user", "hi you"), ("assistant", "yes?"))
    assert await asked(settings) == ModelRequest(conversation, "be brief\n\nbe kind", "large", 0.5, 2000, ("END",))


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
    context = FakeContext(backend=ScriptedModel(ModelAnswer("", "small", "filter")))
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
