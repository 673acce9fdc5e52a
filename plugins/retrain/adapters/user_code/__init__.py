"""A project's own code: modules, gates and what they are made of."""
