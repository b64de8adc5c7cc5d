"""Labels are names, of files too: none of them tells a secret."""

from __future__ import annotations

from orchestrator.engine.expansion import Instance, without_secrets
from orchestrator.engine.redact import Redactor

INSTANCES = [Instance("plain", {"item": "plain", "label": "plain"}), Instance("hunter2", {"item": "hunter2"})]


def test_labels_that_would_tell_a_secret_are_all_indexes() -> None:
    hidden = without_secrets(INSTANCES, Redactor(["hunter2"]).text)
    assert [(one.label, one.bindings["label"], one.bindings["item"]) for one in hidden] == [
        ("0", "0", "plain"),
        ("1", "1", "hunter2"),
    ]


def test_labels_without_secrets_stay() -> None:
    assert without_secrets(INSTANCES, Redactor(["other secret"]).text) is INSTANCES
