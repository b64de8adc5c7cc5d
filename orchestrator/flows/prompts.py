"""Files of templates that a task names, such as prompts: read with the flow, so that their names are checked too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final

from orchestrator.core.errors import Code
from orchestrator.flows.findings import Findings, data_at
from orchestrator.flows.grammar import has_template
from orchestrator.flows.kinds import file_keys
from orchestrator.flows.names import Place
from orchestrator.flows.tasks import Draft
from orchestrator.flows.templating import Use

MAX_BYTES: Final = 10 << 20


def prompt_files(draft: Draft, place: Place, findings: Findings) -> Iterator[Use]:
    """Yield the templates in the files that the task names; what cannot be read goes to the findings."""
    if draft.sort is None or draft.sort.kind is None:
        return
    for keys in file_keys(draft.sort.node.form):
        path = (*draft.path, draft.sort.name, *keys)
        written, found = data_at(draft.data, path[2:])
        if found == path[2:] and isinstance(written, str) and not has_template(written):
            text = _read(findings, written, path)
            if text is not None and has_template(text):
                yield Use(path, text, place, file=findings.beside(written))


def _read(findings: Findings, name: str, path: tuple[str | int, ...]) -> str | None:
    try:
        with FilePath(findings.beside(name)).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        findings.add(f"the file {name!r} cannot be read: {reason}", path, code=Code.UNREADABLE)
        return None
    if len(data) > MAX_BYTES:
        findings.add(f"the file {name!r} is larger than {MAX_BYTES >> 20} MB", path, code=Code.FLOW_LIMIT)
        return None
    return text
