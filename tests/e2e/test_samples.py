"""Every sample does what its first lines promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import SAMPLES, none_alive, piped


def run(name: str, *arguments: str, state: Path) -> tuple[int, dict[str, Any]]:
    done = piped("run", str(SAMPLES / name), "--output", "json", "--seed", "7", *arguments, state=state)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def states(report: dict[str, Any], group: str) -> set[str]:
    return {task["state"] for task in report["tasks"].values() if task["group"] == group}


def test_a_burning_backend_stays_contained(tmp_path: Path) -> None:
    status, report = run("failure_isolation.yaml", state=tmp_path)
    assert (status, report["outcome"]) == (1, "failed")
    assert states(report, "writing") == {"succeeded"}
    assert states(report, "building") == {"succeeded"}
    tasks = report["tasks"]
    assert tasks["merge"]["state"] == "skipped"
    assert tasks["page"]["state"] == "failed"
    kinds = {task["error"]["kind"] for task in tasks.values() if task["group"] == "scraping" and task["error"]}
    assert "breaker" in kinds
    assert report["backends"]["web"]["breaker"] in ("open", "half_open")
    assert tasks["price_list"]["backend"] == "archive"
    assert tasks["unit_tests"]["attempts"] == 2
    assert "tasks failed" in report["outputs"]["report"]
    assert 20 <= report["duration_s"] <= 45


def test_retries_and_breakers_end_well(tmp_path: Path) -> None:
    status, report = run("retries_and_breakers.yaml", state=tmp_path)
    assert (status, report["outcome"]) == (0, "degraded")
    assert report["outputs"] == {"tries_of_stumbles": 3, "tries_of_breaks": 3}
    assert report["backends"]["database"]["breaker"] == "closed"
    assert report["backends"]["database"]["failures"] >= 5
    assert {report["tasks"][f"impatient[{label}]"]["state"] for label in "abcd"} == {"failed"}
    assert report["duration_s"] <= 15


def test_rate_limits_are_kept(tmp_path: Path) -> None:
    status, report = run("rate_limits.yaml", state=tmp_path)
    assert (status, report["totals"]["succeeded"]) == (0, 40)
    assert report["duration_s"] >= 3.0
    assert report["duration_s"] <= 15


def test_a_spent_budget_gives_its_own_status(tmp_path: Path) -> None:
    status, report = run("budgets.yaml", state=tmp_path)
    assert status == 4
    assert states(report, "letters") == {"succeeded"}
    errors = [task["error"] for task in report["tasks"].values() if task["error"]]
    assert "ORC-401" in {error["code"] for error in errors}
    assert 0 < report["outputs"]["spent_usd"] < 1
    assert report["duration_s"] <= 15


def test_one_task_becomes_many(tmp_path: Path) -> None:
    status, report = run("fan_out.yaml", state=tmp_path)
    assert status == 0
    assert {"translation[de]", "review[ja]", "word[mill]", "check[3.11,linux]", "check[3.14,linux]"} <= set(
        report["tasks"]
    )
    assert "check[3.13,macos]" not in report["tasks"]
    assert len(report["outputs"]["reviews"]) == 3
    assert report["duration_s"] <= 15


def test_approvals_are_refused_before_the_first_task_unless_given(tmp_path: Path) -> None:
    refused = piped("run", str(SAMPLES / "approvals.yaml"), state=tmp_path)
    assert refused.returncode == 2
    assert "--approve" in refused.stderr
    status, report = run("approvals.yaml", "--approve-all", state=tmp_path)
    assert (status, report["outputs"]) == (0, {"result": "done"})


def test_no_value_becomes_part_of_a_command(tmp_path: Path) -> None:
    hostile = f"""$(touch {tmp_path}/pwned); '" {{{{ 7*7 }}}}"""
    status, report = run("shell_pipeline.yaml", "-i", f"name={hostile}", state=tmp_path)
    assert status == 0
    assert report["tasks"]["greeting"]["output"]["stdout"] == f"Hello, {hostile}!"
    assert report["outputs"]["sum"] == 78
    assert "largest: 12 11 10" in report["outputs"]["summary"]
    assert not (tmp_path / "pwned").exists()


def test_http_is_checked_against_a_server_that_goes_with_the_run(tmp_path: Path) -> None:
    status, report = run("http_checks.yaml", state=tmp_path)
    assert status == 0
    assert report["outputs"] == {"health": 200, "tries_of_flaky": 2, "note": "written by http-checks"}
    assert report["duration_s"] <= 15
    assert none_alive(str(tmp_path))


def test_a_flow_runs_other_flows(tmp_path: Path) -> None:
    status, report = run("subflows.yaml", state=tmp_path)
    assert status == 0
    assert {"german/draft", "german/check", "french/draft"} <= set(report["tasks"])
    assert "(The bridge is closed on Sunday. in French)" in report["outputs"]["notice"]
    assert {"translator", "german/checker", "french/checker"} <= set(report["backends"])


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_sample_can_be_simulated(path: Path, tmp_path: Path) -> None:
    done = piped("run", str(path), "--simulate", "--approve-all", "--output", "json", state=tmp_path)
    assert done.returncode in (0, 1, 4), done.stderr
    assert "bug" not in {task["error"]["kind"] for task in json.loads(done.stdout)["tasks"].values() if task["error"]}


def test_a_code_review_can_be_tried_without_a_key(tmp_path: Path) -> None:
    status, report = run("code_review.yaml", "--simulate", state=tmp_path)
    assert (status, report["outcome"]) == (0, "succeeded")
    reviews = [task["output"] for name, task in report["tasks"].items() if name.startswith("review[")]
    assert [review["data"]["findings"][0]["severity"] for review in reviews] == ["high"] * 3


def test_translations_are_reviewed_one_by_one(tmp_path: Path) -> None:
    status, report = run("translate.yaml", "--simulate", "-i", "languages=de,fr", state=tmp_path)
    assert status == 0
    assert {"translation[de]", "review[fr]", "check[de]"} <= set(report["tasks"])


def test_a_team_starts_its_researchers_itself(tmp_path: Path) -> None:
    status, report = run("research_team.yaml", "--simulate", state=tmp_path)
    assert (status, report["outcome"]) == (0, "succeeded")
    assert report["tasks"]["plan/researcher"]["state"] == "succeeded"
    assert report["tasks"]["plan"]["output"]["tool_calls"] == 1
    assert not (Path(__file__).parents[2] / "sample_flows/out").exists()


def test_agents_use_real_tools_and_write_nothing_unasked(tmp_path: Path) -> None:
    status, report = run("agents.yaml", state=tmp_path)
    assert (status, report["outcome"]) == (0, "succeeded")
    assert report["tasks"]["read"]["output"]["tool_calls"] == 4
    assert report["tasks"]["read/researcher"]["state"] == "succeeded"
    assert not (SAMPLES / "out").exists()
