"""A fact is a frozen dataclass in every respect but the time that it takes to be made."""

from __future__ import annotations

import inspect
import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace

import pytest

from orchestrator.core.fact import fact


@fact
class Seen:
    """What was seen, and where."""

    what: str
    where: str = "here"
    times: int = 1


@dataclass(frozen=True, slots=True)
class Plain:
    """The same as dataclasses make it."""

    what: str
    where: str = "here"
    times: int = 1


@fact
class Found:
    """A fact of which a part is made anew for each."""

    names: list[str] = field(default_factory=list)


@fact
class Nothing:
    """A fact without fields."""


@dataclass(frozen=True, slots=True)
class Heard(Seen):
    """A dataclass of a fact."""

    how: str = "well"


@fact
class Ordered:
    """A fact with a field that has to be named."""

    what: str
    id: str = field(default="c1", kw_only=True)


@fact
class Counted(Ordered):
    """A fact of a fact."""

    times: int = 1


def test_a_fact_holds_what_it_was_given_and_its_defaults() -> None:
    seen = Seen("smoke", times=2)
    assert (seen.what, seen.where, seen.times) == ("smoke", "here", 2)


def test_a_fact_is_made_as_a_dataclass_is() -> None:
    assert inspect.signature(Seen) == inspect.signature(Plain)
    assert Seen.__init__.__qualname__ == "Seen.__init__"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'what'"):
        Seen()  # type: ignore[call-arg]  # what is tested


def test_a_fact_is_frozen_and_has_nothing_besides_its_fields() -> None:
    seen = Seen("smoke")
    with pytest.raises(FrozenInstanceError):
        seen.what = "fire"  # type: ignore[misc]  # what is tested
    with pytest.raises(FrozenInstanceError):
        del seen.what
    assert not hasattr(seen, "__dict__")


def test_facts_are_equal_and_hash_by_their_fields() -> None:
    assert Seen("smoke") == replace(Seen("fire"), what="smoke") != Seen("fire")
    assert len({Seen("smoke"), Seen("smoke")}) == 1


def test_what_a_fact_makes_anew_for_each_is_not_shared() -> None:
    one, other = Found(), Found()
    assert one == other
    assert one.names is not other.names


def test_a_fact_says_what_it_is() -> None:
    assert repr(Seen("smoke")) == "Seen(what='smoke', where='here', times=1)"
    assert asdict(Seen("smoke")) == {"what": "smoke", "where": "here", "times": 1}
    assert Seen("smoke") != object()
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


@pytest.mark.parametrize(
    "one", [Seen("smoke", times=3), Found(["a"]), Nothing(), Heard("bang", how="badly"), Counted("x")]
)
def test_a_fact_is_copied_and_kept_as_any_value(one: object) -> None:
    assert copy(one) == deepcopy(one) == pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own


def test_facts_have_heirs() -> None:
    assert Heard("bang", "there", 2, "badly").how == "badly"
    assert Counted("x", 2, id="c2") == replace(Counted("x", 3, id="c2"), times=2) != Counted("x", 2)
    with pytest.raises(FrozenInstanceError):
        Counted("x").id = "c3"  # type: ignore[misc]  # what is tested
