"""Functions run off the loop, are told what they ask for, and never take anything down with them."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType

import pytest

import orchestrator
from orchestrator.core.errors import AttemptError, Code, ErrorKind, InputError, UpstreamError, WorkError
from orchestrator.core.task_context import TaskContext
from orchestrator.kinds.function import FunctionKind, FunctionSettings
from tests.kinds.fakes import FakeContext, Flaky

numbers = count()


class Module:
    """A module beside the flow, under a name that no other test uses."""

    def __init__(self, folder: Path, source: str) -> None:
        self.name = f"steps_{next(numbers)}"
        self.folder = folder
        (folder / f"{self.name}.py").write_text(dedent(source))

    async def call(self, function: str, *args: object, context: FakeContext | None = None, **kwargs: object) -> object:
        settings = FunctionSettings(f"{self.name}:{function}", args, kwargs)  # type: ignore[arg-type]  # any object will do
        output = await FunctionKind().run(settings, context or FakeContext(self.folder))
        return output["value"]


@pytest.fixture(autouse=True)
def _same_path_afterwards() -> Iterator[None]:
    path, out, err = sys.path[:], sys.stdout, sys.stderr
    yield
    sys.path[:], sys.stdout, sys.stderr = path, out, err


async def test_a_function_beside_the_flow_is_called_with_its_arguments(tmp_path: Path) -> None:
    module = Module(tmp_path, "def add(a, b=0, *, c=0): return a + b + c")
    assert await module.call("add", 1, 2, c=3) == 6


async def test_a_mapping_gives_its_keys_as_fields(tmp_path: Path) -> None:
    module = Module(tmp_path, "def facts(): return {'lines': (1, 2), 'name': 'x', 'value': 'hidden'}")
    output = await FunctionKind().run(FunctionSettings(f"{module.name}:facts"), FakeContext(tmp_path))
    assert output["lines"] == [1, 2]
    assert output["value"] == {"lines": [1, 2], "name": "x", "value": "hidden"}


async def test_a_sync_function_runs_on_another_thread_and_an_async_one_on_the_loop(tmp_path: Path) -> None:
    module = Module(
        tmp_path,
        """
        import threading
        def blocking(): return threading.get_ident()
        async def waiting(): return threading.get_ident()
        def gives_a_coroutine(): return waiting()
        class Callable:
            async def __call__(self): return threading.get_ident()
        an_object = Callable()
        """,
    )
    home = threading.get_ident()
    assert await module.call("blocking") != home
    assert [await module.call(each) for each in ("waiting", "gives_a_coroutine", "an_object")] == [home] * 3


async def test_many_functions_at_once_do_not_wait_for_each_other(tmp_path: Path) -> None:
    module = Module(
        tmp_path,
        """
        import threading
        all_here = threading.Barrier(20, timeout=10)
        def meet(): return all_here.wait() >= 0
        """,
    )
    async with asyncio.TaskGroup() as group:
        met = [group.create_task(module.call("meet")) for _ in range(20)]
    assert all(task.result() for task in met)


@pytest.mark.parametrize(
    "parameters",
    [
        "context",
        "a, context",
        "context, a",
        "a, c: 'TaskContext'",
        "c: orchestrator.TaskContext, a, /",
        "a, *, c: orchestrator.TaskContext | None = None",
        "a, c: 'Optional[TaskContext]' = None",
    ],
)
async def test_a_function_that_asks_gets_its_context(tmp_path: Path, parameters: str) -> None:
    name = "c" if "c:" in parameters else "context"
    module = Module(tmp_path, f"import orchestrator\ndef who({parameters}): return {name}.task")
    args = ("x",) if "a" in parameters.replace("TaskContext", "").split(", ") else ()
    assert await module.call("who", *args) == "task"


async def test_an_argument_named_context_of_the_flow_s_own_is_left_alone(tmp_path: Path) -> None:
    module = Module(tmp_path, "def both(text, context): return [text, context]")
    assert await module.call("both", "a", "mine") == ["a", "mine"]
    by_name = FunctionSettings(f"{module.name}:both", ("a",), {"context": "mine"})
    assert (await FunctionKind().run(by_name, FakeContext(tmp_path)))["value"] == ["a", "mine"]


def test_the_context_is_part_of_the_public_face() -> None:
    assert orchestrator.TaskContext is TaskContext
    with pytest.raises(AttributeError, match="nothing"):
        _ = orchestrator.nothing


async def test_the_context_tells_and_is_told(tmp_path: Path) -> None:
    module = Module(
        tmp_path,
        """
        def work(context):
            context.log("half way")
            context.progress(1, 2, "parts")
            context.raise_if_cancelled()
            return [context.run_id, context.task, context.attempt, context.idempotency_key, context.cancelled]
        async def on_the_loop(context):
            context.log("here too")
        """,
    )
    context = FakeContext(tmp_path, attempt=3)
    assert await module.call("work", context=context) == ["run-1", "task", 3, "run-1/task/0", False]
    assert context.progressed == [(1, 2, "parts")]
    await module.call("on_the_loop", context=context)
    assert context.text("log") == "half way\nhere too\n"


async def test_a_function_may_change_its_arguments_without_changing_anyone_s_output(tmp_path: Path) -> None:
    module = Module(tmp_path, "def spoil(items): items['list'].append(1); return items")
    shared = MappingProxyType({"list": (0,)})
    assert await module.call("spoil", shared) == {"list": [0, 1]}
    assert shared == {"list": (0,)}


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────


async def failed(module: Module, function: str, *args: object, context: FakeContext | None = None) -> AttemptError:
    with pytest.raises(AttemptError) as caught:
        await module.call(function, *args, context=context)
    return caught.value


async def test_what_a_function_raises_is_told_with_the_user_s_own_frames(tmp_path: Path) -> None:
    module = Module(
        tmp_path,
        """
        def inner(): raise KeyError("colour")
        def outer(): inner()
        async def waiting(): inner()
        """,
    )
    for function in ("outer", "waiting"):
        context = FakeContext(tmp_path)
        error = await failed(module, function, context=context)
        assert isinstance(error, WorkError)
        assert error.failure.message == "KeyError: 'colour'"
        assert error.failure.code == Code.RAISED
        assert "in inner" in context.text("err")
        assert "kinds/function" not in context.text("err")


@pytest.mark.parametrize("function", ["leave", "leave_later", "give_up", "give_up_later"])
async def test_an_exit_or_a_stray_cancel_inside_a_function_is_a_failure_like_any_other(
    tmp_path: Path, function: str
) -> None:
    module = Module(
        tmp_path,
        """
        import asyncio, sys
        def leave(): sys.exit(3)
        async def leave_later(): sys.exit(3)
        def give_up(): raise asyncio.CancelledError
        async def give_up_later(): raise asyncio.CancelledError
        """,
    )
    assert (await failed(module, function)).failure.kind is ErrorKind.WORK


async def test_an_exception_that_cannot_say_what_it_is_is_named(tmp_path: Path) -> None:
    module = Module(
        tmp_path,
        """
        class Mute(Exception):
            def __str__(self): raise RuntimeError
        def fail(): raise Mute
        """,
    )
    assert (await failed(module, "fail")).failure.message == "Mute"


async def test_a_function_may_raise_our_own_errors(tmp_path: Path) -> None:
    module = Module(
        tmp_path,
        """
        from orchestrator.core.errors import UpstreamError
        def busy(): raise UpstreamError("busy", status=503)
        """,
    )
    error = await failed(module, "busy")
    assert isinstance(error, UpstreamError)
    assert error.failure.is_transient


@pytest.mark.parametrize("value", ["object()", "{1, 2}", "float('nan')", "[[[]]][0] * 2 + [print]", "10 ** 5000"])
async def test_what_is_no_json_is_refused_with_advice(tmp_path: Path, value: str) -> None:
    module = Module(tmp_path, f"def give(): return {value}")
    error = await failed(module, "give")
    assert error.failure.code == Code.UNREADABLE_OUTPUT
    assert error.failure.hint is not None


async def test_a_loop_in_the_result_is_refused(tmp_path: Path) -> None:
    module = Module(tmp_path, "def give():\n    a = []\n    a.append(a)\n    return a")
    assert (await failed(module, "give")).failure.code == Code.UNREADABLE_OUTPUT


async def test_a_misspelt_function_is_suggested(tmp_path: Path) -> None:
    module = Module(tmp_path, "def summarise(): ...")
    error = await failed(module, "sumarise")
    assert isinstance(error, InputError)
    assert "did you mean 'summarise'?" in str(error.failure.hint)


async def test_a_misspelt_module_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "translation.py").write_text("")
    with pytest.raises(InputError) as caught:
        await FunctionKind().run(FunctionSettings("tranlation:x"), FakeContext(tmp_path))
    assert "did you mean 'translation'?" in str(caught.value.failure.hint)


async def test_a_constant_is_no_function(tmp_path: Path) -> None:
    assert "no function but a int" in (await failed(Module(tmp_path, "x = 1"), "x")).failure.message


async def test_a_module_whose_own_import_is_missing_says_which(tmp_path: Path) -> None:
    module = Module(tmp_path, "import a_package_that_nobody_has")
    assert "a_package_that_nobody_has" in (await failed(module, "x")).failure.message


async def test_a_module_that_is_hidden_by_another_is_told_instead_of_mistaken(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("def dumps(value): return value")
    with pytest.raises(InputError, match="hidden by"):
        await FunctionKind().run(FunctionSettings("json:dumps", ("x",)), FakeContext(tmp_path))


async def test_installed_modules_are_found_too(tmp_path: Path) -> None:
    output = await FunctionKind().run(FunctionSettings("math:hypot", (3, 4)), FakeContext(tmp_path))
    assert output["value"] == 5.0


async def test_wrong_arguments_are_told_with_what_the_function_takes(tmp_path: Path) -> None:
    error = await failed(Module(tmp_path, "def one(a): return a"), "one")
    assert isinstance(error, InputError)
    assert "missing a required argument: 'a'" in error.failure.message
    assert error.failure.hint == "it takes (a)"


@pytest.mark.parametrize("call", ["steps", "steps:", ":work", ""])
def test_a_call_without_a_module_or_a_function_is_refused(call: str) -> None:
    with pytest.raises(ValueError, match="module:callable"):
        FunctionSettings(call)


# ── being cancelled ─────────────────────────────────────────────────────────────────────────────

WAITING = """
    import asyncio, threading
    begun, go_on, seen = threading.Event(), threading.Event(), []
    def load(): ...
    def obedient(context):
        begun.set()
        while not context.cancelled: go_on.wait(0.01)
        seen.append("ended")
    def stubborn():
        begun.set()
        go_on.wait(20)
    async def waiting(context):
        begun.set()
        try:
            await asyncio.sleep(20)
        finally:
            seen.append(context.cancelled)
"""


async def cancelled(module: Module, function: str, context: FakeContext) -> None:
    await module.call("load")
    work = asyncio.create_task(module.call(function, context=context))
    await asyncio.to_thread(sys.modules[module.name].begun.wait, 10)
    context.is_stopping = True
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_function_that_looks_whether_it_is_cancelled_ends_within_its_grace(tmp_path: Path) -> None:
    module = Module(tmp_path, WAITING)
    await cancelled(module, "obedient", FakeContext(tmp_path))
    assert sys.modules[module.name].seen == ["ended"]


async def test_a_function_that_does_not_is_left_behind(tmp_path: Path) -> None:
    module = Module(tmp_path, WAITING)
    await cancelled(module, "stubborn", FakeContext(tmp_path, grace=0.02))
    sys.modules[module.name].go_on.set()


async def test_an_async_function_is_cancelled_where_it_waits(tmp_path: Path) -> None:
    module = Module(tmp_path, WAITING)
    await cancelled(module, "waiting", FakeContext(tmp_path))
    assert sys.modules[module.name].seen == [True]


# ── printing ────────────────────────────────────────────────────────────────────────────────────


async def test_what_functions_print_goes_to_their_own_attempts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = Module(
        tmp_path,
        """
        import sys, asyncio
        print("imported")
        def shout(text):
            print(text)
            print("oh", file=sys.stderr)
            sys.stdout.writelines(["a", "b"])
            return sys.stdout.isatty()
        async def whisper(text):
            await asyncio.sleep(0)
            print(text)
        """,
    )
    first, second = FakeContext(tmp_path), FakeContext(tmp_path)
    async with asyncio.TaskGroup() as group:
        group.create_task(module.call("shout", "one", context=first))
        group.create_task(module.call("whisper", "two", context=second))
    print("ours")  # noqa: T201 - what is printed outside of functions must come through
    assert (first.text("out") + second.text("out")).replace("imported\n", "") == "one\nabtwo\n"
    assert first.text("err") == "oh\n"
    assert capsys.readouterr().out == "ours\n"


async def test_a_backend_that_fails_beforehand_keeps_the_function_from_being_called(tmp_path: Path) -> None:
    module = Module(tmp_path, "def work(): print('on')")
    context = FakeContext(tmp_path, backend=Flaky())
    assert isinstance(await failed(module, "work", context=context), UpstreamError)
    assert context.text("out") == ""
