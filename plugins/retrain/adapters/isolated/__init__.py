"""Work on a stored model in a child process, which may crash without harm."""
