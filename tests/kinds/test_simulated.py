"""A task that is simulated answers what its flow says, or nothing, and fails as the real one would."""

import asyncio
from types import SimpleNamespace

import pytest

from orchestrator.core.errors import AttemptError, InputError, UpstreamError
from orchestrator.core.flow import Json
from orchestrator.core.output import OutputShape
from orchestrator.kinds.simulated import is_script, run_simulated
from tests.kinds.fakes import FakeContext, Flaky

SHELL = OutputShape("stdout", {"stdout": "", "stderr": "", "exit_code": 0, "parsed": None, "stdout_path": ""})
HTTP = OutputShape("text", {"status": 0, "headers": {}, "text": "", "json": None, "path": ""})
FUNCTION = OutputShape("value", {"value": None})


async def run(
    shape: OutputShape, simulate: Json, settings: object = None, *, attempt: int = 1
) -> tuple[dict[str, object], str]:
    context = FakeContext("/run", attempt=attempt)
    return dict(await run_simulated(shape, settings, simulate, context)), context.text("out")


async def test_without_a_word_the_output_is_empty_and_good() -> None:
    output, shown = await run(SHELL, None)
    assert output == {"stdout": "", "stderr": "", "exit_code": 0, "parsed": None, "stdout_path": "/run/task.out"}
    assert shown == ""
    assert (await run(HTTP, None))[0]["status"] == 200


async def test_a_plain_value_is_the_main_field() -> None:
    output, shown = await run(SHELL, "hello")
    assert (output["stdout"], shown) == ("hello", "hello")
    assert (await run(FUNCTION, [1, "two"]))[0] == {"value": [1, "two"]}


async def test_a_mapping_is_the_fields() -> None:
    output, _ = await run(HTTP, {"status": 201, "json": {"id": 7}})
    assert (output["status"], output["json"], output["text"]) == (201, {"id": 7}, "")


async def test_a_function_s_mapping_is_its_value_and_its_fields() -> None:
    assert (await run(FUNCTION, {"lines": 3}))[0] == {"lines": 3, "value": {"lines": 3}}
    assert (await run(FUNCTION, {"value": 3}))[0] == {"value": 3}


async def test_a_field_that_the_output_has_not_is_suggested() -> None:
    with pytest.raises(InputError) as caught:
        await run(SHELL, {"stdot": "x"})
    assert caught.value.failure.hint == "did you mean 'stdout'?"


async def test_a_list_of_outcomes_is_used_up_attempt_by_attempt() -> None:
    script: Json = ["503", "ok", "timeout"]
    with pytest.raises(AttemptError) as caught:
        await run(SHELL, script)
    assert caught.value.failure.status == 503
    assert (await run(SHELL, script, attempt=2))[0]["exit_code"] == 0
    with pytest.raises(AttemptError):
        await run(SHELL, script, attempt=3)
    assert (await run(SHELL, script, attempt=4))[0]["exit_code"] == 0


async def test_a_script_may_stand_beside_what_is_answered_when_all_is_well() -> None:
    simulate: Json = {"script": ["503", "ok"], "stdout": "done"}
    with pytest.raises(AttemptError) as caught:
        await run(SHELL, simulate)
    assert caught.value.failure.status == 503
    assert [(await run(SHELL, simulate, attempt=attempt))[0]["stdout"] for attempt in (2, 3)] == ["done", "done"]
    assert (await run(SHELL, {"script": ["reset"]}, attempt=2))[0]["exit_code"] == 0


async def test_a_function_may_return_a_script_of_its_own() -> None:
    assert (await run(FUNCTION, {"script": ["act one"]}))[0]["value"] == {"script": ["act one"]}


async def test_a_task_that_hangs_waits_to_be_cancelled() -> None:
    call = asyncio.create_task(run(SHELL, ["hang"]))
    await asyncio.sleep(0)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.mark.parametrize(
    ("simulate", "script"),
    [(["ok"], True), ([503, "reset"], True), ([], False), ("ok", False), (["ok", "fine"], False), ([True], False)],
)
def test_only_a_list_of_nothing_but_outcomes_is_a_script(simulate: Json, *, script: bool) -> None:
    assert is_script(simulate) is script


async def test_what_the_task_would_not_accept_fails() -> None:
    with pytest.raises(AttemptError) as caught:
        await run(SHELL, {"exit_code": 3})
    assert caught.value.failure.exit_code == 3
    assert (await run(SHELL, {"exit_code": 3}, SimpleNamespace(accept=(0, 3))))[0]["exit_code"] == 3
    with pytest.raises(AttemptError) as caught:
        await run(HTTP, {"status": 503})
    assert (caught.value.failure.status, caught.value.failure.is_transient) == (503, True)
    assert (await run(HTTP, None, SimpleNamespace(expect=(404,))))[0]["status"] == 404


async def test_a_backend_that_fails_fails_the_task() -> None:
    with pytest.raises(UpstreamError):
        await run_simulated(SHELL, None, None, FakeContext(backend=Flaky()))
