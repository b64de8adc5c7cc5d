"""What is installed under an entry point group, by name: looking imports nothing, loading imports exactly one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from orchestrator.core.errors import OrchestratorError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

KINDS: Final = "orchestrator.kinds"
BACKENDS: Final = "orchestrator.backends"


class PluginError(OrchestratorError):
    """What is installed under a name cannot be used. The message says why."""


def names(group: str) -> tuple[str, ...]:
    """Return the names that are installed under the group, sorted."""
    return tuple(sorted(_entries(group)))


def load(group: str, name: str) -> Any:  # noqa: ANN401 - whatever stands behind the entry point
    """Import what stands behind the name, and nothing else.

    Raises:
        PluginError: nothing has that name, or it cannot be imported.
    """
    entry = _entries(group).get(name)
    if entry is None:
        raise PluginError(f"{name!r} is not installed (installed: {', '.join(names(group)) or 'none'})")
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{name!r} cannot be loaded from {entry.value}: {error}") from error


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    """Read the installed packages' metadata, which takes tens of milliseconds: once a group, and only when asked."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - not needed by who asks for no plug-in

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, entry)  # the first on the path wins, as it does for imports
    return found
