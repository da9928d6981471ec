"""What the pages have of their own: pages that are made from the package, tables of names and of fields, formulas."""

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective
from sphinx_gallery.scrapers import figure_rst

from docs import catalogue, command_line, gallery, interface, mathml
from docs.docstrings import assigned, canonical, described, fields, first_sentence, objects


class Names(SphinxDirective):
    """A table of objects, one a line of the content: a link, and the first sentence about each."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        rows = [(f"{{py:obj}}`{name} <{canonical(name)}>`",
                 interface.linked(interface.cell(first_sentence(described(name))))) for name in filter(None, self.content)]
        return self.parse_text_to_nodes("\n".join(interface.table(("", ""), rows)))


class Fields(SphinxDirective):
    """The table of fields of a record: name, type, default and the comment beside it in the source."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module, node = objects()[str(canonical(self.arguments[0]))]
        if not isinstance(node, ast.ClassDef):
            raise self.error(f"{self.arguments[0]} is no record.")
        return self.parse_text_to_nodes("\n".join(interface.table_of_fields(fields(module, node))))


def figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """The pictures of a block of a tutorial, as text that shows them: figures of matplotlib to which the block gives a name."""
    names = block_vars["example_globals"]
    drawn = [name for name in assigned_in(block[1]) if type(names.get(name)).__name__ == "Figure"]
    paths = [next(block_vars["image_path_iterator"]) for _ in drawn]
    for name, path in zip(drawn, paths, strict=True):
        names[name].savefig(path, dpi=90)
    return figure_rst(paths, gallery_conf["src_dir"], "picture")


def assigned_in(program: str) -> list[str]:
    """The names to which the statements of a program give a value."""
    return [name for node in ast.parse(program).body if (name := assigned(node))]


def generate(app: Any) -> None:
    """Write the pages that are made from the package into docs/generated."""
    folder = Path(app.srcdir) / "generated"
    interface.write_pages(folder / "modules")
    command_line.write_page(folder / "command_line.md")
    catalogue.write_page(folder / "cases.md")
    gallery.write_pages(folder / "examples")


def resolve_types(app: Any, doctree: nodes.document) -> None:
    """Give names in texts, and types in signatures, by what their module imports, the full names under which the pages have
    them. Types of other libraries are no links."""
    for node in list(doctree.findall(pending_xref)):
        if node.get("reftype") == "obj":
            node["reftarget"] = canonical(node["reftarget"]) or node["reftarget"]
        elif node.get("reftype") == "class":
            place = canonical(f"{node['py:module']}.{node['reftarget']}") if node.get("py:module") else None
            if place is None:
                node.replace_self(node.children)
            else:
                node["reftarget"], node["refspecific"] = place, False


def setup(app: Any) -> dict[str, bool]:
    """Register all with Sphinx."""
    app.add_directive("names", Names)
    app.add_directive("fields", Fields)
    app.connect("builder-inited", generate)
    app.connect("doctree-read", resolve_types)
    return mathml.setup(app)
