"""What models cost, by the list that ships with the program."""

import subprocess
import sys

import pytest
from genai_prices import Usage as Counted
from genai_prices import calc_price

from orchestrator.core.flow import Price
from orchestrator.core.model import Usage
from orchestrator.models.prices import cost_of, price_of, window_of

ANTHROPIC = "https://api.anthropic.com"


@pytest.mark.parametrize(
    ("hint", "model"),
    [
        (ANTHROPIC, "claude-sonnet-4-5"),
        (ANTHROPIC, "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "anthropic/claude-sonnet-4-5"),
        (None, "claude-sonnet-4-5"),
        (None, "anthropic/claude-sonnet-4-5"),
        ("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4.5"),
    ],
)
def test_a_model_is_found_however_it_is_named(hint: str | None, model: str) -> None:
    assert price_of(hint, model) == Price(3.0, 15.0, 0.3, 3.75)


@pytest.mark.parametrize(
    ("hint", "model"),
    [
        (ANTHROPIC, "a-model-that-nobody-has"),
        ("openai", "qwen3"),
        (None, "qwen3"),
        ("nobody", "gpt-4o"),
        ("http://127.0.0.1:11434/v1", "gpt-4o"),
        ("http://127.0.0.1:8000/v1", "mistralai/Mistral-7B-Instruct"),
        ("openai", "text-embedding-3-small"),
        ("openai", ""),
        ("azure", "mai-ds-r1:free"),
    ],
)
def test_what_nobody_knows_the_price_of_has_none(hint: str | None, model: str) -> None:
    assert price_of(hint, model) is None
    assert cost_of(hint, model, Usage(1_000, 1_000)) is None


def test_cached_tokens_cost_less_and_stored_ones_more() -> None:
    usage = Usage(1_000, 100, cached_tokens=400, stored_tokens=100)
    assert cost_of(ANTHROPIC, "claude-sonnet-4-5", usage) == pytest.approx(0.003495)


def test_reasoning_is_part_of_what_was_written() -> None:
    plain, thoughtful = Usage(1_000, 100), Usage(1_000, 100, reasoning_tokens=90)
    assert cost_of("openai", "gpt-5-mini", plain) == cost_of("openai", "gpt-5-mini", thoughtful)


def test_reasoning_has_a_price_of_its_own_where_there_is_one() -> None:
    model = "perplexity/sonar-deep-research"
    plain, thoughtful = Usage(1_000, 100), Usage(1_000, 100, reasoning_tokens=90)
    assert cost_of("openrouter", model, plain) != cost_of("openrouter", model, thoughtful)


def test_a_long_prompt_costs_what_long_prompts_cost() -> None:
    usage = Usage(250_000, 10)
    assert cost_of(ANTHROPIC, "claude-sonnet-4-5", usage) == pytest.approx((250_000 * 6 + 10 * 22.5) / 1e6)


@pytest.mark.parametrize(
    ("hint", "model"),
    [
        ("anthropic", "claude-opus-4-5"),
        ("anthropic", "claude-2"),
        ("anthropic", "claude-3-haiku"),
        ("openai", "gpt-4.1"),
        ("openai", "gpt-4o"),
        ("openai", "gpt-5-mini"),
        ("arcee", "deepseek/deepseek-v4-flash-latest"),
        ("deepseek", "deepseek-chat"),
        ("google", "gemini-2.5-pro"),
        ("perplexity", "sonar"),
    ],
)
def test_a_cost_is_the_one_that_the_list_itself_calculates(hint: str, model: str) -> None:
    usage = Usage(123_456, 7_890, cached_tokens=20_000, stored_tokens=3_000, reasoning_tokens=1_000)
    counted = Counted(
        input_tokens=123_456,
        output_tokens=7_890,
        cache_read_tokens=20_000,
        cache_write_tokens=3_000,
        output_reasoning_tokens=1_000,
    )
    expected = float(calc_price(counted, model, provider_id=hint).total_price)
    assert cost_of(hint, model, usage) == pytest.approx(expected)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(100, 0, cached_tokens=200),
        Usage(100, 0, cached_tokens=60, stored_tokens=60),
        Usage(0, 10, reasoning_tokens=20),
    ],
)
def test_usage_that_does_not_add_up_still_costs_something(usage: Usage) -> None:
    assert cost_of(ANTHROPIC, "claude-sonnet-4-5", usage)


def test_how_much_a_model_reads_is_known_of_known_models() -> None:
    assert window_of(ANTHROPIC, "claude-sonnet-4-5") == 200_000
    assert window_of(ANTHROPIC, "nobody") is None


def test_the_list_is_loaded_by_who_asks_for_a_price() -> None:
    program = "import sys, orchestrator.models.prices; print('genai_prices' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "False"
