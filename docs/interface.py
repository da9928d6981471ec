"""Pages of the interface, one for each file or room of the package, as Markdown that MyST reads."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from docs.docstrings import FieldOf, Module, canonical, comment, fields, first_sentence, members, methods, modules, objects

# a name as code, other code (a command, say) which stays as it is, or a name alone
NAME = re.compile(r"`(dycore(?:\.\w+)+)(?:\(\))?`|`[^`\s][^`]*[^`\s]`|(?<![\w./`-])(dycore(?:\.[A-Za-z_]\w*)+)(?![\w/-]|\.\w)")


def page_of(name: str) -> str:
    """The page on which a module is: its own for a file beside dycore/__init__.py, that of its room for others."""
    parts = name.split(".")
    if parts[1:2] == ["backends"]:
        return ".".join(parts[:3]) if len(parts) > 2 and f"{'.'.join(parts[:3])}" in rooms() else "dycore.backends"
    return ".".join(parts[:2])


def rooms() -> set[str]:
    """Modules that hold others."""
    return {name.rpartition(".")[0] for name in modules()}


def linked(text: str) -> str:
    """Text in which the names of what the pages have are links, but not within code. Raises ValueError for others."""
    def link(match: re.Match) -> str:
        name = match[1] or match[2]
        if name is None:
            return match[0]
        place = canonical(name)
        if place is None:
            parent, _, field = name.rpartition(".")
            if canonical(parent) is None or not is_field(str(canonical(parent)), field):
                raise ValueError(f"{name} is named in a docstring, but is not there. Correct the name.")
            place = canonical(parent)
        return f"{{py:obj}}`{name} <{place}>`"

    lines, fenced = [], False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        code = fenced or line.startswith("    ")
        lines.append(line if code else NAME.sub(link, line))
    return "\n".join(lines)


def is_field(name: str, field: str) -> bool:
    """Whether a module or a record has a field or a name of its own that the pages do not list by itself."""
    module, node = objects()[name]
    body = node.body if isinstance(node, ast.ClassDef) else module.tree.body if node is None else []
    return any(re.search(rf"\b{field}\b", ast.unparse(part).split("=")[0]) for part in body)


def cell(text: str) -> str:
    """Text as a cell of a table."""
    return text.replace("|", "\\|")


def code(text: str) -> str:
    """Text as code in a cell of a table; none is empty."""
    return f"`{cell(text)}`" if text else ""


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a table of Markdown."""
    return [f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows)] + [""]


def table_of_fields(found: list[FieldOf]) -> list[str]:
    """Fields of a record, with defaults where any has one."""
    return table(("field", "type", "default", "what"),
                 [(code(each.name), code(each.type), "" if each.default is None else code(each.default), linked(cell(each.meaning)))
                  for each in found])


def directive(kind: str, signature: str, body: list[str], colons: int = 6) -> list[str]:
    """Lines of a directive of the Python domain."""
    fence = ":" * colons
    return [f"{fence}{{py:{kind}}} {signature}", "", *body, fence, ""]


def function(node: ast.FunctionDef, kind: str = "function") -> list[str]:
    """A function or method with its signature and docstring."""
    if any(ast.unparse(decorator) == "property" for decorator in node.decorator_list):
        kind, arguments = "property", ""
    else:
        arguments = f"({ast.unparse(node.args)})"
        arguments = re.sub(r"^\(self(, )?", "(", arguments) if kind == "method" else arguments
        arguments += f" -> {ast.unparse(node.returns)}" if node.returns else ""
    colons = 6 if kind == "function" else 5
    return directive(kind, node.name + arguments, linked(ast.get_docstring(node) or "").splitlines(), colons)


def record(module: Module, node: ast.ClassDef) -> list[str]:
    """A class with its fields and public methods."""
    made = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    arguments = re.sub(r"^self(, )?", "", ast.unparse(made[0].args)) if made else ", ".join(
        each.name for each in fields(module, node))
    body = [*linked(ast.get_docstring(node) or "").splitlines(), ""]
    if any(each.meaning or not made for each in fields(module, node)):
        body += table_of_fields(fields(module, node))
    for method in methods(node):
        body += function(method, "method")
    return directive("class", f"{node.name}({arguments})", body, 7)


def module_text(module: Module, level: int) -> str:
    """A module: its docstring, and what is public in it."""
    lines = [f"{'#' * level} {module.name}", "", f"```{{py:module}} {module.name}", "```", "",
             linked(ast.get_docstring(module.tree) or ""), ""]
    for name, node in members(module):
        if isinstance(node, ast.FunctionDef):
            lines += function(node)
        elif isinstance(node, ast.ClassDef):
            lines += record(module, node)
        else:
            kind = ast.unparse(node.value) if isinstance(node, ast.Assign) and len(ast.unparse(node.value)) < 60 else ""
            lines += directive("data", name, [(f"`{kind}` : " if kind else "") + linked(comment(module, node))])
    return "\n".join(lines)


def write_pages(folder: Path) -> None:
    """Write all pages, and one that leads to them in the order of their names, into a folder."""
    pages: dict[str, list[str]] = {}
    for name, module in modules().items():
        texts = pages.setdefault(page_of(name), [])
        texts.append(module_text(module, 2 if texts else 1))
    rows = [(f"[{name}]({name}.md)", linked(cell(first_sentence(ast.get_docstring(modules()[name].tree) or ""))))
            for name in pages]
    toctree = ["```{toctree}", ":hidden:", "", *pages, "```", ""]
    pages["modules"] = ["\n".join(["# All modules", "", *toctree, *table(("module", "what"), rows)])]
    write_all(folder, {name: "\n\n".join(texts) for name, texts in pages.items()})


def write_all(folder: Path, pages: dict[str, str]) -> None:
    """Write pages by name into a folder, and take away those that it has of what is no longer there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        write_if_new(folder / f"{name}.md", text)


def write_if_new(path: Path, text: str) -> None:
    """Write a page unless it says the same already: what is not written anew is not read anew."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
