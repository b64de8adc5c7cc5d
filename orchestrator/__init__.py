"""Runs many agent tasks in parallel from one YAML file and shows them live in the terminal."""

__version__ = "0.1.0"
