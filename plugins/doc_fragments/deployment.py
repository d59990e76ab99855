# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which deployment a module works on."""

from __future__ import annotations


class ModuleDocFragment:
    """Address and credentials of a deployment."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - The API address of the deployment, as its overview page in the EMQX Cloud console shows it, such as
        V(https://HOST:8443/api/v5).
      - For a self-hosted broker such as V(http://HOST:18083/api/v5) or V(http://HOST:8081/api/v4), which take
        O(allow_http) unless they are on the same host, or better its HTTPS listener.
      - If not set, the value of the environment variable E(EMQX_API_URL) or E(EMQXCLOUD_DEPLOYMENT_ENDPOINT) is used.
    type: str
    required: true
  app_id:
    description:
      - The App ID, or the API key of a self-hosted broker.
      - If not set, the value of the environment variable E(EMQX_APP_ID) or E(EMQXCLOUD_DEPLOYMENT_API_KEY) is used.
    type: str
    required: true
  app_secret:
    description:
      - The App Secret, or the secret key of a self-hosted broker.
      - If not set, the value of the environment variable E(EMQX_APP_SECRET) or E(EMQXCLOUD_DEPLOYMENT_API_SECRET)
        is used.
    type: str
    required: true
  deployment_type:
    description:
      - Whether the deployment has the quotas of Serverless ones, which are then checked before anything is changed.
      - With V(auto) it has them if the host in O(api_url) ends in C(.emqxsl.com) or C(.emqxsl.cn). V(serverless) says
        so of another address; any other type, such as V(dedicated) or V(dedicatedFlex), has none.
      - If not set, the value of the environment variable E(EMQX_DEPLOYMENT_TYPE) is used.
    type: str
    default: auto
notes:
  - O(api_url), O(app_id) and O(app_secret) are best set once for a play, with C(module_defaults) for the group
    C(group/emqx.cloud.deployment), or in the environment. Modules read environment variables on the host that the
    task runs on, other plugins on the controller.
"""
