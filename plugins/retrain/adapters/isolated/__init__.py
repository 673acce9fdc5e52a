"""Work on a stored model in a process of its own."""
