"""Which names say that what they stand for is secret."""

from __future__ import annotations

import re
from typing import Final

_TELLING: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)


def sounds_secret(name: str) -> bool:
    """Return whether a variable of this name holds what nobody should see."""
    return _TELLING.search(name) is not None
