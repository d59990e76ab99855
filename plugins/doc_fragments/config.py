# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules for things that have a configuration."""

from __future__ import annotations


class ModuleDocFragment:
    """A configuration, and the secrets in it."""

    DOCUMENTATION = r"""
options:
  config:
    description:
      - The configuration, as the API takes it. What it doesn't mention stays as it is, and is the broker's default in
        something new. Dictionaries in it are merged deeply, lists are replaced, and what is V(null) counts as not
        mentioned.
      - Only what is mentioned is compared. V(5) and V("5"), and V(60s) and V(1m), are the same.
      - A value V(******) stands for the secret that is there.
    type: dict
  secret_config:
    description:
      - The secrets of the configuration, which are put over O(config) and never shown, such as
        V({"password":"…"\\}) or V({"headers":{"authorization":"…"\\}\\}).
      - What is a secret by its name, such as a password, a token or a cookie, is masked in results wherever it stands.
    type: dict
  update_secrets:
    description:
      - With V(on_create), secrets are sent when something new is made, and where the broker holds none yet.
      - With V(always) they are sent each time, since the broker masks most of them and they can't be compared; that is
        always a change. Secrets that it shows in clear are compared.
    type: str
    choices: [on_create, always]
    default: on_create
"""
