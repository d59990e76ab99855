# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account a module works on."""

from __future__ import annotations


class ModuleDocFragment:
    """Address and credentials of the Platform API."""

    DOCUMENTATION = r"""
options:
  platform_url:
    description:
      - The address of the Platform API, such as V(https://HOST/public_api/v1).
      - If not set, the value of the environment variable E(EMQX_PLATFORM_URL) or E(EMQXCLOUD_PLATFORM_ENDPOINT) is
        used.
    type: str
    required: true
  platform_key:
    description:
      - The API key of the account.
      - If not set, the value of the environment variable E(EMQX_PLATFORM_KEY) or E(EMQXCLOUD_PLATFORM_API_KEY) is used.
    type: str
    required: true
  platform_secret:
    description:
      - The secret of O(platform_key).
      - If not set, the value of the environment variable E(EMQX_PLATFORM_SECRET) or E(EMQXCLOUD_PLATFORM_API_SECRET)
        is used.
    type: str
    required: true
notes:
  - O(platform_url), O(platform_key) and O(platform_secret) are best set once for a play, with C(module_defaults) for
    the group C(group/emqx.cloud.platform), or in the environment. Modules read environment variables on the host that
    the task runs on, other plugins on the controller.
  - The Platform API counts calls by the hour. So a call that changes something is sent again only where the connection
    was refused, and no call after HTTP 429 unless the answer says when.
"""
