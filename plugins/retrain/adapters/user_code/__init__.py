"""The code of projects and packages: their modules, and their gates."""
