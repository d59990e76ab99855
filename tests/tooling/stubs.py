# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stubs in plugins/action: each module but two has one, so that its tasks can run in the controller's process."""

from __future__ import annotations

from pathlib import Path

from .paths import ROOT

TEMPLATE = '''# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of the module of this name."""

from __future__ import annotations

from ansible_collections.emqx.cloud.plugins.action import api
from ansible_collections.emqx.cloud.plugins.modules import {name}


class ActionModule(api.ActionModule):
    """See :class:`api.ActionModule`."""

    code = {name}
'''


# The implementation, and what runs on the controller only.
WRITTEN_BY_HAND = ("api", "validate_model")


def expected(collection: Path = ROOT) -> dict[str, str]:
    """The stubs that belong beside the modules of a collection, by name."""
    names = {path.stem for path in (collection / "plugins/modules").glob("*.py")} - {"__init__", *WRITTEN_BY_HAND}
    return {name: TEMPLATE.format(name=name) for name in sorted(names)}


def write() -> None:
    """Make the stubs of this checkout the expected ones."""
    folder = ROOT / "plugins/action"
    wanted = expected()
    for path in folder.glob("*.py"):
        if path.stem not in ("__init__", *WRITTEN_BY_HAND, *wanted):
            path.unlink()
    for name, text in wanted.items():
        (folder / f"{name}.py").write_text(text)
