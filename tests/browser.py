"""A page opened in a real browser, without a window: what a test asks of it once its scripts ran."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class Visit(NamedTuple):
    """`page` is Playwright's: `inner_text("body")`, `evaluate("1 + 1")`, `click("th")`, `screenshot(path=...)` and more."""

    page: Any
    errors: list[str]  # of scripts, on the console, and of what could not be loaded
    requests: list[str]  # all addresses asked for but the page's own and what it holds itself (data:)


@contextlib.contextmanager
def visit(address: str | Path, files: Mapping[str, Path] | None = None, size: tuple[int, int] = (1280, 900),
          **context: Any) -> Iterator[Visit]:
    """A page (a file, or an address), loaded until nothing more is asked for; nothing ever leaves the machine.

    `files` answers for the network: of an address that begins with a key, the rest names a file below the folder given for
    it (an empty rest is index.html); a key may also name one file.
    `context` is Playwright's: `color_scheme="dark"`, `is_mobile=True`.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is on the PATH (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    address = address.resolve().as_uri() if isinstance(address, Path) else address
    errors: list[str] = []
    requests: list[str] = []

    def answer(route: Any) -> None:
        url = route.request.url.partition("?")[0].partition("#")[0]
        path = local_file(url, files or {})
        if path is not None:
            route.fulfill(path=path)
        elif url.startswith("file:"):
            route.continue_()
        else:
            route.abort()

    with sync_playwright() as playwright:
        # Root has no sandbox in Chromium, and the pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context).new_page()
        page.route("**/*", answer)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url)
                if request.url != address and not request.url.startswith("data:") else None)
        page.goto(address, wait_until="networkidle")
        try:
            yield Visit(page, errors, requests)
        finally:
            browser.close()


def local_file(url: str, files: Mapping[str, Path]) -> Path | None:
    """The file that answers for an address, by the longest key that it begins with."""
    for beginning in sorted(files, key=len, reverse=True):
        if url.startswith(beginning):
            rest = unquote(url.removeprefix(beginning)).strip("/") or "index.html"
            path = files[beginning] / rest if files[beginning].is_dir() else files[beginning]
            return path if path.is_file() else None
    return None
