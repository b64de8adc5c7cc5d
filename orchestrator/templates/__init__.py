"""Templates: parsed once, rendered in one pass, never parsed again.

`{{ a.b[0].c }}` and `${inputs.x}` are looked up directly; only what has operators, filters, loops or conditions goes
to Jinja2, which is imported when the first such template is met.
"""

from __future__ import annotations

from orchestrator.templates.data import references_of, render_argv, render_data
from orchestrator.templates.errors import TemplateError
from orchestrator.templates.paths import Reference
from orchestrator.templates.template import Template, compile_expression, parse_template

__all__ = [
    "Reference",
    "Template",
    "TemplateError",
    "compile_expression",
    "parse_template",
    "references_of",
    "render_argv",
    "render_data",
]
