"""Records of a training: its key, recipe, search and artifact manifest."""
