"""Templates: parsed once, rendered in one pass, never parsed again.

`{{ a.b[0].c }}` and `${inputs.x}` are looked up directly; only what has operators, filters, loops or conditions goes
to Jinja2, which is imported when the first such template is met. Shell commands keep values apart from their text.
"""

from __future__ import annotations

from orchestrator.templates.argv import check_argv
from orchestrator.templates.data import references_of, render_argv, render_data
from orchestrator.templates.errors import CutError, TemplateError
from orchestrator.templates.paths import Reference
from orchestrator.templates.shell import ShellTemplate, compile_shell
from orchestrator.templates.template import Template, parse_expression, parse_template
from orchestrator.templates.values import json_of, text_of

compile_expression = parse_expression

__all__ = [
    "CutError",
    "Reference",
    "ShellTemplate",
    "Template",
    "TemplateError",
    "check_argv",
    "compile_expression",
    "compile_shell",
    "json_of",
    "parse_expression",
    "parse_template",
    "references_of",
    "render_argv",
    "render_data",
    "text_of",
]
