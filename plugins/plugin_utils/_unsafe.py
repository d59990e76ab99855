# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a filter returns of a device's words is no template, on ansible-core before 2.19 as well."""

from __future__ import annotations

from typing import Any

try:
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:  # ansible-core 2.23 and later, where what a filter returns is no template

    def wrap_var(value: Any) -> Any:
        """Return the value as it is."""
        return value


def no_template(value: Any) -> Any:
    """Return a value of texts, lists and dictionaries that Ansible doesn't evaluate where it comes to be a variable."""
    return wrap_var(value)
