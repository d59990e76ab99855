# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few API calls that the tests of the simulator make on either generation."""

from __future__ import annotations

from typing import Any

import requests

from simulator import Deployment

USERS = "/authentication/password_based%3Abuilt_in_database/users"


class ApiClient:
    """Calls with the credentials of the deployment."""

    def __init__(self, session: requests.Session) -> None:
        self.session = session

    def call(self, deployment: Deployment, method: str, path: str, **options: Any) -> requests.Response:
        auth = (deployment.app_id, deployment.app_secret)
        return self.session.request(method, deployment.api_url + path, auth=auth, timeout=10, **options)

    def get(self, deployment: Deployment, path: str, **query: Any) -> Any:
        return self.call(deployment, "GET", path, params=query).json()

    def kick(self, deployment: Deployment, clientid: str) -> None:
        assert self.call(deployment, "DELETE", f"/clients/{clientid}").ok

    def publish(self, deployment: Deployment, topic: str, payload: str, *, qos: int = 0, retain: bool = False) -> None:
        path = "/mqtt/publish" if deployment.generation == "v4" else "/publish"
        message = {"topic": topic, "payload": payload, "qos": qos, "retain": retain}
        assert self.call(deployment, "POST", path, json=message).ok

    def subscribe(self, deployment: Deployment, clientid: str, topic: str, qos: int = 0) -> None:
        if deployment.generation == "v4":
            item = {"clientid": clientid, "topic": topic, "qos": qos}
            assert self.call(deployment, "POST", "/mqtt/subscribe", json=item).json()["code"] == 0
        else:
            item = {"topic": topic, "qos": qos}
            assert self.call(deployment, "POST", f"/clients/{clientid}/subscribe", json=item).ok

    def unsubscribe(self, deployment: Deployment, clientid: str, topic: str) -> None:
        if deployment.generation == "v4":
            path, item = "/mqtt/unsubscribe", {"clientid": clientid, "topic": topic}
        else:
            path, item = f"/clients/{clientid}/unsubscribe", {"topic": topic}
        assert self.call(deployment, "POST", path, json=item).ok

    def ban(self, deployment: Deployment, kind: str, who: str) -> None:
        ban = {"as": kind, "who": who, "reason": "test"}
        assert self.call(deployment, "POST", "/banned", json=ban).ok

    def lift(self, deployment: Deployment, kind: str, who: str) -> None:
        assert self.call(deployment, "DELETE", f"/banned/{kind}/{who}").ok

    def import_users(self, deployment: Deployment, count: int) -> None:
        """Create them in one request."""
        names = [f"u{number:06}" for number in range(count)]
        if deployment.generation == "v4":
            users = [{"username": name, "password": "p"} for name in names]
            answer = self.call(deployment, "POST", "/auth_username", json=users)
        else:
            users = [{"user_id": name, "password": "p"} for name in names]
            path = USERS.removesuffix("users") + "import_users?type=plain"
            answer = self.call(deployment, "POST", path, json=users)
        assert answer.ok

    def user_page(self, deployment: Deployment, page: int, limit: int) -> list[str]:
        if deployment.generation == "v4":
            answer = self.get(deployment, "/auth_username", _page=page, _limit=limit)
            return [row["username"] for row in answer["data"]]
        return [row["user_id"] for row in self.get(deployment, USERS, page=page, limit=limit)["data"]]
