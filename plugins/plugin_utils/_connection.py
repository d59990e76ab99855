# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of inventory and lookup plugins: with the options, defaults and limits of the modules.

Their documentation takes the fragments ``plugin_connection``, ``plugin_deployment`` and ``plugin_platform``, each
before the fragment of the modules that describes the options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..action.api import plain
from ..module_utils._errors import EmqxError
from ..module_utils._masking import masked
from ..module_utils._resources._api import Api, PlatformApi
from ..module_utils._task import ACCOUNT, CONNECTION, DEPLOYMENT, Task, connection_secrets_of


@contextmanager
def deployment(options: Mapping[str, Any]) -> Iterator[Api]:
    """Open the Deployment API that a plugin's options describe, and close its connections in the end.

    Rows that are read lazily have to be read within.

    :param options: by their names; None is not given, and others than those of the connection don't count.
    :raises AnsibleError: an option is missing or wrong, or a request made within failed, in one sentence.
    """
    with _task({**DEPLOYMENT, **CONNECTION}, options) as task:
        yield task.api


@contextmanager
def platform(options: Mapping[str, Any]) -> Iterator[PlatformApi]:
    """Open the Platform API that a plugin's options describe; see :func:`deployment`."""
    with _task(ACCOUNT, options) as task:
        yield task.platform()


@contextmanager
def _task(arguments: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Task]:
    given = {name: plain(options[name]) for name in arguments if options.get(name) is not None}
    validated = ArgumentSpecValidator(arguments).validate(given)
    secrets = connection_secrets_of(given)
    if validated.error_messages:
        raise AnsibleError(masked(validated.errors.msg, secrets))
    task = Task(validated.validated_parameters)
    try:
        yield task
    except EmqxError as error:
        raise AnsibleError(masked(str(error), connection_secrets_of(task.params))) from None
    finally:
        task.close()
