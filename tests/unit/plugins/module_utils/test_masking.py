# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in all their forms are masked."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._masking import connection_secrets, masked


def test_an_empty_secret_masks_nothing():
    assert connection_secrets("id", "") == []


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("password hunter2 is too short", ["hunter2"], "password ******** is too short"),
        ("hunter2hunter2", ["hunter2"], "****************"),
        ('an "abc" and abc', ["abc"], 'an "********" and abc'),
        ("as it is", [""], "as it is"),
        ("as it is", [], "as it is"),
    ],
)
def test_passwords_are_masked_in_what_an_api_says(text, secrets, shown):
    assert masked(text, secrets) == shown


def test_a_secret_is_masked_in_every_form_and_a_long_one_line_by_line():
    secret = "Pa/55 w+\u00fc?"
    data = secret.encode()
    encodings = (base64.b64encode(data).decode(), quote(data, safe=""), quote(data), quote_plus(data))
    for form in (secret, *encodings):
        assert masked(f"<{form}>", [secret]) == "<********>"
    key = "-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END KEY-----\n"
    assert "klmno" not in masked(" ".join(key.split("\n")), [key])


def test_a_secret_is_masked_as_json_writes_it_and_the_longest_first():
    secret = 'Pa"55\u00fc'
    assert "55" not in masked(json.dumps({"value": secret}) + json.dumps(secret, ensure_ascii=False), [secret])
    assert masked("it was secret-10", ["secret-1", "secret-10"]) == "it was ********"
