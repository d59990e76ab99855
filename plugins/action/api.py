# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution: a task that would run on the controller as this user runs in the controller's process.

Starting a module costs some 350 ms, whatever it does. This is the implementation for all modules and the plugin of the
module ``api``; each of the others has a stub beside it, which imports its module. Ansible loads that once, before it
forks its workers, so that they find ``requests`` and the stores imported.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as OrdinaryModule
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._http import kept
from ansible_collections.emqx.cloud.plugins.module_utils._rows import read_rows
from ansible_collections.emqx.cloud.plugins.module_utils._task import TaskEnded, run_directly
from ansible_collections.emqx.cloud.plugins.modules import api

SWITCH = "emqx_direct_execution"
"""The variable that turns it off."""


class ActionModule(OrdinaryModule):
    """Runs a module's function here where nothing speaks against it, and the module itself otherwise."""

    code: Any = api

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task."""
        variables = task_vars or {}
        against = self._against(variables)
        try:
            options, rows = self._listed()
        except InputError as problem:
            return {"failed": True, "msg": str(problem), "requests": 0}
        if against:
            self._display.v(f"{self._task.action} runs as a module and not directly: {against}.")
            with self._options({**options, **rows}):
                return super().run(tmp, task_vars)
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        with _environment(environment), _rare_collections():
            result.update(self._done({**plain(options), **rows}))
        return result

    def _listed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the task's options, and apart from them the list that ``src`` stands for under its option's name.

        A file that is encrypted with Ansible Vault is decrypted.
        """
        options, option = dict(self._task.args), self.code.SPEC.listed
        if not option or not options.get("src") or options.get(option) is not None:
            return options, {}
        path = self._loader.get_real_file(self._find_needle("files", options.pop("src")))
        try:
            return options, {option: read_rows(path)}
        finally:
            self._loader.cleanup_tmp_file(path)

    @contextmanager
    def _options(self, options: dict[str, Any]) -> Iterator[None]:
        """Give the task other options for a while."""
        before, self._task.args = self._task.args, options
        try:
            yield
        finally:
            self._task.args = before

    def _done(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            return run_directly(
                self._task.resolved_action or self._task.action, self.code.SPEC, self.code.run, options,
                self._task.check_mode, self._task.diff, kept,
            )
        except TaskEnded as ended:
            if type(ended.__cause__).__name__ != "TaskTimeoutError" or ended.__cause__ is None:
                raise
            limit = f"The task was ended after its timeout of {self._task.timeout} s. "
            return {**ended.result, "failed": True, "msg": limit + ended.result["msg"]}

    def _against(self, variables: Mapping[str, Any]) -> str:
        """Return why this task can't run here, or an empty text."""
        if not boolean(self._templar.template(variables.get(SWITCH, True)), strict=False):
            return f"{SWITCH} is false"
        if self._task.async_val:
            return "it is asynchronous"
        if self._connection.transport != "local":
            return f"its connection is {self._connection.transport}"
        if self._play_context.become:
            return "it becomes another user"
        if self._task.delegate_to:
            variables = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        wanted = self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=variables))
        if wanted and not str(wanted).startswith("auto") and not _is_this_python(str(wanted)):
            return f"its Python is {wanted}"
        return ""


def _is_this_python(interpreter: str) -> bool:
    """Say whether it is the Python of this process: another environment's has other libraries."""
    found = shutil.which(os.path.expanduser(interpreter))
    if not found:
        return False
    folders = {os.path.realpath(os.path.dirname(path)) for path in (found, sys.executable)}
    return len(folders) == 1 and os.path.realpath(found) == os.path.realpath(sys.executable)


@contextmanager
def _environment(variables: Mapping[str, Any]) -> Iterator[None]:
    """Set environment variables, and afterwards everything as it was."""
    before = dict(os.environ)
    os.environ.update((str(name), str(value)) for name, value in variables.items())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector look at a long list once and not every 700 items: that takes a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def plain(value: Any) -> Any:
    """Return a value in plain JSON types.

    Ansible's texts may be encrypted (on ansible-core 2.16 such a value would escape ``no_log``) or tagged.
    """
    if isinstance(value, Mapping):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, date):  # YAML has dates, and a datetime is one
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str.__str__(value) if isinstance(value, str) else str(value)
