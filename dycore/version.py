"""The version of this package."""

import importlib.metadata

try:
    VERSION = importlib.metadata.version("dycore")  # that of the tag from which it was installed
except importlib.metadata.PackageNotFoundError:
    VERSION = "0.1.0"  # a tree that is not installed: fallback_version of pyproject.toml
