# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stateful EMQX Cloud on loopback: the Deployment API (v4, v5), the Platform API and MQTT.

What it answers was recorded from real brokers (`tests/contract`). It shares no code with the collection.
"""

from __future__ import annotations

from .faults import Fault
from .http import Request
from .server import Deployment, Platform, Simulator

__all__ = ["Deployment", "Fault", "Platform", "Request", "Simulator"]
