# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of info modules."""

from __future__ import annotations


class ModuleDocFragment:
    """Bounding and shaping rows."""

    DOCUMENTATION = r"""
options:
  limit:
    description:
      - How many rows are wanted at the most. No more pages are read than it takes to find them. Without it everything
        is read, page by page.
    type: int
  query:
    description:
      - A L(JMESPath, https://jmespath.org/) expression that is applied to the list of rows.
      - Needs the Python library C(jmespath).
    type: str
requirements:
  - jmespath, for O(query)
"""
