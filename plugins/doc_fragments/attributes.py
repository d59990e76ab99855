# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules promise."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and says what would change, without changing anything.
  diff_mode:
    description: Returns what has changed, or in C(check_mode) what would change, when in diff mode.
  idempotent:
    description: A second run with the same options changes nothing.
  platform:
    description: Systems the module runs on.
    support: full
    platforms: posix
  action_group:
    description: Takes the defaults of these groups from C(module_defaults).
    support: full
"""

    # A module that brings something to a state.
    STATE = r"""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  action_group:
    membership:
      - emqx.cloud.deployment
"""

    # A module that only reads.
    INFO = r"""
attributes:
  check_mode:
    support: full
    details:
      - This module never changes anything.
  diff_mode:
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    support: full
    details:
      - This module never changes anything.
  action_group:
    membership:
      - emqx.cloud.deployment
"""
