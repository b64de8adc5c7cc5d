"""How an answer that has a form is got: what does not fit is given back to the model, so often and no more."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.errors import Code, UpstreamError, WorkError
from orchestrator.core.flow import Json
from orchestrator.core.model import ModelAnswer
from orchestrator.models.structured import Misfit, correction, fitting


class Repairs:
    """Reads answers until one fits the schema; `data` is the value of that one. Without a schema every answer does."""

    def __init__(self, schema: Mapping[str, Json] | None, repair: int) -> None:
        self.data: Json = None
        self._schema = schema
        self._most = self._left = repair

    def objection(self, answer: ModelAnswer) -> str | None:
        """Return what the model is to be told, None where its answer fits. Raises AttemptError once it was told enough.

        An answer that was held back is not asked for again: it would be held back again.
        """
        if self._schema is None:
            return None
        if answer.stop == "filter":
            raise filtered(answer)
        try:
            self.data = fitting(answer.text, self._schema)
        except Misfit as error:
            misfit = _cut_short(error) if answer.stop == "length" else error
            return self._told(misfit, self._schema, answer)
        return None

    def _told(self, misfit: Misfit, schema: Mapping[str, Json], answer: ModelAnswer) -> str:
        if self._left == 0:
            raise self._given_up(misfit, answer)
        self._left -= 1
        return correction(misfit, schema)

    def _given_up(self, misfit: Misfit, answer: ModelAnswer) -> WorkError:
        after = f" after {self._most} repairs" if self._most > 1 else " after a repair" if self._most else ""
        is_cut = answer.stop == "length"
        return WorkError(
            f"the answer does not fit output.schema{after}: {misfit}",
            code=Code.UNREADABLE_OUTPUT,
            hint="raise max_tokens" if is_cut else "say in the prompt what is wanted, loosen the schema, raise repair",
            output=partial(answer),
        )


def _cut_short(misfit: Misfit) -> Misfit:
    return Misfit("it was cut off at max_tokens: write less", *misfit.violations)


def filtered(answer: ModelAnswer) -> UpstreamError:
    """Return the failure that an answer is which a content filter held back, where nothing less than it will do."""
    return UpstreamError(
        f"a content filter of {answer.model} held the answer back",
        code=Code.FILTERED,
        transient=False,
        hint="change the prompt, or ask another model",
        output=partial(answer),
    )


def partial(answer: ModelAnswer) -> dict[str, object]:
    """Return what an answer leaves behind where it is not good enough."""
    return {"text": answer.text, "model": answer.model, "stop": answer.stop}
