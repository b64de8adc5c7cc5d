from __future__ import annotations

from pathlib import Path

import click
import pytest

from orchestrator.cli.options import instance
from orchestrator.cli.places import shipped, short
from orchestrator.cli.running import run


def parsed(*arguments: str) -> dict[str, object]:
    return run.make_context("run", list(arguments)).params


@pytest.fixture(autouse=True)
def in_a_folder_with_a_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flow.yaml").write_text("")
    monkeypatch.chdir(tmp_path)


def test_the_flow_is_flow_yaml_unless_another_is_named() -> None:
    assert parsed()["flow"] == "flow.yaml"
    assert parsed("other.yaml")["flow"] == "other.yaml"


def test_where_no_flow_is_named_or_there_the_way_to_one_is_told() -> None:
    Path("flow.yaml").unlink()
    with pytest.raises(click.UsageError, match="orchestrator init"):
        parsed()


def test_simulate_takes_no_word_that_follows() -> None:
    assert parsed("--simulate", "other.yaml")["simulate"] == "all"
    assert parsed("--simulate", "other.yaml")["flow"] == "other.yaml"
    assert parsed("--simulate=models")["simulate"] == "models"
    assert parsed()["simulate"] is None


def test_inputs_are_named_values_and_the_last_one_counts() -> None:
    assert parsed("-i", "a=1", "-i", "b=x=y", "-i", "a=")["inputs"] == {"a": "", "b": "x=y"}


def test_a_deadline_is_a_length_of_time() -> None:
    assert parsed("--deadline", "1h30m")["deadline"] == 5400
    assert parsed("--deadline", "90")["deadline"] == 90


@pytest.mark.parametrize("written", ["nan", "inf", "1e12"])
def test_a_budget_is_an_amount_of_money(written: str) -> None:
    assert parsed("--budget-usd", "0.5")["budget_usd"] == 0.5
    with pytest.raises(click.BadParameter, match="is no amount of money"):
        parsed("--budget-usd", written)


@pytest.mark.parametrize(
    ("written", "task"),
    [
        ("review", "review"),
        ("review:de", "review[de]"),
        ("review[de]", "review[de]"),
        ("a/b:3.11,linux", "a/b[3.11,linux]"),
    ],
)
def test_an_instance_is_written_in_brackets_or_for_shells_with_a_colon(written: str, task: str) -> None:
    assert instance(written) == task


def test_paths_under_home_are_written_short() -> None:
    assert short("/home/me/x", {"HOME": "/home/me"}) == "~/x"
    assert short("/home/meow/x", {"HOME": "/home/me"}) == "/home/meow/x"


def test_what_ships_with_us_is_found() -> None:
    assert (shipped("sample_flows") / "failure_isolation.yaml").is_file()
