"""What is wrong with a template, where in its source, and what to write instead."""

from __future__ import annotations

from orchestrator.core.output import Cut


class TemplateError(ValueError):
    """A template that cannot be compiled or rendered. `offset` counts characters from the start of its source."""

    def __init__(self, message: str, *, offset: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint

    def at(self, offset: int) -> TemplateError:
        """The same error, with its place if it had none."""
        if self.offset is None:
            self.offset = offset
        return self

    def about(self, name: str) -> TemplateError:
        """The same error, with the name of what it is about."""
        self.message = f"'{name}': {self.message}"
        self.args = (self.message,)
        return self


class CutError(TemplateError):
    """A value that memory holds only the beginning of; the message names the file that holds it all."""

    def __init__(self, cut: Cut) -> None:
        super().__init__(
            f"the value was cut at its limit of {cut.limit} bytes; all of it is in {cut.path}",
            hint="pass the path of the file instead, or raise ORCHESTRATOR_MAX_OUTPUT (for example to 10MB)",
        )
        self.cut = cut
