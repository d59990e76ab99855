# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the connection of plugins.

Plugins list it before the fragment ``connection`` of the modules, which describes the options: of what stands in both,
the first one counts.
"""

from __future__ import annotations


class ModuleDocFragment:
    """Where a plugin finds how requests are made."""

    DOCUMENTATION = r"""
options:
  api_version:
    env:
      - name: EMQX_API_VERSION
  validate_certs:
    env:
      - name: EMQX_VALIDATE_CERTS
  ca_path:
    env:
      - name: EMQX_CA_PATH
  client_cert:
    env:
      - name: EMQX_CLIENT_CERT
  client_key:
    env:
      - name: EMQX_CLIENT_KEY
  timeout:
    env:
      - name: EMQX_TIMEOUT
  retries:
    env:
      - name: EMQX_RETRIES
  retry_wait_max:
    env:
      - name: EMQX_RETRY_WAIT_MAX
  rate_limit:
    env:
      - name: EMQX_RATE_LIMIT
  max_connections:
    env:
      - name: EMQX_MAX_CONNECTIONS
  allow_http:
    env:
      - name: EMQX_ALLOW_HTTP
"""

    # For plugins that see the variables of a host.
    VARIABLES = r"""
options:
  api_version:
    vars:
      - name: emqx_api_version
  validate_certs:
    vars:
      - name: emqx_validate_certs
  ca_path:
    vars:
      - name: emqx_ca_path
  client_cert:
    vars:
      - name: emqx_client_cert
  client_key:
    vars:
      - name: emqx_client_key
  timeout:
    vars:
      - name: emqx_timeout
  retries:
    vars:
      - name: emqx_retries
  retry_wait_max:
    vars:
      - name: emqx_retry_wait_max
  rate_limit:
    vars:
      - name: emqx_rate_limit
  max_connections:
    vars:
      - name: emqx_max_connections
  allow_http:
    vars:
      - name: emqx_allow_http
"""
