# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which deployments have quotas, what exceeds them, and what covers whom."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError, TransportError
from ansible_collections.emqx.cloud.plugins.module_utils._resources import _guards
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, page, v4, v5


@pytest.mark.parametrize(
    ("host", "given", "serverless"),
    [
        ("x.ala.us-east-1.emqxsl.com", "auto", True), ("x.ala.cn-hangzhou.emqxsl.cn", None, True),
        ("X.EMQXSL.COM", "", True), ("x.emqxsl.com", "dedicated", False), ("emqxsl.com.example.com", "auto", False),
        ("my-emqxsl.com", "auto", False), ("x.emqxcloud.com", "auto", False), ("127.0.0.1", "serverless", True),
        ("x.emqxcloud.com", "Serverless", True), ("x.emqxcloud.com", "whatever-comes", False), ("[::1]", "auto", False),
    ],
)
def test_a_serverless_deployment_is_known_by_its_host_or_because_it_is_said(host, given, serverless):
    url = f"https://{host}:8443/api/v5"
    assert _guards.is_serverless({"deployment_type": given}, url) is serverless
    assert _guards.is_serverless({"deployment_type": given}, url.replace("://", "://emqxsl.com@")) is serverless


@pytest.mark.parametrize(
    ("existing", "more", "fits"),
    [
        (0, 10, True), (0, 11, False), (None, 10, True), (None, 11, False), (9, 1, True), (10, 1, False), (10, 0, True),
        (10, -1, True), (11, 1, True),
    ],
)
def test_what_exceeds_a_quota_is_refused_unless_more_is_there_already(existing, more, fits):
    if fits:
        _guards.check_quota("things", existing, more, 10)
        return
    with pytest.raises(InputError, match=r"^11 things don't fit: a Serverless deployment holds 10.*; leave 1 out, or"):
        _guards.check_quota("things", existing, more, 10)


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("^a", "abc", True), ("b", "abc", True), ("^b", "abc", False), ("(?<", "abc", False), (r"\h", "h", False),
        ("a{99999999999}", "a", False), ("[[:alpha:]]", "a]", False),
    ],
)
def test_a_pattern_that_python_reads_otherwise_matches_nobody(pattern, name, found):
    assert _guards.matches(pattern, name) is found


@pytest.mark.parametrize(
    ("network", "address", "found"),
    [
        ("10.0.0.0/8", "10.1.2.3", True), ("10.1.2.3", "10.1.2.3", True), ("11.0.0.0/8", "10.1.2.3", False),
        ("::/0", "10.1.2.3", False), ("0.0.0.0/0", "::1", False), ("nonsense", "10.1.2.3", False),
    ],
)
def test_what_a_network_covers(network, address, found):
    assert _guards.covers(network, ipaddress.ip_address(address)) is found


class Probe:
    """A socket that has an address of its own."""

    own = "10.1.2.3"

    def __init__(self, *unused):
        """Nothing is opened."""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        """Nothing is closed."""

    def connect(self, target):
        """Nothing is sent."""

    def getsockname(self):
        return (self.own, 1)


@pytest.mark.parametrize(
    ("own", "other", "told"),
    [
        ("10.1.2.3", "10.9.9.9", "10.1.2.3"), ("10.1.2.3", "8.8.8.8", None), ("8.8.4.4", "8.8.8.8", "8.8.4.4"),
        ("fe80::1%eth0", "fe80::2", "fe80::1"), ("fd00::1", "2606:4700::1", None),
    ],
)
def test_a_private_address_is_told_only_where_it_is_not_translated(own, other, told, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (other, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *unused, **unused_too: found)
    monkeypatch.setattr(socket, "socket", Probe)
    monkeypatch.setattr(Probe, "own", own)
    assert _guards.own_address("https://h/api") == (told and ipaddress.ip_address(told))


@pytest.mark.parametrize("url", ["https://no-such-host.invalid/api", "https://" + "a" * 70 + "/api", "https:///api"])
def test_a_host_without_an_address_tells_none(url, monkeypatch):
    def refuse(host, *unused, **unused_too):
        raise UnicodeError("label too long") if len(host or "") > 63 else OSError("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert _guards.own_address(url) is None


def test_loopback_is_its_own_address():
    assert str(_guards.own_address("http://127.0.0.1:1/api/v5")) == "127.0.0.1"


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (page([], count=7), 7), (page([], count=0), 0), (page([], count=-1), None), (page([], count=True), None),
        (page([], count="7"), None), (page([]), None), ({"code": 0, "data": [], "meta": []}, None),
    ],
)
def test_a_list_is_counted_by_looking_at_one_row(answer, number):
    for opened, query in ((v5, [("page", 1), ("limit", 1)]), (v4, [("_page", 1), ("_limit", 1)])):
        with opened(Call("GET", "things", query, gives=answer)) as api:
            assert api.count("things") == number


LOST = TransportError("The connection was lost.", "GET", "things")


@pytest.mark.parametrize("trouble", [{"status": 403}, {"status": 500}, {"gives": LOST}])
def test_what_cannot_be_counted_is_no_failure(trouble):
    with v5(Call("GET", "things", query=[("page", 1), ("limit", 1)], **trouble)) as api:
        assert api.count("things") is None
