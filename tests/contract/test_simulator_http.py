# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side of the simulator: paths, pages, sizes, the log, faults, TLS, quotas, the control endpoint."""

from __future__ import annotations

import http.client
import socket
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from contract.api_client import USERS, ApiClient
from simulator import Deployment, Fault, Simulator


def raw(deployment: Deployment, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """A request whose path nobody tidies up."""
    url = urlsplit(deployment.api_url)
    token = b64encode(f"{deployment.app_id}:{deployment.app_secret}".encode()).decode()
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    try:
        connection.request(method, url.path + path, body, {"Authorization": f"Basic {token}", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


# Paths


@pytest.mark.parametrize("dots", ["..", "%2E%2E", "%2e."])
def test_two_dots_delete_the_authenticator_on_v5(v5: Deployment, dots: str) -> None:
    v5.add_user("alice", "x")
    assert raw(v5, "DELETE", f"{USERS}/{dots}")[0] == 204
    assert v5.user_names() == []
    assert raw(v5, "GET", "/authentication") == (200, b"[]")


@pytest.mark.parametrize("dots", ["..", "%2E%2E"])
def test_two_dots_lift_every_ban_on_v5(v5: Deployment, api: ApiClient, dots: str) -> None:
    api.ban(v5, "clientid", "a")
    assert raw(v5, "DELETE", f"/banned/clientid/{dots}")[0] == 204
    assert v5.bans() == []


@pytest.mark.parametrize("path", ["/clients/.", "/clients/%2E", "/clients/", "/nodes/../clients"])
def test_one_dot_is_the_whole_list_on_v5(v5: Deployment, path: str) -> None:
    status, body = raw(v5, "GET", path)
    assert status == 200
    assert b'"meta"' in body


def test_dots_are_a_name_on_v4(v4: Deployment) -> None:
    v4.add_user("..", "x")
    v4.add_user("alice", "x")
    assert raw(v4, "DELETE", "/auth_username/%2E%2E")[0] == 200
    assert v4.user_names() == ["alice"]


def test_dots_do_not_leave_the_api(v5: Deployment) -> None:
    assert raw(v5, "GET", "/../../../etc/passwd")[0] == 404


def test_v4_answers_under_both_base_paths(v4: Deployment) -> None:
    assert raw(v4, "GET", "/nodes")[0] == raw(v4, "GET", "/v4/nodes")[0] == 200


def test_the_log_has_the_raw_path_and_query(v5: Deployment) -> None:
    raw(v5, "GET", "/clients/a%2Fb%2e?x=%20y")
    (entry,) = v5.requests
    assert (entry.method, entry.path, entry.query) == ("GET", "/clients/a%2Fb%2e", "x=%20y")
    assert (entry.status, entry.size) == (404, 0)
    v5.forget_requests()
    assert v5.requests == []


# Pages


def test_rows_shift_while_they_are_deleted(both: Deployment, api: ApiClient) -> None:
    api.import_users(both, 10)
    everybody = api.user_page(both, 1, 10)
    for name in api.user_page(both, 1, 4):
        both.remove_user(name)
    assert api.user_page(both, 2, 4) == everybody[8:]


def test_a_callback_changes_the_state_between_two_calls(both: Deployment, api: ApiClient) -> None:
    api.import_users(both, 3)
    both.on_request(lambda request: both.remove_user("u000001") if request.method == "GET" else None)
    assert "u000001" in api.user_page(both, 1, 10)
    assert "u000001" not in api.user_page(both, 1, 10)


def test_ten_thousand_users_in_one_request_and_one_page(both: Deployment, api: ApiClient) -> None:
    api.import_users(both, 10_000)
    assert len(set(api.user_page(both, 1, 10_000))) == 10_000


def test_thirty_thousand_clients_by_cursor(v5: Deployment, api: ApiClient) -> None:
    v5.add_clients(30_000)
    seen: set[str] = set()
    cursor = None
    while True:
        query = {"limit": 10_000} if cursor is None else {"limit": 10_000, "cursor": cursor}
        answer = api.get(v5, "/clients_v2", **query)
        seen.update(row["clientid"] for row in answer["data"])
        cursor = answer["meta"].get("cursor")
        if cursor is None:
            break
    assert len(seen) == 30_000


@pytest.mark.parametrize("query", [{"page": 0}, {"page": "x"}, {"limit": 0}, {"limit": 10_001}, {"limit": "x"}])
def test_v5_checks_page_and_limit(v5: Deployment, api: ApiClient, query: dict[str, str]) -> None:
    assert api.call(v5, "GET", "/clients", params=query).status_code == 400


# Bodies


def test_a_body_over_eight_megabytes(v4: Deployment, v5: Deployment) -> None:
    body = b"[" + b" " * 8_000_000 + b"]"
    json_type = {"Content-Type": "application/json"}
    assert raw(v4, "POST", "/auth_username", body) == (400, b"Bad Request")
    assert raw(v5, "POST", USERS, body, **json_type) == (500, b"")


@pytest.mark.parametrize("body", [b"{", b"\xef\xbb\xbf{}", b"\x1f\x8b\x08\x00", b"\xff"])
def test_what_is_no_json_is_a_bad_request(v4: Deployment, body: bytes) -> None:
    assert raw(v4, "POST", "/auth_username", body, **{"Content-Encoding": "gzip"}) == (400, b"Bad Request")


# Faults


def test_a_status_with_retry_after(both: Deployment, api: ApiClient) -> None:
    both.faults.add(Fault("status", status=429, retry_after=7, times=2))
    answers = [api.call(both, "GET", "/nodes") for _number in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None]
    assert [entry.status for entry in both.requests] == [429, 429, 200]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_status_without_retry_after(both: Deployment, api: ApiClient, status: int) -> None:
    both.faults.add(Fault("status", status=status))
    answer = api.call(both, "GET", "/nodes")
    assert (answer.status_code, "Retry-After" in answer.headers) == (status, False)
    both.faults.clear()
    assert api.call(both, "GET", "/nodes").ok


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_reset_connection(both: Deployment, carried_out: bool) -> None:
    both.add_client("a")
    both.faults.add(Fault("reset", carried_out=carried_out, times=1))
    url = urlsplit(both.api_url)
    token = b64encode(f"{both.app_id}:{both.app_secret}".encode()).decode()
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        head = f"DELETE {url.path}/clients/a HTTP/1.1\r\nHost: h\r\nAuthorization: Basic {token}\r\n\r\n"
        connection.sendall(head.encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert both.client_ids() == ([] if carried_out else ["a"])
    assert [entry.status for entry in both.requests] == [0]


def test_a_slow_answer(both: Deployment, api: ApiClient) -> None:
    both.faults.add(Fault("slow", seconds=30))
    url = both.api_url + "/nodes"
    with pytest.raises(requests.Timeout):
        api.session.get(url, auth=(both.app_id, both.app_secret), timeout=(10, 0.2))


def test_a_truncated_body(both: Deployment, api: ApiClient) -> None:
    both.faults.add(Fault("truncated"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.call(both, "GET", "/nodes")


def test_html_nothing_and_another_body(both: Deployment, api: ApiClient) -> None:
    both.faults.add(
        Fault("not_json", times=1),
        Fault("empty", times=1),
        Fault("body", body={"data": 5}, times=1),
        Fault("body", body="[1,", status=201, times=1),
    )
    html, empty, other, text = (api.call(both, "GET", "/nodes") for _number in range(4))
    assert (html.status_code, html.text[:9]) == (200, "<!DOCTYPE")
    assert (empty.status_code, empty.content) == (200, b"")
    assert other.json() == {"data": 5}
    assert (text.status_code, text.text) == (201, "[1,")


def test_a_fault_picks_its_calls(both: Deployment, api: ApiClient) -> None:
    both.faults.add(Fault("status", status=503, method="GET", path="/clients", nth=2))
    calls = [
        ("GET", "/nodes"),
        ("GET", "/clients"),
        ("DELETE", "/clients/x"),
        ("GET", "/clients/x"),
        ("GET", "/clients"),
    ]
    assert [api.call(both, *call).status_code == 503 for call in calls] == [False, False, False, True, False]


def test_a_random_share_is_the_same_each_time(both: Deployment, api: ApiClient) -> None:
    def struck() -> list[bool]:
        both.faults.clear()
        both.faults.add(Fault("status", status=503, share=0.5, seed=3))
        return [api.call(both, "GET", "/nodes").status_code == 503 for _number in range(20)]

    first = struck()
    assert first == struck()
    assert len(set(first)) == 2


@pytest.mark.parametrize("options", [{"kind": "nonsense"}, {"kind": "status"}])
def test_a_fault_that_makes_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="kind"):
        Fault(**options)


# TLS


def test_tls_is_verified_with_the_ca_file(session: requests.Session) -> None:
    with Simulator.start("v5", tls=True) as simulator:
        deployment = simulator.deployments[0]
        assert deployment.api_url.startswith("https://localhost:")
        auth = (deployment.app_id, deployment.app_secret)
        url = deployment.api_url + "/nodes"
        assert session.get(url, auth=auth, verify=str(deployment.ca_path), timeout=10).ok
        with pytest.raises(requests.exceptions.SSLError):
            session.get(url, auth=auth, timeout=10)


@pytest.mark.parametrize(
    ("kind", "reason"), [("expired", "expired"), ("wrong-host", "localhost"), ("self-signed", "self.signed")]
)
def test_bad_certificates_are_bad(session: requests.Session, kind: str, reason: str) -> None:
    with Simulator.start("v5", tls=kind) as simulator, pytest.raises(requests.exceptions.SSLError, match=reason):
        session.get(simulator.deployments[0].api_url, verify=str(simulator.ca_path), timeout=10)


# Serverless


def test_serverless_takes_ten_requests_a_second(api: ApiClient) -> None:
    with Simulator.start("v5", serverless=True) as simulator:
        answers = [api.call(simulator.deployments[0], "GET", "/clients") for _number in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(answer.status_code == 200 for answer in answers[:10])
    assert refused
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)


def test_serverless_takes_two_thousand_users(api: ApiClient) -> None:
    with Simulator.start("v5", serverless=True) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_users(1999)
        assert api.call(deployment, "POST", USERS, json={"user_id": "a", "password": "x"}).status_code == 201
        assert api.call(deployment, "POST", USERS, json={"user_id": "b", "password": "x"}).status_code == 409
        assert len(deployment.user_names()) == 2000


# Ports


def test_a_port_that_is_taken(v5: Deployment) -> None:
    port = urlsplit(v5.api_url).port or 0
    with pytest.raises(OSError, match="in use"):
        Simulator.start("v5", port=port)
    with pytest.raises(OSError, match="in use"):
        Simulator.start("v5", mqtt_port=v5.mqtt_port)


def test_serverless_is_v5() -> None:
    with pytest.raises(ValueError, match="v5"):
        Simulator.start("v4", serverless=True)


# Control endpoint


def test_the_control_endpoint(both: Deployment, session: requests.Session, api: ApiClient) -> None:
    url = both.control_url
    assert session.post(f"{url}/clients", json={"clientid": "a", "proto_ver": 5}, timeout=10).ok
    assert both.client_ids() == ["a"]
    assert session.post(f"{url}/faults", json=[{"kind": "status", "status": 503}], timeout=10).ok
    assert api.call(both, "GET", "/nodes").status_code == 503
    assert session.delete(f"{url}/faults", timeout=10).ok
    (entry,) = session.get(f"{url}/requests", timeout=10).json()
    assert (entry["path"], entry["status"]) == ("/nodes", 503)
    assert session.delete(f"{url}/requests", timeout=10).ok
    assert both.requests == []
    assert session.post(f"{url}/reset", timeout=10).ok
    assert both.client_ids() == []
    assert session.post(f"{url}/faults", json={"kind": "x"}, timeout=10).status_code == 400
    assert session.get(f"{url}/nonsense", timeout=10).status_code == 404


def test_several_deployments_are_apart(api: ApiClient) -> None:
    with Simulator.start("v4", count=3) as simulator:
        first, second, _third = simulator.deployments
        first.add_user("only-here", "x")
        assert second.user_names() == []
        assert len({one.api_url for one in simulator.deployments}) == 3
        assert len({one.mqtt_port for one in simulator.deployments}) == 3
        wrong = api.session.get(second.api_url + "/nodes", auth=(first.app_id, first.app_secret), timeout=10)
        assert wrong.status_code == 401
