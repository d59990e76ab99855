# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of the module of this name."""

from __future__ import annotations

from ansible_collections.emqx.cloud.plugins.action import api
from ansible_collections.emqx.cloud.plugins.modules import tls_certificate


class ActionModule(api.ActionModule):
    """See :class:`api.ActionModule`."""

    code = tls_certificate
