# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which deployment a plugin works on.

Plugins list it before the fragment ``deployment`` of the modules, which describes the options: of what stands in both,
the first one counts.
"""

from __future__ import annotations


class ModuleDocFragment:
    """Where a plugin finds address and credentials of a deployment."""

    DOCUMENTATION = r"""
options:
  api_url:
    required: false
    env:
      - name: EMQX_API_URL
      - name: EMQXCLOUD_DEPLOYMENT_ENDPOINT
  app_id:
    required: false
    env:
      - name: EMQX_APP_ID
      - name: EMQXCLOUD_DEPLOYMENT_API_KEY
  app_secret:
    required: false
    env:
      - name: EMQX_APP_SECRET
      - name: EMQXCLOUD_DEPLOYMENT_API_SECRET
  deployment_type:
    env:
      - name: EMQX_DEPLOYMENT_TYPE
"""

    # For plugins that see the variables of a host.
    VARIABLES = r"""
options:
  api_url:
    vars:
      - name: emqx_api_url
  app_id:
    vars:
      - name: emqx_app_id
  app_secret:
    vars:
      - name: emqx_app_secret
  deployment_type:
    vars:
      - name: emqx_deployment_type
"""
