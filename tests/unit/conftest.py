# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""These tests share a process, under ansible-test as under pytest alone: a fork for each takes longer than the test."""

from __future__ import annotations

from typing import Any


def pytest_configure(config: Any) -> None:
    forking = config.pluginmanager.get_plugin("ansible_forked")
    if forking is not None:
        config.pluginmanager.unregister(forking)
