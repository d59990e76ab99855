# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's plugin loader finds the collection only if it is there before anything of the collection is imported."""

from __future__ import annotations

import functools

from ansible.plugins.loader import init_plugin_loader

load = functools.cache(init_plugin_loader)
"""Put it there, once for all tests that run together."""
