"""Agents: models that use tools until they have an answer. `kind` holds the kinds; importing this costs nothing."""
