"""Questions to a model that follow one another: each is a call of its own, and what is said streams on as one text."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.core.flow import BackendSpec
from orchestrator.core.model import ModelAnswer, ModelRequest
from orchestrator.core.output import Cut
from orchestrator.core.ports import Backend, Context, Estimate, ModelBackend
from orchestrator.models.prompting import model_of

_BETWEEN = "\n\n"
"""What stands between two answers in the text that streams."""


async def complete(request: ModelRequest, model: ModelBackend, context: Context) -> ModelAnswer:
    """Ask within a call, and tell what it used."""
    chosen = context.model(request.model)
    asked = request if request.model == chosen else replace(request, model=chosen)
    answer = await model.complete(asked, context)
    context.used(answer.usage, answer.model, model.window(chosen))
    return answer


class Asker:
    """Asks the task's own backend, or whoever answers in its place, as often as is wanted.

    `seconds` says how long the last answer took, without what it waited for its turn.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._own = model_of(context.backend)
        self._streams = False
        self.seconds = 0.0

    @property
    def spec(self) -> BackendSpec:
        return self._own.spec

    def window(self, model: str | None) -> int | None:
        """Return how many tokens the model can read, None where nobody knows."""
        return self._own.window(model)

    def count(self, request: ModelRequest) -> Estimate:
        """Return what the question and its answer may use."""
        return self._own.count(request)

    async def ask(self, request: ModelRequest, estimate: Estimate | None = None) -> ModelAnswer:
        """Ask once, by one call: it is admitted and repeated as one, and the conversation is never thrown away.

        Whoever has counted already says what it may use.
        """
        estimate = estimate or self.count(request)
        answer: ModelAnswer = await self._context.call(estimate, lambda backend: self._work(backend, request))
        return answer

    async def _work(self, backend: Backend, request: ModelRequest) -> ModelAnswer:
        model = model_of(backend)
        before, began = self._begin(), self._context.clock.now()
        answer = await complete(self._fitted(request, model), model, self._context)
        self.seconds = self._context.clock.now() - began
        self._finish(before, answer)
        return answer

    def _fitted(self, request: ModelRequest, model: ModelBackend) -> ModelRequest:
        """Return the request as another backend takes it: what an API's own fields are means nothing to it."""
        if model.spec.name == self._own.spec.name:
            return request
        limits = [limit for limit in (request.max_tokens, model.spec.max_tokens) if limit is not None]
        return replace(request, extra={}, max_tokens=min(limits, default=None))

    def _begin(self) -> str | Cut:
        before = self._context.written("out")
        if before:
            self._context.write("out", _BETWEEN)
        return self._context.written("out") if before else before

    def _finish(self, before: str | Cut, answer: ModelAnswer) -> None:
        """Write an answer that did not stream; of a text that grew too long to look at, the last turn tells."""
        if not isinstance(before, Cut):
            self._streams = self._context.written("out") != before
        if not self._streams and answer.text:
            self._context.write("out", answer.text)
