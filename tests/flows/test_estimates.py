"""What each task comes to at most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.errors import FlowError
from orchestrator.core.flow import Price
from orchestrator.flows import Registry, load_flow
from orchestrator.flows.estimates import TaskEstimate, estimates
from orchestrator.flows.pricing import may_be_priced, price_for
from tests.flows.fakes import BACKENDS, KINDS, Loads, Model, flow_of, registry

HEAD = "backends: {m: {kind: model, model: x, price: {input: 1, output: 2}}, free: {kind: model, model: x}}\n"
PROMPT = "p" * 400


def of(folder: Path, task: str) -> TaskEstimate:
    [found] = estimates(flow_of(folder, f"{HEAD}tasks: {{a: {{{task}}}}}"), registry())
    return found


def test_a_prompt_is_counted_for_each_attempt_of_each_instance(tmp_path: Path) -> None:
    found = of(tmp_path, f"for_each: [x, y], llm: {{backend: m, prompt: {PROMPT}, max_tokens: 50}}")
    assert (found.attempts, found.turns) == (8, 1)
    assert (found.input_tokens, found.output_tokens) == (800, 400)
    assert found.cost_usd == pytest.approx((800 * 1 + 400 * 2) / 1e6)


def test_an_agent_reads_again_what_it_answered_before(tmp_path: Path) -> None:
    task = f"agent: {{backend: m, prompt: {PROMPT}, max_tokens: 50, max_turns: 3}}, retry: {{max_attempts: 1}}"
    found = of(tmp_path, task)
    assert (found.attempts, found.turns) == (1, 3)
    assert (found.input_tokens, found.output_tokens) == (3 * 100 + 50 + 100, 150)


def test_budgets_bound_what_a_task_comes_to(tmp_path: Path) -> None:
    agent = f"backend: m, prompt: {PROMPT}, max_tokens: 50, max_turns: 30"
    found = of(tmp_path, f"agent: {{{agent}, token_budget: 200}}, retry: {{max_attempts: 1}}")
    assert (found.input_tokens, found.output_tokens) == (0, 200)
    found = of(tmp_path, f"agent: {{{agent}}}, budget: {{tokens: 5k, cost_usd: 0.001}}")
    assert (found.tokens, found.cost_usd) == (5_000, 0.001)


def test_what_has_no_price_is_unpriced_and_what_asks_nobody_costs_nothing(tmp_path: Path) -> None:
    assert of(tmp_path, "llm: {backend: free, prompt: hi}").cost_usd is None
    shell = of(tmp_path, "shell: echo")
    assert (shell.attempts, shell.tokens, shell.cost_usd) == (1, 0, 0.0)


# ── prices that a kind knows ────────────────────────────────────────────────────────────────────


class Listed(Model):
    """Models of a provider whose prices ship with the program."""

    name = "listed"
    knows_prices = True


LISTED: type = Listed
PLAIN: type = Model


def listed() -> Registry:
    return registry(Loads(KINDS), Loads(BACKENDS | {"listed": Listed}))


def load(folder: Path, text: str) -> None:
    path = folder / "flow.yaml"
    path.write_text(text, encoding="utf-8")
    load_flow(str(path), listed(), environ={})


KNOWN = "{kind: listed, base_url: 'https://api.openai.com/v1', model: gpt-4o}"
OWN = "{kind: listed, base_url: 'http://127.0.0.1:8080/v1', model: gpt-4o}"
STRANGE = "{kind: listed, base_url: 'https://api.openai.com/v1', model: no-such-model}"


@pytest.mark.parametrize(
    ("backend", "task", "why"),
    [
        (KNOWN, "", None),
        (KNOWN, ", model: gpt-4o-mini", None),
        (KNOWN, ", model: no-such-model", "nobody knows what 'no-such-model' costs at the backend 'b'"),
        (KNOWN, ", model: '{{ inputs.model }}'", None),
        (OWN, "", "nobody knows what 'gpt-4o' costs at the backend 'b'"),
        (STRANGE, "", "nobody knows what 'no-such-model' costs at the backend 'b'"),
        (STRANGE.replace("}", ", price: {input: 1, output: 1}}"), "", None),
    ],
)
def test_a_budget_in_dollars_needs_prices_that_are_really_known(
    backend: str, task: str, why: str | None, tmp_path: Path
) -> None:
    text = f"""
inputs: {{model: {{}}}}
budget: {{cost_usd: 1}}
backends: {{b: {backend}}}
tasks: {{a: {{llm: {{backend: b, prompt: hi, max_tokens: 10{task}}}}}}}
"""
    if why is None:
        load(tmp_path, text)
        return
    with pytest.raises(FlowError) as refused:
        load(tmp_path, text)
    assert f"a budget in dollars cannot be kept: {why}; give 'b' a `price" in str(refused.value)


def test_a_price_is_the_backends_own_or_the_one_that_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(f"backends: {{b: {KNOWN}}}\ntasks: {{a: {{shell: echo}}}}")
    spec = load_flow(str(path), listed(), environ={}).flow.backends["b"]
    found = price_for(spec, LISTED)
    assert found is not None
    assert found.input > 0
    assert price_for(replace(spec, price=Price(7, 8)), LISTED) == Price(7, 8)
    known = replace(spec, prices={"mine": Price(1, 2)})
    assert (price_for(known, LISTED, "mine"), price_for(known, LISTED)) == (Price(1, 2), found)
    assert price_for(known, PLAIN, "mine") == Price(1, 2)
    assert price_for(spec, PLAIN) is None
    assert not may_be_priced(spec, PLAIN, "{{ inputs.model }}")
