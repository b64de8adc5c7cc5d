"""What the caller of a run overrides, and what is refused of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.errors import FlowError
from orchestrator.flows import check_approvals, check_priced
from tests.flows.fakes import flow_of

ASKING = """
name: asking
tasks:
  publish: {approve: "go?", for_each: [de, fr], shell: "echo {{ item }}"}
  plain: {shell: echo}
"""


def test_approvals_in_advance_name_tasks_or_instances_that_ask(tmp_path: Path) -> None:
    check_approvals(flow_of(tmp_path, ASKING), ["publish", "publish[de]"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("publsh", "there is no such task; did you mean 'publish'?"),
        ("plain", "this task asks for no approval; these ask: publish"),
    ],
)
def test_an_approval_of_what_does_not_ask_is_refused(given: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="--approve") as refused:
        check_approvals(flow_of(tmp_path, ASKING), [given])
    assert said in str(refused.value)


CALLING = """
name: calling
backends:
  paid: {kind: simulated, price: {input: 1, output: 1}, fallback: [free]}
  free: {kind: simulated}
  other: {kind: simulated}
tasks:
  a: {llm: {backend: paid, prompt: hello}}
"""


def test_a_budget_in_dollars_needs_a_price_of_every_backend_that_can_be_called(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, CALLING)
    with pytest.raises(FlowError, match="the backend 'free' has no price; give 'free' a `price"):
        check_priced(flow, lambda spec, _: spec.price is not None)
    check_priced(flow, lambda spec, _: spec.name != "other")


def test_a_budget_in_dollars_needs_a_price_of_every_model_that_a_task_names(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, CALLING.replace("prompt: hello", "prompt: hello, model: strange"))
    with pytest.raises(FlowError, match="the backend 'paid' has no price for 'strange'"):
        check_priced(flow, lambda _, model: model is None)
