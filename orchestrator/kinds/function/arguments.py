"""What a function is called with: its own arguments, and the context if it asks for one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any, Final, get_args

from orchestrator.core.errors import InputError
from orchestrator.core.task_context import TaskContext

_WORD: Final = re.compile(r"\w+")
POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def call(self, function: Callable[..., Any]) -> Any:  # noqa: ANN401 - what the function returns
        return function(*self.args, **self.kwargs)


def arguments(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: Mapping[str, object], context: TaskContext
) -> Arguments:
    """Return what the function is called with. Raises InputError if that is not what it takes."""
    given = Arguments(tuple(map(_own, args)), {name: _own(value) for name, value in kwargs.items()})
    signature = _signature(function)
    if signature is None or not (signature.parameters or args or kwargs):
        return given
    complete = _with_context(signature, given, context)
    try:
        signature.bind(*complete.args, **complete.kwargs)
    except TypeError as error:
        name = getattr(function, "__name__", "the function")
        raise InputError(f"{name}: {error}", hint=f"it takes {signature}") from error
    return complete


def _own(value: object) -> object:
    """Return a copy that the function may change: other tasks read the same outputs."""
    if isinstance(value, Mapping):
        return {name: _own(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_own(each) for each in value]
    return value


@lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> Signature | None:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):  # some that are written in C have none
        return None


def _with_context(signature: Signature, given: Arguments, context: TaskContext) -> Arguments:
    for place, parameter in enumerate(signature.parameters.values()):
        if _asks(parameter, signature, given):
            return _inserted(place, parameter, given, context)
    return given


def _asks(parameter: Parameter, signature: Signature, given: Arguments) -> bool:
    if parameter.name in given.kwargs:
        return False
    if _names_the_context(parameter.annotation):
        return True
    return parameter.name == "context" and not _is_filled(parameter, signature, given)


def _names_the_context(annotation: object) -> bool:
    """Tell whether an annotation is the context, or the context or None; it may still be the text of one."""
    if isinstance(annotation, str):
        return TaskContext.__name__ in _WORD.findall(annotation)
    return annotation is TaskContext or TaskContext in get_args(annotation)


def _is_filled(parameter: Parameter, signature: Signature, given: Arguments) -> bool:
    """Tell whether the arguments are complete without us: then `context` is a word of the function's own."""
    try:
        return parameter.name in signature.bind(*given.args, **given.kwargs).arguments
    except TypeError:
        return False


def _inserted(place: int, parameter: Parameter, given: Arguments, context: TaskContext) -> Arguments:
    if parameter.kind in POSITIONAL and place <= len(given.args):
        return Arguments((*given.args[:place], context, *given.args[place:]), given.kwargs)
    return Arguments(given.args, {**given.kwargs, parameter.name: context})
