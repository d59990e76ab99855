# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make` runs: Python environments, copies of the collection, and ansible-test on several ansible-core versions.

It bootstraps everything else, so it needs nothing but the standard library of Python 3.9 or later.
"""
