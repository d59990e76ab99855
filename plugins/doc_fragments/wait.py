# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that can wait for what they have begun."""

from __future__ import annotations


class ModuleDocFragment:
    """Waiting until something is connected."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until its status is V(connected). What is disabled is not waited for.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait at the most. If it takes longer the task fails, and says the status and its reason.
    type: float
    default: 30
"""
