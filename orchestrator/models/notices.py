"""Answers that are none: a server's notice that a usage limit is reached, put where the model's words belong."""

from __future__ import annotations

from orchestrator.core.errors import Code, UpstreamError
from orchestrator.core.model import ModelAnswer
from orchestrator.models.quota import in_text


def no_notice(answer: ModelAnswer, wall: float) -> ModelAnswer:
    """Return the answer. Raises UpstreamError where it is nothing but such a notice; `wall` is in Unix seconds."""
    limit = None if answer.message.calls else in_text(answer.text, wall)
    if limit is None:
        return answer
    raise UpstreamError(
        f"in place of an answer came a notice: {limit.why}",
        code=Code.QUOTA,
        status=429,
        retry_after=limit.resets_in,
        hint="wait until it resets, or add credit with the provider",
    )
