"""Settings of Sphinx, which builds the pages: `make docs`, from the root of the project."""

import locale

import dycore

locale.setlocale(locale.LC_NUMERIC, "C")  # Sphinx takes that of the user, which need not be installed, and cf-units sets it again
project = author = "dycore"
version = release = dycore.__version__
extensions = ["myst_parser", "sphinx_gallery.gen_gallery", "docs.extensions"]
exclude_patterns = ["generated/tutorials/*.ipynb", "generated/tutorials/*.py", "tutorials/*"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nitpicky = True
toc_object_entries = html_use_index = False
html_show_search_summary = False  # it would fetch pages, which browsers refuse to pages of a folder
html_theme = "furo"
html_static_path, html_css_files = ["static"], ["wide.css"]
html_math_renderer = "mathml"
html_title = f"dycore {release}"
html_show_copyright = html_show_sphinx = html_show_sourcelink = html_copy_source = False
highlight_language = "none"  # drawings of cells are no program; what is one says so
pygments_style = "friendly"
sphinx_gallery_conf = {
    "examples_dirs": ["tutorials"], "gallery_dirs": ["generated/tutorials"],
    "filename_pattern": r"\.py$", "ignore_pattern": "__init__", "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True, "show_memory": False, "write_computation_times": False, "min_reported_time": 1e6,
    "image_scrapers": ("docs.extensions.figures",), "remove_config_comments": True, "capture_repr": (), "show_signature": False,
}
