"""Finding the callable that `module:callable` names: beside the flow file first, then among what is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from importlib import import_module, invalidate_caches
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final

from orchestrator.core.errors import Code, InputError

Function = Callable[..., Any]

_found: Final[dict[tuple[str, str], Function]] = {}
_lock: Final = Lock()


def known(call: str, folder: str) -> Function | None:
    """Return the callable if it was looked up before."""
    return _found.get((call, folder))


def find(call: str, folder: str) -> Function:
    """Import the module and return the callable. Raises InputError, and whatever the module itself raises."""
    name, _, path = call.partition(":")
    with _lock:
        module = _module(name, Path(folder).resolve())
    function = _member(module, path, call)
    return _found.setdefault((call, folder), function)


def _module(name: str, folder: Path) -> ModuleType:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        invalidate_caches()
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; what it imports is not
        raise _missing(f"there is no module {error.name}", name, _beside(folder)) from error
    _check_origin(module, name, folder)
    return module


def _check_origin(module: ModuleType, name: str, folder: Path) -> None:
    """Refuse a module of the same name that came from elsewhere: Python keeps but one."""
    top = name.partition(".")[0]
    if top not in _beside(folder):
        return
    origin = Path(getattr(module, "__file__", None) or folder / top).resolve()
    if folder not in origin.parents:
        raise InputError(
            f"the module {top} beside the flow is hidden by {origin}, which is loaded already",
            code=Code.NOT_STARTED,
            hint="rename one of them",
        )


def _beside(folder: Path) -> set[str]:
    files = {path.stem for path in folder.glob("*.py")}
    return files | {path.parent.name for path in folder.glob("*/__init__.py")}


def _member(module: ModuleType, path: str, call: str) -> Function:
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            where = getattr(found, "__name__", "it")
            raise _missing(f"{where} has no {name}", name, (each for each in dir(found) if not each.startswith("_")))
        found = getattr(found, name)
    if not callable(found):
        raise InputError(f"{call} is no function but a {type(found).__name__}", code=Code.NOT_STARTED)
    function: Function = found
    return function


def _missing(message: str, wanted: str, there: Iterable[str]) -> InputError:
    close = get_close_matches(wanted, sorted(there), n=1)
    hint = f"did you mean {close[0]!r}?" if close else "write module:callable; modules beside the flow are found first"
    return InputError(message, code=Code.NOT_STARTED, hint=hint)
