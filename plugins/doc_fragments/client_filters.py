# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say which clients are meant."""

from __future__ import annotations


class ModuleDocFragment:
    """What the API can be asked about clients, but for their state."""

    DOCUMENTATION = r"""
options:
  clientid:
    description:
      - Only the client with this id.
    type: str
  username:
    description:
      - Only clients that connected with this user name.
    type: str
  ip_address:
    description:
      - Only clients that connect from this IP address, written in full.
    type: str
  clean_start:
    description:
      - Only clients that connected with this clean start (clean session) flag.
    type: bool
  proto_name:
    description:
      - Only clients with this protocol, such as V(MQTT) or V(MQTT-SN).
    type: str
  proto_ver:
    description:
      - Only clients with this version of the protocol, V(3) for MQTT 3.1, V(4) for MQTT 3.1.1, V(5) for MQTT 5.
    type: int
  zone:
    description:
      - Only clients in this zone.
    type: str
  node:
    description:
      - Only clients that are connected to this node.
    type: str
  like_clientid:
    description:
      - Only clients whose id contains this text. Upper and lower case differ.
    type: str
  like_username:
    description:
      - Only clients whose user name contains this text. Upper and lower case differ.
    type: str
  connected_after:
    description:
      - Only clients that connected at this time or later. RFC 3339, epoch seconds, or how long ago, such as V(90s),
        V(2h) or V(7d).
    type: str
  connected_before:
    description:
      - Only clients that connected at this time or earlier; written as O(connected_after).
    type: str
  created_after:
    description:
      - Only clients whose session began at this time or later; written as O(connected_after).
    type: str
  created_before:
    description:
      - Only clients whose session began at this time or earlier; written as O(connected_after).
    type: str
"""
