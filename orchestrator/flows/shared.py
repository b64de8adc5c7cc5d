"""What all flows share: the roles, backends, MCP servers and prices that the configuration declares for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact
from orchestrator.core.flow import EMPTY, Price
from orchestrator.flows.backends import Declared, check_namesakes, read_backends, read_servers, texts_of
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Anything, MapOf, Path
from orchestrator.flows.reading import WRONG, Reader
from orchestrator.flows.registry import Registry
from orchestrator.flows.roles import Role, read_roles
from orchestrator.flows.schema import PRICE
from orchestrator.flows.templating import texts
from orchestrator.templates import TemplateError, parse_template
from orchestrator.yamlsource import Source

SECTIONS: Final = ("backends", "mcp_servers", "roles", "prices")

_SECTION: Final = Reader(MapOf(Anything(), "a map of names"))
_PRICE: Final = Reader(PRICE)


@fact
class Shared:
    """What the files of the configuration declare. The nearer one's backend, server or price counts, as a whole.

    Of roles each file has its own say: `roles` holds them by file, the nearest first.
    """

    declared: Mapping[str, Declared] = field(default_factory=lambda: EMPTY)
    roles: tuple[Mapping[str, Role], ...] = ()
    prices: Mapping[str, Price] = field(default_factory=lambda: EMPTY)
    findings: tuple[Findings, ...] = ()


def read_shared(files: Sequence[tuple[str, Source]], registry: Registry) -> Shared:
    """Return what the files declare, the nearest of which comes first. What is wrong is with the findings."""
    read = [_read(Findings(path, source), registry) for path, source in files]
    prices = {model: price for one in reversed(read) for model, price in one.prices.items()}
    declared = {name: each for one in reversed(read) for name, each in one.declared.items()}
    return Shared(
        declared={name: each.priced(prices) for name, each in declared.items()},
        roles=tuple(one.roles[0] for one in read),
        prices=prices,
        findings=tuple(findings for one in read for findings in one.findings),
    )


def _read(findings: Findings, registry: Registry) -> Shared:
    """Return what one file declares."""
    sections = dict(_sections(findings))
    check_namesakes(sections["backends"], sections["mcp_servers"], findings)
    backends = read_backends(sections["backends"], registry, findings)
    servers = read_servers(sections["mcp_servers"], registry, findings, folder=None)
    declared = {**backends, **servers}
    for each in declared.values():
        section, name = map(str, each.spot.path)
        _check_texts(texts_of(each, sections[section][name]), findings)
    _check_texts(texts(sections["roles"], ("roles",)), findings)
    roles = read_roles(sections["roles"], registry, findings)
    return Shared(declared, (roles,), _prices(sections["prices"], findings), (findings,))


def _sections(findings: Findings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    data = findings.source.data
    for section in SECTIONS:
        written = data.get(section) if isinstance(data, dict) else None
        value = {} if written is None else _SECTION.read(written, (section,), findings)
        yield section, {} if value is WRONG else value


def _prices(data: Mapping[str, Any], findings: Findings) -> dict[str, Price]:
    prices = {model: _PRICE.read(written, ("prices", model), findings) for model, written in data.items()}
    return {model: price for model, price in prices.items() if price is not WRONG}


def _check_texts(written: Iterator[tuple[Path, str]], findings: Findings) -> None:
    """Check that templates name nothing that only a flow has: many flows share what stands here."""
    for path, text in written:
        try:
            references = parse_template(text).references
        except TemplateError as error:
            findings.add_inside(error.message, path, error.offset, error.hint, code=Code.TEMPLATE)
            continue
        for reference in references:
            if reference.path[0] != "env":
                hint = "all flows share this, so it can name `env` alone; move it to the flow"
                message = f"unknown name {str(reference.path[0])!r} in a configuration"
                findings.add_inside(message, path, reference.offset, hint, code=Code.UNKNOWN_NAME)
