# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site that `make docs` builds."""

from __future__ import annotations

project = "emqx.cloud"
title = "emqx.cloud"
html_short_title = "emqx.cloud"

extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_show_copyright = False
html_show_sphinx = False
html_use_index = False
html_copy_source = False
default_role = "any"

# A reference that leads nowhere is an error, but those into Ansible's own documentation, which isn't read: a build
# needs no network.
nitpicky = True
nitpick_ignore = [
    ("std:ref", label) for label in ("action_plugins", "ansible_configuration_settings", "common_return_values")
]
nitpick_ignore_regex = [
    ("std:ref", r"ansible_collections\.(ansible|awx|community)\..*"),
    ("std:envvar", r"ANSIBLE_.*"),
]
