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
      - Only what is mentioned is compared. V(5) and V("5") are the same, and so are V(60s) and V(1m) in a field whose
        name tells a time, such as C(connect_timeout).
      - So a field is reset by writing its default, and a header or another member of a dictionary can't be removed.
        Make the thing anew without it (O(state=absent), then O(state=present)), or send the whole of it with
        M(emqx.cloud.api).
      - A value V(******) stands for the secret that is there. It is refused where there is none, and within a text.
      - A secret belongs into O(secret_config). One that stands here and that the broker masks can't be compared, so
        that it is sent, and a change, each time. The same holds for certificates and keys as text, such as
        C(cacertfile) of C(ssl), which EMQX 5 keeps in files and shows as their paths.
    type: dict
  secret_config:
    description:
      - The secrets of the configuration, which are put over O(config) and never shown, such as
        V({"password":"…"\\}) or V({"headers":{"authorization":"…"\\}\\}).
      - What is a secret by its name, such as a password, a token or a cookie, is masked in results wherever it stands.
        Anything else that is secret, such as a header with a name of your own or a part of a text, is masked only in
        tasks that give it here.
      - If the broker masks secrets in a list, it would store the mask with any change. Such a change is refused unless
        the whole list is given here, with O(update_secrets=always).
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
