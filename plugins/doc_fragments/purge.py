# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that can delete what is not listed."""

from __future__ import annotations


class ModuleDocFragment:
    """Purging, and what guards it."""

    DOCUMENTATION = r"""
options:
  purge:
    description:
      - Whether everything of this kind that is not listed is deleted.
      - A purge that has changed something reads everything once more. If something else has changed it in the meantime,
        such as another run, the task fails and says so.
    type: bool
    default: false
  purge_all:
    description:
      - Has to be V(true) to purge with an empty list, so that a variable that came out empty does not wipe a
        deployment.
    type: bool
    default: false
  purge_limit:
    description:
      - Refuse to change anything if a purge would delete more than so many, or more than such a share of what there is,
        such as V(10%). A share is rounded down, so that V(10%) of nine is none.
    type: str
"""
