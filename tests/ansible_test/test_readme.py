# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README is read on Galaxy as well as in the repository: its links are absolute, and lead somewhere."""

from __future__ import annotations

import re

import pytest
import yaml

from tooling.paths import COPY

README = (COPY / "README.md").read_text(encoding="utf-8")
GALAXY = yaml.safe_load((COPY / "galaxy.yml").read_text())
LINKS = sorted(set(re.findall(r"\]\(([^)\s]+)\)", README)))
FOLDERS = {
    GALAXY["repository"] + "/blob/main/": COPY,
    GALAXY["repository"].replace("//github.com/", "//raw.githubusercontent.com/") + "/main/": COPY,
    GALAXY["documentation"] + "/collections/emqx/cloud/docsite/": COPY / "docs/docsite/rst",
}
ELSEWHERE = {GALAXY["issues"], "https://jmespath.org/"}


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_somewhere(link: str) -> None:
    """Into the repository, or to a page of the site; other places are listed here."""
    if link in ELSEWHERE:
        return
    prefix = next((prefix for prefix in FOLDERS if link.startswith(prefix)), None)
    assert prefix, "neither absolute nor known"
    path, anchor = [*link[len(prefix) :].split("#"), ""][:2]
    target = FOLDERS[prefix] / path
    if prefix.startswith(GALAXY["documentation"]):
        target = target.with_suffix(".rst")
    assert target.is_file()
    if anchor:
        headings = re.findall(r"(?m)^#+ (.+)$", target.read_text(encoding="utf-8"))
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_commands_and_the_picture_are_on_the_first_screen() -> None:
    first = README.splitlines()[:25]
    for words in ("make demo", "make test", "docs/demo.svg"):
        assert any(words in line for line in first), words


def test_roles_and_playbooks_are_listed() -> None:
    section = README.partition("\n## Roles and playbooks\n")[2].partition("\n## ")[0]
    roles, playbooks = section.split("| playbook |")
    assert sorted(re.findall(r"(?m)^\| \[`emqx\.cloud\.(\w+)`\]", roles)) == _names("roles/*")
    assert sorted(re.findall(r"(?m)^\| `emqx\.cloud\.(\w+)`", playbooks)) == _names("playbooks/*.yml")


def test_plugins_for_playbooks_are_listed() -> None:
    """Those of the collection's own roles and playbooks are not."""
    section = README.partition("\n## Plugins\n")[2].partition("\n## ")[0]
    firsts = " ".join(re.findall(r"(?m)^\| (`[^|]+)\|", section))
    kinds = ("inventory", "lookup", "test")
    wanted = ["acl_decision", *(name for kind in kinds for name in _names(f"plugins/{kind}/*.py"))]
    assert sorted(re.findall(r"`emqx\.cloud\.(\w+)`", firsts)) == sorted(wanted)


def _names(pattern: str) -> list[str]:
    return sorted(path.stem for path in COPY.glob(pattern))


def test_the_table_of_versions_is_linked_where_there_is_one() -> None:
    """`make release-check` writes it."""
    assert (COPY / "docs/compatibility.md").exists() == ("/docs/compatibility.md)" in README)
