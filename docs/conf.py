"""Sphinx builds the pages from the whole tree, so that links between README, notebooks and docs/ are the same as in it.

python -m sphinx -c docs . build/docs                                the notebooks are run, with their pictures
python -m sphinx -c docs -D nb_execution_mode=off . build/docs       the text alone

Nothing is fetched: no intersphinx, no fonts; a page whose notebook has sliders names a server for their scripts, and is
whole without it.
"""

from iosim.version import VERSION

project = "iosim"
author = "The iosim authors"
copyright = "the iosim authors, MIT licence"
version = release = VERSION

extensions = ["myst_nb"]
html_theme = "furo"
html_title = f"iosim {VERSION}"
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "benchmarks/README.md", "docs/**.md", "notebooks/*.ipynb"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "auto"  # those without outputs, which are all of them
nb_execution_timeout = 120
nb_execution_raise_on_error = True
# What a link leads to must be there, be it a page, a heading of one or a source file; the tests take its warning for an error.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
