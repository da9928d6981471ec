"""Builds the reference pages from docstrings: `python docs/reference.py [FOLDER]`; a warning is an error."""

import ast
import importlib
import pkgutil
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pdoc

import dycore

ROOT = Path(__file__).resolve().parents[1]


def modules() -> list[ModuleType]:
    """All of dycore that can be imported here: backends may lack their libraries."""
    found = [dycore]
    for module in pkgutil.walk_packages(dycore.__path__, "dycore."):
        try:
            found.append(importlib.import_module(module.name))
        except ModuleNotFoundError as error:
            print(f"{module.name} is left out: {error}", file=sys.stderr)
    return found


class ArrayLike:
    """Stands for what NumPy makes an array of, whose own type fills half a page."""

    __module__ = "numpy.typing"


def describe_fields(module: ModuleType) -> None:
    """Give the fields of named tuples their types, and the comments beside them as docstrings."""
    text = Path(str(module.__file__)).read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and hasattr(record := getattr(module, node.name), "_fields"):
            record.__new__.__annotations__.update(get_type_hints(record))
            record.__new__.__doc__ = ""
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    comment = text.splitlines()[field.lineno - 1][field.end_col_offset:].strip(" #")
                    getattr(record, field.target.id).__doc__ = comment[:1].upper() + comment[1:]


def landing_page(names: set[str]) -> str:
    """How to start and the map of the code, as the README has them, and what the examples show."""
    readme = (ROOT / "README.md").read_text()
    start = re.findall(r"```python\nfrom.*?```", readme, flags=re.S)[0]
    table = readme.split("## Map of the code")[1].split("\n## ")[0]

    def link(match: re.Match) -> str:
        name = f"dycore.{match[1].strip('/').replace('/', '.')}"
        return f"`{name}`" if name in names else match[0]

    table = re.sub(r"`(?:dycore/)?([\w/]+?)(?:\.py)?`", link, table)
    shown = [f"- `{path.relative_to(ROOT)}`: {ast.get_docstring(ast.parse(path.read_text()))}"
             for path in sorted(ROOT.glob("examples/*.py"))]
    return "\n".join([str(dycore.__doc__), "", start, "", "## Modules", table, "", "## Examples", "", *shown])


def build(folder: Path) -> None:
    """Write the pages into a folder; its index.html leads to them."""
    warnings.simplefilter("error")
    found = modules()
    for module in found:
        if hasattr(module, "ArrayLike"):
            module.ArrayLike = ArrayLike  # type: ignore[attr-defined]
        describe_fields(module)
    dycore.__doc__ = landing_page({module.__name__ for module in found})
    pdoc.render.configure(footer_text=f"dycore {dycore.__version__}")
    pages = {module.__name__: pdoc.doc.Module(module) for module in found}
    files = {f"{name.replace('.', '/')}.html": pdoc.render.html_module(page, pages) for name, page in pages.items()}
    files |= {"index.html": pdoc.render.html_index(pages), "search.js": pdoc.render.search_index(pages)}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


if __name__ == "__main__":
    build(Path(sys.argv[1] if sys.argv[1:] else ROOT / "reference"))
