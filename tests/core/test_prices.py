"""What tokens cost by a declared price."""

import pytest

from orchestrator.core.flow import Price


def test_cached_tokens_cost_what_is_said_of_them() -> None:
    price = Price(3.0, 15.0, cached=0.3, stored=3.75)
    assert price.of(1_000, 100, cached=400, stored=100) == pytest.approx(0.003495)


def test_without_a_word_cached_tokens_cost_what_others_cost() -> None:
    assert Price(3.0, 15.0).of(1_000, 0, cached=400, stored=100) == pytest.approx(0.003)


def test_more_cached_tokens_than_there_are_take_nothing_off() -> None:
    assert Price(3.0, 15.0, cached=0.3).of(100, 0, cached=200) == pytest.approx(0.00006)
