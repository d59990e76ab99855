# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site: what ansible-doc knows, and the guides, as HTML."""

from __future__ import annotations

import shutil
from pathlib import Path

from .environments import VENVS, variables
from .paths import BUILD, COPY, output_of

FOLDER = BUILD / "docs"


def build() -> Path:
    """Build the site from the copy that tests run in; a warning is a failure.

    :returns: its first page.
    :raises ToolError: with what was printed, if anything is wrong with the documentation.
    """
    source = FOLDER / "rst"
    shutil.rmtree(FOLDER, ignore_errors=True)
    source.mkdir(parents=True, mode=0o755)  # antsibull-docs refuses a folder that others may write to
    site = COPY / "docs" / "site"
    shutil.copy2(site / "index.rst", source)
    programs = VENVS / "docs" / "bin"
    words = ["--use-current", "--fail-on-error", "--dest-dir", str(source), "emqx.cloud"]
    settings = site / "antsibull-docs.cfg"
    output_of([programs / "antsibull-docs", "--config-file", settings, "collection", *words], env=variables("docs"))
    words = ["-q", "-W", "--keep-going", "-j", "auto", "-b", "html", "-c", str(site)]
    output_of([programs / "sphinx-build", *words, source, FOLDER / "html"], env=variables("docs"))
    return FOLDER / "html" / "index.html"
