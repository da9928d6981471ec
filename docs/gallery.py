"""The gallery: a page for each example, with its picture and its source, and one that shows them all."""

import ast
from pathlib import Path

from docs.interface import cell, linked, write_all

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path("pictures")  # made by `python -m docs.pictures`, in docs


def picture_of(name: str, words: str) -> str:
    """Markdown that shows the picture of an example; empty where none is kept."""
    return f"![{words}](/{PICTURES / name}.png)" if (ROOT / "docs" / PICTURES / f"{name}.png").exists() else ""


def title_and_text(path: Path) -> tuple[str, str]:
    """What stands before and after the colon in the first line of an example."""
    title, _, text = (ast.get_docstring(ast.parse(path.read_text())) or "").partition(": ")
    return title, text[:1].upper() + text[1:]


def write_pages(folder: Path) -> None:
    """Write all pages into a folder."""
    paths = sorted((ROOT / "examples").glob("*.py"))
    lines = ["# Gallery", "", "Each picture is drawn by an example, a program to start from.", "",
             "```{toctree}", ":hidden:", "", *(path.stem for path in paths), "```", ""]
    pages = {}
    for path in paths:
        title, text = title_and_text(path)
        picture = picture_of(path.stem, cell(title))
        lines += [f"## [{title}]({path.stem}.md)", "", linked(text), "", picture, ""]
        pages[path.stem] = "\n".join([
            f"# {title}", "", linked(text), "", picture, "", f"`python examples/{path.name} PICTURE.png` draws it.", "",
            "```python", path.read_text().rstrip(), "```", ""])
    write_all(folder, pages | {"index": "\n".join(lines)})
