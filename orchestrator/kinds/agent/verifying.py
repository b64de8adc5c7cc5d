"""The check of what an agent did: a command whose failure is given back to the model, so often and no more."""

from __future__ import annotations

from orchestrator.core.errors import Code, InputError, WorkError
from orchestrator.core.model import ModelAnswer
from orchestrator.core.ports import Context
from orchestrator.kinds.agent.settings import AgentSettings, Verify
from orchestrator.kinds.agent.tools.commands import Ran, in_words, run_command, shell_argv
from orchestrator.kinds.agent.tools.shortening import shortened
from orchestrator.models.repairing import filtered, partial
from orchestrator.processes import Command, NotStarted

SHOWN: int = 10_000
"""Characters of the check's output that the model is shown, and that a failure holds."""


class Check:
    """Runs the check after each final answer."""

    def __init__(self, settings: AgentSettings, folder: str, context: Context) -> None:
        self._verify = settings.verify
        self._folder = folder
        self._context = context
        self._told = 0

    async def objection(self, answer: ModelAnswer, *, why_last: str | None) -> str | None:
        """Return what the model is told of the check's failure, None where there is none.

        Raises AttemptError once it was told enough, or may answer no more.
        """
        verify = self._verify
        if verify is None or self._context.run.rehearsal:
            return None
        if answer.stop == "filter":
            raise filtered(answer)
        ran = await self._run(verify)
        if ran.code == 0:
            return None
        if self._told == verify.rounds or why_last is not None:
            raise self._given_up(ran, answer, why_last)
        self._told += 1
        return (
            f"What you did was checked, and the check fails with {in_words(ran.code or 0)}. It printed:\n\n"
            f"{shortened(ran.output, SHOWN)}\n\nMend what is wrong, then give your final answer again."
        )

    async def _run(self, verify: Verify) -> Ran:
        context = self._context
        argv = shell_argv(verify.shell, context.environment, strict=True)
        command = Command(argv, self._folder, context.environment)
        try:
            return await run_command(command, context, seconds=None, tell=lambda words: context.write("log", words))
        except NotStarted as error:
            raise InputError(f"verify: {error.message}", code=Code.NOT_STARTED, hint=error.hint) from error

    def _given_up(self, ran: Ran, answer: ModelAnswer, why_last: str | None) -> WorkError:
        times = "once" if self._told == 0 else f"{self._told + 1} times"
        ended = f" ({why_last})" if why_last is not None else ""
        return WorkError(
            f"verify failed {times}{ended}: {in_words(ran.code or 0)}{_last_words(ran.output)}",
            code=Code.EXIT_CODE,
            exit_code=ran.code,
            hint="look at what it printed, or raise verify.rounds",
            output={**partial(answer), "verify": shortened(ran.output, SHOWN)},
        )


def _last_words(printed: str) -> str:
    last = printed.rstrip().rpartition("\n")[2].strip()[:200]
    return f": {last}" if last else ""
