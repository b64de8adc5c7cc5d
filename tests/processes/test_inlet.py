"""Children that are talked to: they answer piece by piece, and nobody waits for those that do not listen."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator.processes import Child, Command, Inlet, NotStarted, Stream, converse
from orchestrator.processes.guardian import set_guardian

ENV = {"PATH": os.environ["PATH"]}
GRACE = 0.5
MORE_THAN_A_PIPE_HOLDS = b"x" * 1_000_000


def own_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Answers:
    """Collects what a child prints, and tells when there is enough of it."""

    def __init__(self) -> None:
        self.text = b""
        self._more = asyncio.Event()

    def __call__(self, stream: Stream, chunk: bytes) -> None:
        if stream == "out":
            self.text += chunk
            self._more.set()

    async def until(self, enough: Callable[[bytes], bool]) -> None:
        async with asyncio.timeout(5):
            while not enough(self.text):
                self._more.clear()
                await self._more.wait()


async def talking(script: str) -> tuple[Child, Inlet, Answers]:
    answers = Answers()
    child, inlet = await converse(Command(("bash", "-c", script), "/", ENV), on_output=answers)
    return child, inlet, answers


async def test_a_child_answers_what_it_is_told() -> None:
    child, inlet, answers = await talking('while read -r word; do echo "you said $word"; done')
    await inlet.write(b"one\n")
    await answers.until(lambda text: text == b"you said one\n")
    await inlet.write(b"two\n")
    await answers.until(lambda text: text.endswith(b"you said two\n"))
    inlet.close()
    assert await child.wait() == 0


async def test_more_than_a_pipe_holds_arrives_whole() -> None:
    child, inlet, answers = await talking("sleep 0.2; wc -c")
    await inlet.write(MORE_THAN_A_PIPE_HOLDS)
    inlet.close()
    assert await child.wait() == 0
    assert int(answers.text) == len(MORE_THAN_A_PIPE_HOLDS)


async def test_writing_to_a_child_that_ended_says_so() -> None:
    child, inlet, _ = await talking("exit 0")
    await child.wait()
    with pytest.raises(BrokenPipeError):
        await inlet.write(b"anyone?")
    inlet.close()
    with pytest.raises(BrokenPipeError):
        await inlet.write(b"anyone?")


async def test_who_writes_to_a_child_that_does_not_listen_can_be_freed() -> None:
    child, inlet, _ = await talking("exec sleep 60")
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(_fails(inlet.write(MORE_THAN_A_PIPE_HOLDS)))
        await asyncio.sleep(0.05)
        assert not writing.done()
        inlet.close()
        inlet.close()
    await child.stop(GRACE)


async def _fails(writing: Awaitable[None]) -> None:
    with pytest.raises(BrokenPipeError):
        await writing


async def test_a_cancelled_write_leaves_the_inlet_usable() -> None:
    child, inlet, answers = await talking("sleep 0.3; wc -c")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(inlet.write(MORE_THAN_A_PIPE_HOLDS), 0.05)
    before = len(answers.text)
    await inlet.write(b"end")
    inlet.close()
    await child.wait()
    assert before == 0
    assert int(answers.text) > 3


async def test_a_program_that_is_missing_leaves_nothing_open() -> None:
    set_guardian()  # it has a descriptor for as long as this process lives
    before = own_descriptors()
    with pytest.raises(NotStarted):
        await converse(Command(("no-such-program",), "/", ENV), on_output=Answers())
    assert own_descriptors() == before
