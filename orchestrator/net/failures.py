"""What it means for a call that there was no answer, or not all of it."""

from collections.abc import Mapping
from typing import Final

from orchestrator.core.errors import AttemptError, Code, InputError, UpstreamError
from orchestrator.net.errors import NetError, NetErrorKind

CODES: Final[Mapping[NetErrorKind, Code]] = {
    "timeout": Code.BACKEND_TIMEOUT,
    "protocol": Code.MALFORMED,
    "too_large": Code.TOO_LARGE,
}
"""What is not named here is a matter of the connection."""


def failed(error: NetError) -> AttemptError:
    """The error of a call whose request ended so."""
    if error.kind == "invalid_url":
        return InputError(error.message, hint=error.hint)
    code = CODES.get(error.kind, Code.CONNECTION)
    return UpstreamError(error.message, code=code, transient=error.is_transient, hint=error.hint)
