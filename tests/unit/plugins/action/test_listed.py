# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that stands for a list."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.emqx.cloud.plugins.action import auth_users


def test_what_is_decrypted_is_written_to_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was there for a moment would stay where the process is killed."""
    secrets: Any = [("default", VaultSecret(b"of-the-vault"))]
    (tmp_path / "devices.csv").write_bytes(VaultLib(secrets).encrypt(b"username,password\ndev-1,s3cret\n"))
    loader = DataLoader()
    loader.set_vault_secrets(secrets)
    task: Any = SimpleNamespace(args={"src": "devices.csv"}, get_search_path=lambda: [str(tmp_path)])
    action = auth_users.ActionModule(task, None, None, loader, None, None)
    monkeypatch.delattr(tempfile, "mkstemp")
    assert action._listed() == ({}, {"users": [{"username": "dev-1", "password": "s3cret"}]})
