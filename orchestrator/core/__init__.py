"""Plain values and pure functions: what a flow is, what can happen in a run, and how what happened folds."""
