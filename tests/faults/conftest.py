# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's plugin loader comes before the tests."""

from __future__ import annotations

from system import loader

loader.load()
