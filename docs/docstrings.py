"""The package as its source text has it: modules, their public functions and classes, docstrings and comments beside fields.

Nothing is imported, so that the pages are the same whatever libraries a machine has.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"dycore.backends": "backends", "dycore.learning": "learning", "dycore": "dycore"}
Named = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class Module(NamedTuple):
    """A file: its name as it is imported, its syntax tree, and its lines."""

    name: str
    tree: ast.Module
    lines: list[str]


@cache
def modules() -> dict[str, Module]:
    """All modules by name, rooms before what they hold."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            if package == "dycore" and parts[0] in ("backends", "benchmarks", "learning"):  # the links
                continue
            name = ".".join((package, *parts)).removesuffix(".__init__")
            text = path.read_text()
            found[name] = Module(name, ast.parse(text), text.splitlines())
    return dict(sorted(found.items()))


def comment(module: Module, node: ast.stmt) -> str:
    """The comment at the end of a statement's line, as a sentence without full stop; none is empty."""
    text = module.lines[node.end_lineno - 1][node.end_col_offset:].strip() if node.end_lineno and node.end_col_offset else ""
    text = "" if text.startswith("# type:") else re.sub(r"\s*# (noqa|type).*", "", text).strip(" #")
    stays = re.match(r"(?:m|s|g|kg)\b|[a-z]*[^a-z\s,;]", text)  # a unit, or a name of the program
    return text if stays else text[:1].upper() + text[1:]


def assigned(node: ast.stmt) -> str:
    """The one name that a statement gives a value or a type, or an empty one."""
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def members(module: Module) -> Iterator[tuple[str, Named]]:
    """Public functions and classes of a module, and constants with a comment beside them, in the order of the file."""
    for node in module.tree.body:
        name = node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else assigned(node)
        if name and not name.startswith("_") and (isinstance(node, ast.FunctionDef | ast.ClassDef) or comment(module, node)):
            yield name, node  # type: ignore[misc]


def methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """Public methods and properties of a class that say what they are."""
    return [part for part in node.body if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
            and ast.get_docstring(part)]


class FieldOf(NamedTuple):
    """A field of a record, with its type, default (None: there is none) and the comment beside it."""

    name: str
    type: str
    default: str | None
    meaning: str


def fields(module: Module, node: ast.ClassDef) -> list[FieldOf]:
    """Fields of a named tuple or a dataclass."""
    return [FieldOf(part.target.id, ast.unparse(part.annotation), ast.unparse(part.value) if part.value else None,
                    comment(module, part))
            for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            and not part.target.id.startswith("_")]


@cache
def objects() -> dict[str, tuple[Module, Named | None]]:
    """All that the pages describe by its full name: modules, functions, classes, methods, fields and constants."""
    found: dict[str, tuple[Module, Named | None]] = {}
    for name, module in modules().items():
        found[name] = module, None
        for member, node in members(module):
            found[f"{name}.{member}"] = module, node
            if isinstance(node, ast.ClassDef):
                found |= {f"{name}.{member}.{method.name}": (module, method) for method in methods(node)}
    return found


@cache
def aliases() -> dict[str, str]:
    """Names by which a module hands on what another one has, such as dycore.Model, and where that is."""
    found: dict[str, str] = {}
    for name, module in modules().items():
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dycore"):
                found |= {f"{name}.{part.asname or part.name}": f"{node.module}.{part.name}" for part in node.names}
    return found


def canonical(name: str) -> str | None:
    """The full name under which an object is described, or None where there is none.

    What a room hands on goes before a module of that name in it, as when it is imported.
    """
    for _ in range(5):
        name = aliases().get(name, name)
        if name in objects():
            return name
        head, _, rest = name, "", ""
        while head and head not in aliases():
            head, _, last = head.rpartition(".")
            rest = f".{last}{rest}"
        if not head:
            return None
        name = aliases()[head] + rest
    return None


def described(name: str) -> str:
    """The docstring of an object, or the comment beside it. Raises ValueError where there is no such object."""
    place = canonical(name)
    if place is None:
        raise ValueError(f"{name} is named in the documentation, but is not there. Correct the name.")
    module, node = objects()[place]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return comment(module, node)
    return ast.get_docstring(node or module.tree) or ""


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`(])", paragraph)[0]
