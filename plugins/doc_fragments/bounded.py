# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a long list a result shows."""

from __future__ import annotations


class ModuleDocFragment:
    """The bound of results."""

    DOCUMENTATION = r"""
options:
  result_limit:
    description:
      - How many items each list in RV(ignore:diff), RV(ignore:failures), RV(ignore:applied), and where a result says so
        in others, shows at the most. What is left out is counted, in RV(ignore:failures_left_out) and its like.
    type: int
    default: 1000
"""
