"""What is wrong with a template, where in its source, and what to write instead."""

from __future__ import annotations


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


class CutError(TemplateError):
    """A value that memory holds only the beginning of; the message names the file that holds it all."""
