# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection is measured by: a script that makes the same calls (v5) with requests, and nothing else.

`python bare.py users|acl FILE`: reads a JSON list, lists what is there and sends what is missing. It checks nothing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import requests

ROWS_A_REQUEST = 10000


def main() -> None:
    what, file = sys.argv[1:]
    rows = json.loads(Path(file).read_text(encoding="utf-8"))
    session = requests.Session()
    session.auth = (os.environ["EMQX_APP_ID"], os.environ["EMQX_APP_SECRET"])
    session.verify = os.environ.get("EMQX_CA_PATH", True)
    base = os.environ["EMQX_API_URL"] + "/"
    if what == "users":
        store, key = "authentication/password_based%3Abuilt_in_database/users", "user_id"
        target, query = store.replace("/users", "/import_users"), {"type": "plain"}
        rows = [{"user_id": row["username"], "password": row["password"], "is_superuser": False} for row in rows]
    else:
        store, key = "authorization/sources/built_in_database/rules/users", "username"
        target, query = store, {}
    there = {}
    page = 1
    while True:
        answer = session.get(base + store, params={"page": page, "limit": ROWS_A_REQUEST})
        answer.raise_for_status()
        found = answer.json()
        there.update((row[key], row) for row in found["data"])
        if not found["meta"].get("hasnext"):
            break
        page += 1
    missing = [row for row in rows if row[key] not in there]
    for first in range(0, len(missing), ROWS_A_REQUEST):
        session.post(base + target, params=query, json=missing[first:first + ROWS_A_REQUEST]).raise_for_status()
    print(len(missing))


if __name__ == "__main__":
    main()
