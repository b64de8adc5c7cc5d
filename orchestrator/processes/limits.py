"""How many children fit: each costs descriptors, of which a process has a bounded number."""

import os
import resource
from pathlib import Path
from typing import Final

PER_CHILD: Final = 3  # one each for what it prints, for its complaints and for its end
RESERVE: Final = 64  # files, sockets and the terminal of our own
MOST: Final = 1 << 20  # where the system says "unlimited", still no table of descriptors without end


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as allowed; says how many children then fit at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else hard
    limit = _raised(soft, wanted, hard) if soft != resource.RLIM_INFINITY else MOST
    return max(1, (limit - _open_now() - RESERVE) // PER_CHILD)


def _raised(soft: int, wanted: int, hard: int) -> int:
    if wanted <= soft:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS names a hard limit that it then refuses
        return soft
    return wanted


def _open_now() -> int:
    folder = Path("/dev/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0  # noqa: PTH208 - counted, not used as paths
