"""What models cost and how much they can read, as far as a list that ships with the program knows.

`provider_hint` is the address of an API or the name of who offers it, None where only the model's name can tell. A
server of one's own is at no address that the list knows, so its models stay unpriced, whatever their names are.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestrator.core.flow import Price
from orchestrator.core.model import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

_PREFIXED: Final = "litellm"
"""Whoever routes names models as `anthropic/claude-…`; the list reads such names under this one's name."""


_PLAIN: Final = frozenset({"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"})
_NEVER_COUNTED: Final = frozenset({"cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount"})


class _Listed(NamedTuple):
    """A model in the list; `always` is its price where that depends on nothing."""

    provider: Provider
    model: ModelInfo
    always: Price | None
    is_priced: bool


def price_of(provider_hint: str | None, model: str) -> Price | None:
    """Return the price of short prompts in dollars per million tokens; None where nobody knows it, never 0."""
    listed = _find(provider_hint, model)
    return None if listed is None else listed.always or _price(_prices(listed))


def cost_of(provider_hint: str | None, model: str, usage: Usage) -> float | None:
    """Return the dollars that a call cost, long prompts and cached and reasoning tokens priced as they are."""
    listed = _find(provider_hint, model)
    if listed is None or not listed.is_priced:
        return None
    counted = _consistent(usage)
    if listed.always is not None:
        read, written, _, cached, stored, _ = counted
        return listed.always.of(read, written, cached=cached, stored=stored)
    return float(listed.model.calc_price(_in_its_words(counted), listed.provider).total_price)


def window_of(provider_hint: str | None, model: str) -> int | None:
    """Return how many tokens the model can read; None where nobody knows."""
    listed = _find(provider_hint, model)
    return None if listed is None else listed.model.context_window


# ── the list ────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1_024)
def _find(hint: str | None, model: str) -> _Listed | None:
    # The list remembers what it found but searches anew for what it does not have, which takes milliseconds.
    for provider, url, name in _ways(hint, model):
        if listed := _look_up(provider, url, name):
            return listed
    return None


def _ways(hint: str | None, model: str) -> Iterator[tuple[str | None, str | None, str]]:
    """Say how the model may be listed: at its address, else under its provider's name, with and without a prefix."""
    if hint is not None and "://" in hint:
        yield None, hint, model
        return
    yield hint, None, model
    prefix, slash, rest = model.partition("/")
    if slash and hint in {None, _PREFIXED, prefix.lower()}:
        yield _PREFIXED, None, model
        yield prefix, None, rest


def _look_up(provider_name: str | None, url: str | None, name: str) -> _Listed | None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - the list takes 140 ms to load

    try:
        provider, model = get_snapshot().find_provider_model(name, None, provider_name, url)
    except LookupError:
        return None
    first = model.prices[0].prices if isinstance(model.prices, list) else model.prices
    return _Listed(provider, model, _always(model), is_priced=_price(first) is not None)


# ── prices ──────────────────────────────────────────────────────────────────────────────────────


def _always(model: ModelInfo) -> Price | None:
    """Return the model's price if it is the same on every day, for every length and for all kinds of tokens."""
    if isinstance(model.prices, list):
        return None
    told = {key: price for key, price in vars(model.prices).items() if price is not None and key not in _NEVER_COUNTED}
    is_plain = told.keys() <= _PLAIN and all(isinstance(price, Decimal) for price in told.values())
    return _price(model.prices) if is_plain else None


def _prices(listed: _Listed) -> ModelPrice:
    from genai_prices import Usage as Counted  # noqa: PLC0415 - see above

    # A price may depend on the day or the hour; the list's own calculation picks the one that holds.
    return listed.model.calc_price(Counted(), listed.provider).model_price


def _price(prices: ModelPrice) -> Price | None:
    price, answer = _base(prices, "input_mtok"), _base(prices, "output_mtok")
    if price is None or answer is None:
        return None
    return Price(price, answer, _base(prices, "cache_read_mtok"), _base(prices, "cache_write_mtok"))


def _base(prices: ModelPrice, key: str) -> float | None:
    price = getattr(prices, key)
    base = getattr(price, "base", price)
    return float(base) if isinstance(base, Decimal) else None


def _consistent(usage: Usage) -> Usage:
    """Return the usage with parts that are not more than the whole: nobody can price it otherwise."""
    return usage._replace(
        input_tokens=max(usage.input_tokens, usage.cached_tokens + usage.stored_tokens),
        output_tokens=max(usage.output_tokens, usage.reasoning_tokens),
    )


def _in_its_words(usage: Usage) -> object:
    from genai_prices import Usage as Counted  # noqa: PLC0415 - see above

    return Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.stored_tokens,
        output_reasoning_tokens=usage.reasoning_tokens,
    )
