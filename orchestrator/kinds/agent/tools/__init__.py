"""The tools that come with the program. An agent has none of them unless its task names it."""
