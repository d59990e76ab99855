# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback that writes what the tasks of this collection returned, a line of JSON each, into $RECORDED_RESULTS."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorded_results
type: notification
short_description: Write the results of the tasks of emqx.cloud to a file
description: For the test that compares direct execution with ordinary modules.
"""


class CallbackModule(CallbackBase):
    """Appends one line for each result, of each item of a loop as well."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorded_results"

    def _write(self, result, **_more):
        task = result._task
        name = str(task.resolved_action or task.action)
        if not name.startswith("emqx.cloud.") or "results" in result._result:
            return
        with open(os.environ["RECORDED_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps([task.get_name(), name, result._result], default=str, sort_keys=True) + "\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_ok = v2_runner_item_on_failed = _write
