# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection pool, against a real server on the loopback address that answers, hesitates and breaks as scripted.

No pause is really made: a clock that only remembers stands in for the module ``time``.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import gzip
import importlib.util
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from ansible_collections.emqx.cloud.plugins.module_utils import _http
from ansible_collections.emqx.cloud.plugins.module_utils._errors import (
    ApiError,
    EmqxError,
    InputError,
    NotAttempted,
    TransportError,
)
from ansible_collections.emqx.cloud.plugins.module_utils._http import NO_JSON, Http, Settings
from ansible_collections.emqx.cloud.plugins.module_utils._urls import path_of
from ansible_collections.emqx.cloud.tests.unit.loopback import (
    answer,
    hang_up,
    reset,
    running_server,
    silent,
    truncated,
)

SECRET = "p\u00e4ss w\u00f6rd/+"
USER = "\u00fcser"
BASE64 = base64.b64encode(f"{USER}:{SECRET}".encode()).decode("ascii")


class Clock:
    """Stands in for the module ``time``: pauses are remembered, and time passes by nothing else."""

    def __init__(self):
        self.pauses = []
        self.now = 1000.0

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def monotonic(self):
        return self.now

    time = staticmethod(time.time)


@pytest.fixture(name="clock", autouse=True)
def _clock(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    clock = Clock()
    monkeypatch.setattr(_http, "time", clock)
    return clock


@pytest.fixture(name="server")
def _server():
    with running_server() as server:
        yield server


@pytest.fixture(name="connect")
def _connect(server):
    opened = []

    def connect(*script, **settings):
        server.script = list(script)
        opened.append(Http(Settings(**{"url": server.url, "user": USER, "secret": SECRET, "timeout": 20, **settings})))
        return opened[-1]

    yield connect
    for http in opened:
        http.close()


def closed_port():
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# What is sent


def test_a_request_carries_credentials_in_utf8_and_compact_json(connect, server):
    answered = connect().request("POST", "users", [("a", "1"), ("a", "x y&"), ("b", 2)], {"n": ["\u00e9", None, True]})
    seen = server.seen[0]
    assert (seen.command, seen.path) == ("POST", "/api/v5/users?a=1&a=x+y%26&b=2")
    assert seen.headers["Authorization"] == "Basic " + BASE64
    assert seen.sent == b'{"n":["\xc3\xa9",null,true]}' and answered.sent == len(seen.sent)
    assert (seen.headers["Content-Type"], seen.headers["Accept"]) == ("application/json", "application/json")


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [(None, b"", None), ([], b"[]", "application/json"), ({}, b"{}", "application/json"),
     (False, b"false", "application/json"), ("", b'""', "application/json")],
)
def test_only_a_body_that_is_none_is_not_sent(connect, server, body, sent, kind):
    connect().request("POST", "x", body=body)
    assert (server.seen[0].sent, server.seen[0].headers["Content-Type"]) == (sent, kind)


def test_a_body_that_no_utf8_can_carry_is_a_clear_error(connect, server):
    with pytest.raises(EmqxError):
        connect().request("POST", "x", body={"topic": "\ud800"})
    assert server.seen == []


def test_a_netrc_file_does_not_replace_the_credentials(connect, server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    connect().request("GET", "x")
    assert server.seen[0].headers["Authorization"] == "Basic " + BASE64


def test_cookies_are_not_kept(connect, server):
    http = connect(answer(200, {}, Set_Cookie="session=1; Path=/"))
    http.request("GET", "x")
    http.request("GET", "x")
    assert [seen.headers["Cookie"] for seen in server.seen] == [None, None]


def test_one_connection_serves_many_requests(connect, server):
    http = connect()
    for number in range(4):
        http.request("GET", str(number))
    assert (server.connections, http.requests) == (1, 4)


# What comes back


@pytest.mark.parametrize(
    ("body", "text", "parsed"),
    [
        (b"", "", NO_JSON), (b"Bad Request", "Bad Request", NO_JSON), (b"null", "null", None), (b"[1]", "[1]", [1]),
        (b'{"a": "\xc3\xa9"}', '{"a": "\u00e9"}', {"a": "\u00e9"}), (b"\xff", "\ufffd", NO_JSON),
        (b"[" * 100000, "[" * 100000, NO_JSON),
    ],
    ids=["empty", "plain", "null", "list", "utf8", "no utf8", "too deep"],
)
def test_a_body_is_given_as_text_and_as_json_if_it_is_any(connect, body, text, parsed):
    answered = connect(answer(200, body)).request("GET", "x")
    assert (answered.text, answered.json) == (text, parsed)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 422, 500, 501])
def test_every_status_that_is_no_passing_trouble_comes_back_at_once(connect, status):
    http = connect(answer(status, None if status == 204 else {"a": 1}))
    answered = http.request("GET", "some/path")
    assert (answered.method, answered.path, answered.status) == ("GET", "some/path", status)
    assert (answered.retried, answered.retry_after, http.requests) == (False, None, 1)


def test_the_secret_and_its_base64_are_masked_in_what_came_back(connect):
    http = connect(answer(400, f"{SECRET} and {BASE64}".encode()))
    assert http.request("GET", "x").text == "******** and ********"
    assert http.mask(f"x{SECRET}{BASE64}y") == "x****************y"


@pytest.mark.parametrize(
    "location",
    [f"https://{USER}:{SECRET}@other/x", f"//{USER}:hunter2@other/x", f"https://other/x?secret=hunter2&b={BASE64}",
     "https://other/x#hunter2", "https://me:hun/ter2@other/x"],
)
def test_a_redirect_that_repeats_credentials_is_told_without_them(connect, location):
    with pytest.raises(TransportError, match="redirects to .*other/x, and redirects are not followed") as caught:
        connect(answer(302, Location=location)).request("GET", "x")
    assert not [secret for secret in (SECRET, BASE64, "ter2") if secret in str(caught.value)]


@pytest.mark.parametrize("proxy", ["http://me:hun/ter2@h:1", "socks9://me:hunter2@h:1", "http://me:hunter2@h:x"])
def test_an_address_of_a_proxy_that_is_wrong_is_told_without_its_credentials(connect, monkeypatch, proxy):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(TransportError, match="^No answer from ") as caught:
        connect(allow_http=True).request("GET", "x")
    assert "ter2" not in str(caught.value)
    failure = connect(allow_http=True)._failure("GET", "x", ValueError(f"Failed to parse: {proxy}"), 0)
    assert "Failed to parse: " in str(failure) and "ter2" not in str(failure)


def test_settings_do_not_show_the_secret():
    assert SECRET not in repr(Settings("https://h/api", USER, SECRET))


# Repeating


OK = answer(200, {"ok": True})
AGAIN = {
    "502": answer(502), "503": answer(503), "504": answer(504), "429": answer(429), "hang_up": hang_up, "reset": reset,
    "truncated": truncated, "429 Retry-After": answer(429, None, Retry_After="3"),
    "503 Retry-After": answer(503, None, Retry_After="3"), "429 odd Retry-After": answer(429, None, Retry_After="soon"),
}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("cause", list(AGAIN))
def test_what_may_be_done_twice_is_repeated_after_passing_trouble(connect, server, method, cause):
    http = connect(AGAIN[cause], OK)
    answered = http.request(method, "x", body={"a": 1} if method == "PUT" else None)
    assert (answered.status, answered.json) == (200, {"ok": True})
    assert (http.requests, len(server.seen)) == (2, 2)
    assert server.seen[0].sent == server.seen[1].sent


@pytest.mark.parametrize("cause", list(AGAIN))
def test_an_answer_knows_that_it_is_one_to_a_repeated_request(connect, cause):
    assert connect(AGAIN[cause], OK).request("DELETE", "x").retried is True


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("cause", ["429 Retry-After", "503 Retry-After"])
def test_what_may_not_be_done_twice_is_repeated_where_the_server_asks_for_it(connect, server, clock, method, cause):
    http = connect(AGAIN[cause], OK)
    answered = http.request(method, "x", body={"a": 1})
    assert (answered.status, answered.retried, http.requests, len(server.seen)) == (200, True, 2, 2)
    assert clock.pauses == [3]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("cause", ["502", "503", "504", "429", "429 odd Retry-After"])
def test_what_may_have_been_done_is_not_repeated_after_a_bad_answer(connect, server, clock, method, cause):
    http = connect(AGAIN[cause], OK)
    answered = http.request(method, "x", body={"a": 1})
    assert answered.status == int(cause[:3]) and not answered.retried
    assert (http.requests, len(server.seen), clock.pauses) == (1, 1, [])


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("cause", "why"),
    [(hang_up, "the connection was lost"), (reset, "the connection was lost"), (truncated, "the answer broke off")],
)
def test_what_may_have_been_done_is_not_repeated_after_a_lost_connection_and_the_user_is_told(
    connect, server, method, cause, why
):
    http = connect(cause, OK)
    with pytest.raises(TransportError, match=f"{why}. {method} users may have been carried out.$") as caught:
        http.request(method, "users", body={"a": 1})
    assert caught.value.lost
    assert (caught.value.method, caught.value.path) == (method, "users")
    assert (http.requests, len(server.seen)) == (1, 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("cause", [hang_up, reset, truncated, answer(502), answer(503, Retry_After="0"), answer(429)])
def test_where_calls_are_limited_by_the_hour_no_change_is_repeated(connect, server, method, cause):
    http = connect(cause, OK, hourly=True)
    with contextlib.suppress(TransportError):
        http.request(method, "deployments/a/tls", body={"a": 1})
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("cause", "why"),
    [(hang_up, "the connection was lost"), (reset, "the connection was lost"), (truncated, "the answer broke off")],
)
def test_lost_connections_are_given_up_after_the_retries(connect, server, cause, why):
    http = connect(*[cause] * 9, retries=2)
    with pytest.raises(TransportError, match=f"^No answer from http://127.0.0.1:[0-9]+: {why}.$") as caught:
        http.request("GET", "x")
    assert caught.value.lost
    assert (http.requests, len(server.seen)) == (3, 3)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_status_that_stays_is_what_comes_back_after_the_retries(connect, server, status):
    http = connect(*[answer(status)] * 9, retries=3)
    answered = http.request("GET", "x")
    assert (answered.status, answered.retried) == (status, True)
    assert (http.requests, len(server.seen)) == (4, 4)


@pytest.mark.parametrize("cause", list(AGAIN))
def test_retries_of_zero_means_a_single_attempt(connect, server, cause):
    http = connect(AGAIN[cause], OK, retries=0)
    try:
        status = http.request("GET", "x").status
    except TransportError:
        status = None
    assert status != 200
    assert (http.requests, len(server.seen)) == (1, 1)


def test_retries_bound_the_attempts_whatever_fails_in_between(connect, server):
    http = connect(*[answer(503), truncated] * 5, retries=2)
    with pytest.raises(EmqxError):
        raise ApiError("", http.request("GET", "x").status, None, "", "GET", "x")
    assert (http.requests, len(server.seen)) == (3, 3)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_is_tried_again_whatever_the_method(method, clock):
    http = Http(Settings(f"http://127.0.0.1:{closed_port()}/api", USER, SECRET, retries=2))
    with pytest.raises(TransportError, match="the connection is refused; check host and port of api_url") as caught:
        http.request(method, "x", body=[])
    assert (http.requests, len(clock.pauses), caught.value.lost) == (3, 2, False)
    assert caught.value.passing
    assert "carried out" not in str(caught.value)


@pytest.mark.parametrize(("header", "pause"), [("7", 7), (" 7 ", 7), ("0", 0)])
def test_the_server_says_how_long_to_wait(connect, clock, header, pause):
    http = connect(answer(429, None, Retry_After=header), OK)
    assert http.request("GET", "x").status == 200
    assert clock.pauses == [pause]


def test_the_server_says_until_when_to_wait(connect, clock):
    until = email.utils.formatdate(time.time() + 50, usegmt=True)
    http = connect(
        answer(503, None, Retry_After=until), answer(503, None, Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"), OK
    )
    assert http.request("GET", "x").status == 200
    assert 0 < clock.pauses[0] <= 50 and clock.pauses[1:] == [0]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "header", ["61", "86400", "99999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"],
    ids=["just over", "a day", "absurd", "beyond a float", "a far date"],
)
def test_a_wait_that_is_too_long_fails_at_once(connect, clock, method, header):
    http = connect(answer(429, None, Retry_After=header), OK, retry_wait_max=60)
    answered = http.request(method, "x", body={})
    assert (answered.status, answered.retry_after, http.requests, clock.pauses) == (429, header, 1, [])


def test_a_long_wait_is_made_in_full_where_the_user_allows_it(connect, clock):
    http = connect(answer(429, None, Retry_After="86400"), OK, retry_wait_max=100000)
    assert http.request("GET", "x").status == 200
    assert clock.pauses == [86400]


def test_all_waiting_of_one_request_together_is_bounded(connect, clock):
    http = connect(*[answer(503, None, Retry_After="20")] * 9, retry_wait_max=60, retries=8)
    assert http.request("GET", "x").status == 503
    assert (clock.pauses, http.requests) == ([20, 20, 20], 4)


def test_pauses_of_our_own_are_bounded_too(connect, clock):
    http = connect(*[answer(502)] * 30, retry_wait_max=10, retries=20)
    assert http.request("GET", "x").status == 502
    assert 0 < sum(clock.pauses) <= 10
    assert http.requests == len(clock.pauses) + 1 < 20


def test_waiting_of_one_request_does_not_count_for_the_next(connect):
    again = answer(429, None, Retry_After="50")
    http = connect(again, OK, again, OK, retry_wait_max=60)
    assert [http.request("GET", "x").status for unused in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, ""), ("", ""), ("soon", " It may be tried again later."),
        ("90", " It may be tried again in 90 s (at 20"), ("86400", " It may be tried again in 86400 s (at 20"),
    ],
)
def test_a_message_names_the_wait_that_was_asked_for(header, words):
    assert _http.retry_at(header).startswith(words)
    assert bool(words) is bool(_http.retry_at(header))


@pytest.mark.parametrize("header", ["99999999999999", "9" * 400, "9" * 5000], ids=len)
def test_an_absurd_wait_can_still_be_put_into_a_message(header):
    assert _http.retry_at(header).startswith(" It may be tried again")


# Pace and concurrency


def test_a_rate_limit_keeps_requests_apart(connect, clock):
    http = connect(rate_limit=4)
    for _unused in range(5):
        http.request("GET", "x")
    assert sum(clock.pauses) == pytest.approx(1.0)


def test_a_rate_limit_holds_for_repeated_requests_too(connect, clock):
    http = connect(*[answer(503, None, Retry_After="0")] * 3, OK, rate_limit=4)
    assert http.request("GET", "x").status == 200
    assert sum(clock.pauses) == pytest.approx(0.75)


def test_without_a_rate_limit_nothing_waits(connect, clock):
    http = connect()
    for _unused in range(3):
        http.request("GET", "x")
    assert clock.pauses == []


def test_every_item_comes_back_with_its_result_or_its_error(connect):
    def half(number):
        if number % 2:
            raise ApiError("odd", 404, None, "", "GET", "x")
        return number // 2

    results = list(connect(max_connections=3).each(half, range(20)))
    assert sorted(item for item, unused in results) == list(range(20))
    for item, result in results:
        assert (str(result) == "odd") if item % 2 else result == item // 2


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_items_are_all_done(connect, count):
    assert sorted(connect().each(lambda item: -item, range(count))) == [(item, -item) for item in range(count)]


def test_a_single_failed_item_comes_back_with_its_error(connect):
    error = ApiError("no", 404, None, "", "GET", "x")

    def fail(item):
        raise error

    assert list(connect().each(fail, ["a"])) == [("a", error)]


def test_items_are_done_together_but_not_more_than_max_connections(connect):
    lock, together = threading.Lock(), threading.Barrier(3)
    running, most = [0], [0]

    def work(item):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait(20)  # three have to be here at the same time
        with lock:
            running[0] -= 1

    results = list(connect(max_connections=3).each(work, range(12)))
    assert len(results) == 12 and most == [3]


def test_after_an_error_that_would_repeat_itself_what_has_not_begun_is_not_begun(connect):
    begun, release = [], threading.Event()

    def work(item):
        begun.append(item)
        if item == 0:
            raise ApiError("credentials", 401, None, "", "GET", "x")
        release.wait(20)

    outcomes = {}
    for item, result in connect(max_connections=1).each(work, range(10)):
        outcomes[item] = result
        release.set()
    assert set(outcomes) == set(range(10))
    assert str(outcomes[0]) == "credentials"
    skipped = {item for item, result in outcomes.items() if isinstance(result, NotAttempted)}
    assert skipped == set(range(10)) - set(begun) and len(skipped) >= 8


def test_what_has_not_begun_is_not_begun_when_nobody_wants_the_results_any_more(connect):
    begun = []

    def work(item):
        begun.append(item)
        time.sleep(0.005)

    outcomes = connect(max_connections=1).each(work, range(200))
    next(outcomes)
    outcomes.close()
    assert len(begun) < 200


def test_a_mistake_of_ours_is_not_taken_for_a_failed_item(connect):
    with pytest.raises(ZeroDivisionError):
        list(connect().each(lambda item: 1 // item, [0, 0]))


@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_results_come_in_the_order_of_the_items_even_of_equal_ones(connect, count):
    http = connect(max_connections=3)
    assert http.results(lambda item: -item, range(count)) == [-item for item in range(count)]
    assert http.results(str, [7] * count) == ["7"] * count


def test_of_results_the_first_cause_is_raised_and_not_what_follows_from_it(connect):
    def work(item):
        if item == 3:
            raise ApiError("credentials", 401, None, "", "GET", "x")
        raise NotAttempted

    with pytest.raises(ApiError, match="credentials"):
        connect(max_connections=1).results(work, range(6))


def test_of_results_the_error_is_that_of_the_first_item_whichever_fails_first(connect):
    second_failed = threading.Event()

    def work(item):
        if item == 0:
            assert second_failed.wait(10)
        elif item == 1:
            second_failed.set()
        raise ApiError(f"item {item}", 401, None, "", "GET", "x")

    with pytest.raises(ApiError, match="item 0"):
        connect(max_connections=2).results(work, range(2))


def test_what_ends_it_is_raised_once_the_outcome_of_what_was_under_way_is_told(connect, monkeypatch):
    class Limit(BaseException):
        """What Ansible raises when the time of a task is over."""

    begun, told = [], []

    def work(item):
        begun.append(item)
        time.sleep(0.02)
        return "done"

    def first_alone(futures):
        first = list(futures)[0]
        first.result()
        yield first
        raise Limit

    monkeypatch.setattr(_http, "as_completed", first_alone)
    with pytest.raises(Limit):
        for item, result in connect(max_connections=2).each(work, range(50)):
            told.append((item, result))
    assert sorted(item for item, result in told) == list(range(50))
    assert sorted(item for item, result in told if result == "done") == sorted(begun) != list(range(50))
    assert all(result == "done" or isinstance(result, NotAttempted) for item, result in told)


def test_what_ends_it_while_items_are_still_handed_out_ends_it_too(connect, monkeypatch):
    class Limit(BaseException):
        """What Ansible raises when the time of a task is over."""

    class Ended(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            if len(handed) == 20:
                raise Limit
            handed.append(arguments[0])
            return super().submit(function, *arguments)

    begun, handed, told = [], [], []

    def work(item):
        begun.append(item)
        time.sleep(0.01)

    monkeypatch.setattr(_http, "ThreadPoolExecutor", Ended)
    with pytest.raises(Limit):
        for item, _result in connect(max_connections=1).each(work, range(50)):
            told.append(item)
    assert len(begun) < 20 and sorted(told) == handed == list(range(20))


def test_connections_are_kept_for_the_next_task_of_the_process_and_requests_counted_for_each(server, monkeypatch):
    monkeypatch.setattr(_http, "_KEPT", {})
    settings = Settings(server.url, USER, SECRET)
    first = _http.kept(settings)
    first.request("GET", "a")
    first.close()
    second = _http.kept(settings)
    assert [second.request("GET", "b").status, second.requests, first.requests] == [200, 1, 1]
    assert server.connections == 1
    assert _http.kept(Settings(server.url, USER, "other"))._session is not second._session
    monkeypatch.setattr(_http.os, "getpid", lambda: -1)
    assert _http.kept(settings)._session is not second._session


def test_concurrent_requests_are_all_counted_and_answered(connect, server):
    http = connect(max_connections=4)
    results = list(http.each(lambda name: http.request("GET", name).status, [str(name) for name in range(40)]))
    assert len(results) == http.requests == len(server.seen) == 40
    assert {status for unused, status in results} == {200} and server.connections <= 4


# Redirects, and what a URL may be


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed_and_names_both_addresses_without_credentials(connect, server, status):
    target = f"https://user:hunter2@elsewhere.example/{BASE64}"
    http = connect(answer(status, None, Location=target))
    with pytest.raises(TransportError) as caught:
        http.request("GET", "users")
    message = str(caught.value)
    assert f"{server.url}/users redirects to https://elsewhere.example/********, and" in message
    assert "api_url" in message and "hunter2" not in message and BASE64 not in message
    assert (http.requests, caught.value.lost) == (1, False)


def test_a_redirect_to_nowhere_is_said_so(connect):
    with pytest.raises(TransportError, match="redirects to nowhere"):
        connect(answer(302)).request("POST", "x", body={})


# Names in a path


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("a", "a"), ("a/b", "a%2Fb"), ("a b", "a%20b"), ("a+b", "a%2Bb"), ("100%", "100%25"), ("a?b#c", "a%3Fb%23c"),
        ("\u00e9", "%C3%A9"), ("...", "..."), (".a", ".a"), ("%2E", "%252E"), ("{}", "%7B%7D"), ("a&b=c", "a%26b%3Dc"),
        ("$all", "%24all"), ("a:b", "a%3Ab"), ("\\", "%5C"),
    ],
)
def test_a_name_is_one_segment_of_a_path_whatever_is_in_it(name, segment, connect, server):
    assert path_of("users/{}/x", name) == f"users/{segment}/x"
    connect().request("GET", path_of("users/{}/x", name))
    assert server.seen[0].path == f"/api/v5/users/{segment}/x".replace("%7E", "~")


def test_a_request_line_that_brokers_refuse_is_not_sent(connect, server):
    http = connect()
    http.request("GET", "x", [("like", "/" * 2600)])
    for path, query in (("x" * 7901, ()), ("x", [("like", "/" * 2700)])):
        with pytest.raises(InputError, match="would be longer than the 7900 bytes that brokers take.$"):
            http.request("GET", path, query)
    assert (http.requests, len(server.seen)) == (1, 1)


@pytest.mark.parametrize(
    "path",
    ["", "/", "a/", "/a", "a//b", ".", "..", "a/..", "a/../b", "%2e", "a/%2E%2e/b", ".%2e", "a?b", "a#b", "a\\b",
     "a b", "a\nb", "a\x00", "\u00fc", "a%", "a%zz", "http://h/a?"],
)
def test_no_path_that_could_address_something_else_is_sent_whoever_made_it(path, connect, server):
    with pytest.raises(InputError, match="can't be used as a path"):
        connect().request("DELETE", path)
    assert server.seen == []


# Why no answer came


def test_a_host_that_does_not_exist_is_said_so_whether_or_not_there_is_a_network():
    http = Http(Settings("https://nowhere.invalid/api", USER, SECRET, retries=1))
    with pytest.raises(TransportError, match="the host name of api_url can't be resolved.$") as caught:
        http.request("POST", "x", body={})
    assert (http.requests, caught.value.lost) == (2, False)


def test_an_answer_that_takes_too_long_is_said_so(connect, server):
    http = connect(silent, timeout=0.2, retries=0)
    with pytest.raises(TransportError, match=r"took longer than timeout \(0.2 s\) allows.$") as caught:
        http.request("GET", "x")
    assert caught.value.lost


def test_a_post_without_an_answer_in_time_is_not_repeated_and_may_have_been_carried_out(connect, server):
    http = connect(silent, timeout=0.2)
    with pytest.raises(TransportError, match=r"timeout \(0.2 s\) allows. POST x may have been carried out.$") as caught:
        http.request("POST", "x", body={})
    assert caught.value.lost and http.requests == 1


def test_a_get_without_an_answer_in_time_is_repeated(connect, server):
    http = connect(silent, OK, timeout=1)
    assert http.request("GET", "x").status == 200
    assert http.requests == 2


def test_a_body_that_does_not_end_in_time_is_said_so(connect):
    def slow(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"[")
        silent(handler)

    with pytest.raises(TransportError, match=r"took longer than timeout \(0.2 s\) allows"):
        connect(slow, timeout=0.2, retries=0).request("GET", "x")


def test_a_server_without_tls_is_told_from_a_wrong_certificate(connect, server):
    http = connect(url=server.url.replace("http:", "https:"))
    with pytest.raises(TransportError, match="127.0.0.1:[0-9]+ doesn't speak TLS; check scheme and port of api_url"):
        http.request("GET", "x")
    assert http.requests == 1  # it would not learn TLS meanwhile


@pytest.mark.parametrize(
    ("option", "settings"),
    [("ca_path", {}), ("client_cert", {}), ("client_key", {"client_cert": __file__})],
)
def test_a_file_that_is_missing_is_named(connect, server, tmp_path, option, settings):
    missing = str(tmp_path / "missing.pem")
    http = connect(url=server.url.replace("http:", "https:"), **{**settings, option: missing})
    with pytest.raises(TransportError) as caught:
        http.request("GET", "x")
    assert missing in str(caught.value) and not caught.value.lost


@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_a_file_that_holds_no_certificate_is_named(connect, server, tmp_path, option):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate\n")
    http = connect(url=server.url.replace("http:", "https:"), **{option: str(garbage)})
    with pytest.raises(TransportError) as caught:
        http.request("GET", "x")
    assert option in str(caught.value) or str(garbage) in str(caught.value)


class StubSession:
    """Raises what requests would raise."""

    def __init__(self, error):
        self.error = error

    def request(self, *unused, **also_unused):
        raise self.error


@pytest.mark.parametrize(
    ("error", "why", "lost"),
    [
        (requests.exceptions.SSLError("certificate verify failed: certificate has expired (_ssl.c:1)"),
         "the certificate of h:8443 has expired.", False),
        (requests.exceptions.SSLError("certificate verify failed: Hostname mismatch, not valid for 'h'."),
         "is for another host name; check api_url.", False),
        (requests.exceptions.SSLError("IP address mismatch, certificate is not valid for '127.0.0.1'"),
         "is for another host name; check api_url.", False),
        (requests.exceptions.SSLError("certificate verify failed: self-signed certificate in certificate chain"),
         "signed by an unknown authority; set ca_path to its CA certificate.", False),
        (requests.exceptions.SSLError("certificate verify failed: self signed certificate"),
         "signed by an unknown authority; set ca_path to its CA certificate.", False),
        (requests.exceptions.SSLError("certificate verify failed: unable to get local issuer certificate"),
         "signed by an unknown authority; set ca_path to its CA certificate.", False),
        (requests.exceptions.SSLError("x (SSLError(1, '[SSL: TLSV1_ALERT] tlsv1 alert unknown ca (_ssl.c:1)'))"),
         "h:8443 refuses the certificate of client_cert.", False),
        (requests.exceptions.SSLError("x (SSLError(PermissionError(13, '[Errno 13] Permission denied')))"),
         " can't be read (Permission denied).", False),
        (requests.exceptions.SSLError("x (SSLError(1, '[SSL: UNRECOGNIZED_NAME] unrecognized name (_ssl.c:1)'))"),
         "h:8443 has no certificate for its host name; check api_url.", False),
        (requests.exceptions.ConnectionError(("Connection aborted.", PermissionError(13, "Permission denied"))),
         "client_cert (None) or client_key can't be read (Permission denied).", False),
        (requests.exceptions.SSLError("x (SSLError(1, '[SSL: CA_MD_TOO_WEAK] ca md too weak (_ssl.c:1)'))"),
         "TLS failed (ca md too weak).", False),
        (requests.exceptions.ProxyError("Cannot connect to proxy"),
         "the proxy can't be reached (Cannot connect to proxy); see HTTPS_PROXY and NO_PROXY.", False),
        (requests.exceptions.ConnectTimeout("Connection to h timed out. (connect timeout=30)"),
         "no connection within 30 s; check api_url and the firewall.", False),
        (requests.exceptions.ReadTimeout("Read timed out."), "took longer than timeout (30 s) allows.", True),
        (requests.exceptions.ConnectionError("[Errno 101] Network is unreachable NewConnectionError"),
         "the connection can't be made (Network is unreachable NewConnectionError).", False),
        (requests.exceptions.ConnectionError("Connection aborted."), "the connection was lost.", True),
        (requests.exceptions.ContentDecodingError("incorrect header check"), "incorrect header check.", False),
        (PermissionError(13, "Permission denied", "key.pem"), "the file key.pem can't be used (Permission denied).",
         False),
        (ssl.SSLError("bad key"), "bad key", False),
        (ValueError(f"odd {SECRET} in it"), "odd ******** in it.", False),
    ],
)
def test_whatever_stops_a_request_is_one_sentence(monkeypatch, error, why, lost):
    http = Http(Settings("https://h:8443/api", USER, SECRET))
    monkeypatch.setattr(http, "_session", StubSession(error))
    with pytest.raises(TransportError) as caught:
        http.request("GET", "x")
    assert str(caught.value).startswith("No answer from https://h:8443: ") and why in str(caught.value)
    assert caught.value.lost is lost


# How long and how large an answer may be


def drips(clock, parts, each):
    """Send an answer part by part, each of which takes so many seconds of the clock, headers included."""

    def step(handler):
        for part in parts:
            handler.wfile.write(part)
            time.sleep(0.02)  # so that each part is received alone
            clock.now += each

    return step


HEADERS = [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 9\r\n", b"\r\n"]


@pytest.mark.parametrize(
    "parts",
    [[*HEADERS, b"[1", b", 2", b", 3]"], [b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", b"X: 2\r\n", *HEADERS[1:]]],
    ids=["body", "headers"],
)
def test_an_answer_that_drips_is_given_up_although_no_part_of_it_is_late(connect, clock, parts):
    http = connect(drips(clock, parts, 15), retries=0, timeout=5)
    with pytest.raises(TransportError, match=r"took longer than timeout \(5 s\) allows") as caught:
        http.request("GET", "x")
    assert caught.value.lost


def test_an_answer_may_take_ten_times_the_timeout(connect, clock, server):
    http = connect(drips(clock, [*HEADERS, b"[1", b", 2", b", 3]"], 8), timeout=5)
    assert http.request("GET", "x").json == [1, 2, 3]
    assert http.request("GET", "x").json == {"last": True}
    assert server.connections == 1


def chunks(content):
    """Send a body in chunks, so that its size is not told."""

    def step(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content))

    return step


def compressed(content):
    """Send a body compressed."""
    return answer(200, gzip.compress(content), Content_Encoding="gzip")


def plainly(content):
    """Send a body with its size."""
    return answer(200, content)


@pytest.mark.parametrize("way", [plainly, chunks, compressed])
def test_an_answer_that_is_too_long_is_not_read_and_not_asked_for_again(connect, monkeypatch, way):
    monkeypatch.setattr(_http, "MOST", 1 << 20)
    http = connect(way(b" " * ((1 << 20) + 1)), way(b"7" + b" " * ((1 << 20) - 1)))
    with pytest.raises(TransportError) as caught:
        http.request("GET", "x")
    assert str(caught.value) == "GET x gave an answer of more than 1 MiB, which is not read."
    assert (http.requests, caught.value.lost) == (1, False)
    assert http.request("GET", "x").json == 7  # and no rest of the other


def test_what_changed_something_and_gave_too_long_an_answer_may_have_been_carried_out(connect, monkeypatch):
    monkeypatch.setattr(_http, "MOST", 100)
    with pytest.raises(TransportError, match="which is not read. POST x may have been carried out.$"):
        connect(answer(200, b" " * 101)).request("POST", "x", body={})


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_was_lost_each_time_may_have_been_carried_out(connect, method):
    with pytest.raises(TransportError, match=f"{method} x may have been carried out.$"):
        connect(reset, reset, retries=1).request(method, "x")


# How TLS is set up


class RecordingAdapter(requests.adapters.HTTPAdapter):
    """Stands in for the connection and remembers how it was asked for."""

    def send(self, request, **options):
        self.options = options
        raise requests.exceptions.ConnectionError("refused")


@pytest.mark.parametrize(
    ("settings", "verify", "cert"),
    [
        ({}, True, None),
        ({"ca_path": "ca.pem"}, "ca.pem", None),
        ({"validate_certs": False}, False, None),
        ({"validate_certs": False, "ca_path": "ca.pem"}, False, None),
        ({"client_cert": "both.pem"}, True, ("both.pem", "both.pem")),
        ({"client_cert": "c.pem", "client_key": "k.pem"}, True, ("c.pem", "k.pem")),
    ],
)
def test_certificates_are_verified_as_the_options_say(settings, verify, cert, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    http, adapter = Http(Settings("https://h/api", USER, SECRET, timeout=7, **settings)), RecordingAdapter()
    http._session.mount("https://", adapter)
    with pytest.raises(TransportError):
        http.request("GET", "x")
    assert (adapter.options["verify"], adapter.options["cert"], adapter.options["timeout"]) == (verify, cert, 7)


@pytest.mark.parametrize(
    ("settings", "verify"),
    [({"validate_certs": False}, False), ({"ca_path": "ca.pem"}, "ca.pem"), ({}, "bundle.pem")],
)
def test_a_ca_bundle_of_the_environment_only_replaces_that_of_the_system(settings, verify, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "bundle.pem")
    http, adapter = Http(Settings("https://h/api", USER, SECRET, **settings)), RecordingAdapter()
    http._session.mount("https://", adapter)
    with pytest.raises(TransportError):
        http.request("GET", "x")
    assert adapter.options["verify"] == verify


# Texts from outside


# Without requests


def test_without_requests_everything_can_still_be_imported_and_the_message_says_what_is_missing(monkeypatch):
    for name in ("requests", "requests.adapters", "urllib3.exceptions", "urllib3.util.retry"):
        monkeypatch.setitem(sys.modules, name, None)
    name = _http.__name__ + "_without_requests"
    found = importlib.util.spec_from_file_location(name, _http.__file__)
    bare = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, name, bare)
    found.loader.exec_module(bare)
    assert bare.HAS_REQUESTS is False
    with pytest.raises(InputError, match="requests is missing for .*: pip install requests.$") as caught:
        bare.Http(bare.Settings("https://h/api", USER, SECRET))
    assert sys.executable in str(caught.value)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (requests.exceptions.ConnectionError("refused"), True), (requests.exceptions.ReadTimeout("x"), True),
        (requests.exceptions.ConnectTimeout("x"), True), (requests.exceptions.ChunkedEncodingError("x"), True),
        (requests.exceptions.SSLError("certificate has expired"), False),
        (requests.exceptions.ProxyError("Cannot connect to proxy"), False),
        (requests.exceptions.InvalidURL("x"), False), (OSError(2, "no such file", "ca.pem"), False),
    ],
)
def test_what_a_restart_may_cause_is_told_from_what_stays(connect, error, passing):
    assert connect()._failure("GET", "x", error, 0).passing is passing


@pytest.mark.parametrize(
    ("value", "problem"),
    [("\udcff", "A text .* not valid Unicode"), (float("inf"), "A number .* JSON doesn't know"),
     (float("nan"), "A number .* JSON doesn't know")],
)
def test_what_is_no_json_is_refused_before_it_is_sent(value, problem):
    http = Http(Settings("http://127.0.0.1:1/api", USER, SECRET, retries=0))
    with pytest.raises(InputError, match=problem):
        http.request("POST", "things", body={"x": [value]})
    assert http.requests == 0
