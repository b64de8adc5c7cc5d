"""What a caller says of a run beyond its flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal

from orchestrator.core.fact import fact
from orchestrator.core.simulation import Dials

DEFAULT_SEED: Final = 0
"""What chance derives from where neither flow nor caller says."""


@fact
class RunOptions:
    """What the caller says beyond the flow. `inputs` are texts as written; `can_ask` tells that a person is there.

    With `dials` simulated backends are broken and mended while the run is on. A `dry_run` has no need of secrets: no
    program is asked for one, and those that the environment lacks are warned of.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    simulate: Literal["all", "models"] | None = None
    max_concurrency: int | None = None
    budget_usd: float | None = None
    deadline: float | None = None
    env_file: str | None = None
    approve: frozenset[str] = frozenset()
    approve_all: bool = False
    seed: int | None = None
    can_ask: bool = False
    dry_run: bool = False
    dials: Dials = field(default_factory=Dials)
