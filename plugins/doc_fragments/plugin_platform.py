# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account a plugin works on.

Plugins list it before the fragment ``platform`` of the modules, which describes the options: of what stands in both,
the first one counts.
"""

from __future__ import annotations


class ModuleDocFragment:
    """Where a plugin finds address and credentials of the Platform API."""

    DOCUMENTATION = r"""
options:
  platform_url:
    required: false
    env:
      - name: EMQX_PLATFORM_URL
      - name: EMQXCLOUD_PLATFORM_ENDPOINT
  platform_key:
    required: false
    env:
      - name: EMQX_PLATFORM_KEY
      - name: EMQXCLOUD_PLATFORM_API_KEY
  platform_secret:
    required: false
    env:
      - name: EMQX_PLATFORM_SECRET
      - name: EMQXCLOUD_PLATFORM_API_SECRET
"""

    # For plugins that see the variables of a host.
    VARIABLES = r"""
options:
  platform_url:
    vars:
      - name: emqx_platform_url
  platform_key:
    vars:
      - name: emqx_platform_key
  platform_secret:
    vars:
      - name: emqx_platform_secret
"""
