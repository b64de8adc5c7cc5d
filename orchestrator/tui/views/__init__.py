"""The views: the ways to look at a run, one of which fills the screen between its tabs and its keys."""
