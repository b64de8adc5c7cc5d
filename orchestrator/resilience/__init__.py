"""The policies, each a small machine alone: no machine knows a task, another machine, a timer or what time it is."""
