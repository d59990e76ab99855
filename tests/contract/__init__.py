# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges recorded from real brokers, and the tests that the simulator answers the same."""
