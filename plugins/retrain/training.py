"""What a package's trainer needs beside its library: the project's code, digests, and the recipe in a model's folder."""

from retrain.adapters.recipe_folder import read_recipe, write_recipe
from retrain.adapters.user_code.project_code import find_code, import_from
from retrain.core.digest import digest_files, digest_json

__all__ = ["digest_files", "digest_json", "find_code", "import_from", "read_recipe", "write_recipe"]
