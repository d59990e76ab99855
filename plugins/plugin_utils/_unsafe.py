# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from an API is no template, on ansible-core before 2.19 as well; what a plugin wrote may be one."""

from __future__ import annotations

from typing import Any

try:
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:  # ansible-core 2.23 and later, where what a filter returns is no template

    def wrap_var(value: Any) -> Any:
        """Return the value as it is."""
        return value


try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, where any text is a template that isn't marked as unsafe

    def trust_as_template(value: str) -> str:
        """Return the text as it is."""
        return value


def no_template(value: Any) -> Any:
    """Return a value of texts, lists and dictionaries that Ansible doesn't evaluate where it comes to be a variable."""
    return wrap_var(value)


def template(text: str) -> str:
    """Return a text that Ansible evaluates where it is used; never one with words of an API in it."""
    trusted: str = trust_as_template(text)
    return trusted
