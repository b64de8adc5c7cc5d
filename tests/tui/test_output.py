"""A terminal that is gone takes what is written to it, and nobody waits for it."""

import io

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from orchestrator.tui.output import Forgiving


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(5, f"Input/output error at {text!r}")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_what_a_closed_terminal_refuses_goes_nowhere() -> None:
    stream = Forgiving(Closed())
    assert stream.write("abc") == 3
    stream.flush()


def test_an_open_one_gets_all_of_it() -> None:
    terminal = io.StringIO()
    stream = Forgiving(terminal)
    stream.write("abc")
    assert (terminal.getvalue(), stream.isatty()) == ("abc", False)


def test_who_writes_more_than_the_thread_keeps_does_not_wait_for_a_terminal_that_is_gone() -> None:
    thread = WriterThread(Forgiving(Closed()))  # type: ignore[arg-type]  # a stream as far as the thread looks
    thread.start()
    for _ in range(2 * MAX_QUEUED_WRITES):
        thread.write("abc")
    thread.stop()
    assert not thread.is_alive()
