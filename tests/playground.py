# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playground: a shell in which this collection is at hand, and a simulated deployment that its modules talk to.

`EMQX_API_VERSION=v4` makes it one of the older generation. It ends with the shell.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from demo import simulated, title

# Plays against localhost are what all of it is about, and -e @model.yml needs no inventory.
SETTINGS = """[defaults]
localhost_warning = false
nocows = true
callback_result_format = yaml

[inventory]
inventory_unparsed_warning = false
"""


def main() -> int:
    """Run the shell in a folder of its own; return its exit code."""
    shell = os.environ.get("SHELL", "/bin/bash")
    generation = os.environ.get("EMQX_API_VERSION", "v5")
    with tempfile.TemporaryDirectory() as folder, simulated(generation, "The playground") as connection:
        Path(folder, "ansible.cfg").write_text(SETTINGS)
        title(f"The folder is {folder}; `exit` ends it and removes everything")
        variables = {**os.environ, **connection, "ANSIBLE_CONFIG": "ansible.cfg"}
        return subprocess.run([shell], cwd=folder, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
