import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.clock import (
    NEW_YEAR_2026,
    Chance,
    LoopClock,
    QuickLoop,
    VirtualClock,
    VirtualDeadlock,
    VirtualLoop,
    VirtualRefused,
    run_virtual,
)
from orchestrator.processes import Command, start

DAY = 86_400.0


async def sleeper(seconds: float) -> tuple[float, float]:
    clock = VirtualClock()
    await clock.sleep(seconds)
    return clock.now(), clock.wall()


def test_a_year_passes_at_once() -> None:
    assert run_virtual(sleeper(365 * DAY)) == (365 * DAY, NEW_YEAR_2026 + 365 * DAY)


def test_the_clock_begins_where_it_is_told() -> None:
    assert run_virtual(sleeper(1.5), start=1e9)[0] == 1e9 + 1.5


def test_timers_fire_exactly_at_their_time_and_in_order() -> None:
    async def main() -> list[tuple[float, float]]:
        clock, seen = VirtualClock(), list[tuple[float, float]]()

        async def wait(seconds: float) -> None:
            due = clock.now() + seconds
            await clock.sleep(seconds)
            seen.append((due, clock.now()))

        async with asyncio.TaskGroup() as group:
            for seconds in (3.3, 0.1, 1e6 + 1e-7, 0.1 + 0.2, 0.3):
                group.create_task(wait(seconds))
        return seen

    for beginning in (0.0, 1e9):
        seen = run_virtual(main(), start=beginning)
        assert [due for due, _ in seen] == sorted(due for due, _ in seen)
        assert all(due == now for due, now in seen)


@given(st.lists(st.floats(0, 1e6), max_size=30), st.floats(0, 1e12))
@settings(max_examples=50, deadline=None)
def test_every_run_of_timers_ends(delays: list[float], start: float) -> None:
    async def main() -> float:
        async with asyncio.TaskGroup() as group:
            for delay in delays:
                group.create_task(asyncio.sleep(delay))
        return VirtualClock().now()

    assert run_virtual(main(), start=start) == max([start, *(start + delay for delay in delays)])


def test_asyncio_timeouts_are_virtual_too() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.get_running_loop().create_future()
        return VirtualClock().now()

    assert run_virtual(main()) == 3600


def test_the_main_coroutine_may_raise() -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        run_virtual(main())


def test_a_deadlock_names_who_waits_and_where() -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(inner(), name="the stuck one")

    with pytest.raises(VirtualDeadlock) as caught:
        run_virtual(main())
    assert "the stuck one waits at" in str(caught.value)
    assert "in Event.wait" in str(caught.value)


def test_sleeping_for_ever_is_a_deadlock() -> None:
    with pytest.raises(VirtualDeadlock):
        run_virtual(asyncio.sleep(float("inf")))


def test_cleaning_up_after_a_deadlock_may_take_virtual_time() -> None:
    cleaned = []

    async def main() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(60)
            cleaned.append(VirtualClock().now())

    with pytest.raises(VirtualDeadlock):
        run_virtual(main())
    assert cleaned == [60.0]


def test_a_threadsafe_call_from_the_same_thread_works() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()
        loop.call_soon_threadsafe(done.set_result, "called")
        return await done

    assert run_virtual(main()) == "called"


def test_a_call_from_another_thread_is_refused() -> None:
    async def main() -> list[Exception]:
        loop, refused = asyncio.get_running_loop(), list[Exception]()

        def call() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except VirtualRefused as error:
                refused.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return refused

    assert [str(error)[:13] for error in run_virtual(main())] == ["virtual time:"]


async def thread() -> None:
    await asyncio.to_thread(print)


async def child() -> None:
    await asyncio.create_subprocess_exec("true")


async def connection() -> None:
    await asyncio.open_connection("127.0.0.1", 9)


async def server() -> None:
    await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)


async def own_child() -> None:
    await start(Command(("true",), "/", {}), on_output=print)


async def name() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def reader() -> None:
    asyncio.get_running_loop().add_reader(0, print)


@pytest.mark.parametrize("main", [thread, child, own_child, connection, server, name, reader])
def test_the_real_world_is_refused(main: Callable[[], Coroutine[None, None, None]]) -> None:
    with pytest.raises(VirtualRefused, match=r"^virtual time: "):
        run_virtual(main())


def test_real_time_comes_from_the_loop_and_the_machine() -> None:
    async def main() -> None:
        clock = LoopClock()
        before = clock.now()
        await clock.sleep(0.01)
        assert clock.now() - before >= 0.009
        assert abs(clock.wall() - time.time()) < 5

    asyncio.run(main())


def test_a_virtual_loop_closes_clean() -> None:
    loop = VirtualLoop()
    loop.close()
    assert loop.is_closed()


def test_chance_is_the_same_in_every_process() -> None:
    program = "from orchestrator.engine.clock import Chance; print(Chance(7).random('task', 1, 'jitter'))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(printed.stdout) == Chance(7).random("task", 1, "jitter") == 0.7896860076294168


def test_chance_does_not_remember_what_was_drawn() -> None:
    first, second = Chance(1), Chance(1)
    first.random("a", 1)
    assert first.random("b", 2) == second.random("b", 2)


def test_keys_seeds_and_types_all_matter() -> None:
    draws = [Chance(1).random("a", 1), Chance(2).random("a", 1), Chance(1).random("a1"), Chance(1).random("a", "1")]
    assert len(set(draws)) == 4


@given(st.integers(), st.lists(st.text() | st.integers(), max_size=4))
def test_draws_stay_within_their_bounds(seed: int, key: list[str | int]) -> None:
    assert 0 <= Chance(seed).random(*key) < 1


def test_draws_are_spread_evenly() -> None:
    draws = [Chance(0).random("task", number) for number in range(2_000)]
    assert abs(sum(draws) / len(draws) - 0.5) < 0.03
    assert min(draws) < 0.01
    assert max(draws) > 0.99


def test_on_a_quick_clock_an_hour_is_over_before_a_minute_is() -> None:
    async def main() -> float:
        clock = LoopClock()
        began = clock.now()
        async with asyncio.timeout(7200):
            await clock.sleep(3600)
        return clock.now() - began

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=lambda: QuickLoop(1000)) as runner:
        assert 3600 <= runner.run(main()) < 7200
    assert time.perf_counter() - began < 60
