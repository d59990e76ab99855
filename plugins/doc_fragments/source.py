# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long list from a file."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of modules whose list may come from a file."""

    DOCUMENTATION = r"""
options:
  src:
    description:
      - A file that holds the list, instead of the option for it. It is read where Ansible runs, and found as
        M(ansible.builtin.copy) finds one, in C(files/) for example. It may be encrypted with Ansible Vault.
      - Either JSON, a list of objects with the suboptions of that option, or CSV, a first line that names suboptions as
        columns and a line for each item, separated by commas. Both in UTF-8. An empty field of a CSV file counts as not
        given.
      - From some thousand items on this is the way. As a variable they pass through Ansible's own templates first,
        which takes longer than all that the module does.
    type: path
"""
