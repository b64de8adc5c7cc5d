"""The tour through a fire: what is said when, what is broken and mended, and what the events prove at the end."""
