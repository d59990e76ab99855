# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a URL, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._http import Http, Settings
from ansible_collections.emqx.cloud.plugins.module_utils._urls import checked_name, checked_url, fit_path, path_of


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("https://h:8443/api/v5", "https://h:8443/api/v5"),
        ("https://h/api/", "https://h/api"),
        ("  https://h/api//\n", "https://h/api"),
        ("https://[::1]:8443/api", "https://[::1]:8443/api"),
        ("http://127.0.0.1:8081/api/v4", "http://127.0.0.1:8081/api/v4"),
        ("http://127.9.9.9/api", "http://127.9.9.9/api"),
        ("http://[::1]/api", "http://[::1]/api"),
        ("http://localhost:18083/api/v5", "http://localhost:18083/api/v5"),
        ("https://broker-1.example.com./api", "https://broker-1.example.com./api"),
        ("https://10.0.0.1/api", "https://10.0.0.1/api"),
        ("https://[2001:db8::1]/api", "https://[2001:db8::1]/api"),
    ],
)
def test_a_good_url_is_accepted(url, used):
    assert checked_url(url, "api_url") == used


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "no valid URL"), ("h", "no valid URL"), ("//h/api", "no valid URL"), ("https://", "no valid URL"),
        ("ftp://h/api", "no valid URL"), ("https://h:x/api", "no valid URL"), ("https://h:99999/", "no valid URL"),
        ("https://[::1/api", "no valid URL"), ("https://h/a pi", "no valid URL"), ("file:///etc/p", "no valid URL"),
        ("https://h/api?x=1", "a query or a fragment"), ("https://h/api#x", "a query or a fragment"),
        ("http://h/api", "plain HTTP to h"), ("http://10.0.0.1/api", "plain HTTP to 10.0.0.1"),
        ("http://128.0.0.1/api", "plain HTTP"), ("http://localhost.example/api", "plain HTTP"),
        ("http://127.0.0.1.example/api", "plain HTTP"), ("http://notlocalhost/api", "plain HTTP"),
        ("http://localhost.example.com/api", "plain HTTP"), ("http://broker.localhost/api", "plain HTTP"),
        ("http://localhost./api", "plain HTTP"), ("http://[::2]/api", "plain HTTP"),
        ("http://0177.0.0.1/api", "no host"), ("http://127.1/api", "no host"), ("http://2130706433/api", "no host"),
        ("http://0x7f.0.0.1/api", "no host"), ("http://0x7f000001/api", "no host"),
        ("http://127.0.0.0x1/api", "no host"),
        ("http://127.0.0.1./api", "no host"), ("http://[::ffff:127.0.0.1]/api", "no host"),
        ("http://[::ffff:7f00:1]/api", "no host"), ("http://[::1%25lo]/api", "no host"),
        ("http://[127.0.0.1]/api", "no"), ("http://127%2e0.0.1/api", "no host"), ("http://a..localhost/api", "no host"),
        ("http://\uff11\uff12\uff17.0.0.1/api", "no valid URL: .* in its host with xn--"),
        ("http://loc\u0131lhost/api", "no valid URL: .* in its host with xn--"),
        ("http://evil.example\\.localhost/api", "no valid URL"), ("http:\\\\localhost/api", "no valid URL"),
        ("http://evil.example\\@localhost/api", "credentials"), ("https://localhost@evil.example/api", "credentials"),
        ("https://h/a/../api", "would lead elsewhere"), ("https://h/%2e%2E/api", "would lead elsewhere"),
        ("https://h/\x00api", "no valid URL"), ("https://h\t/api", "no valid URL"),
    ],
)
def test_a_bad_url_is_refused_and_the_option_named(url, problem):
    with pytest.raises(InputError, match="^platform_url .*" + problem):
        checked_url(url, "platform_url")
    with pytest.raises(InputError, match=problem):
        Http(Settings(url, "an-id", "a-secret"))


@pytest.mark.parametrize(
    "url", ["https://me:hunter2@h/api", "https://me@h/api", "https://:hunter2@h/api", "https://h:hunter2@/api",
            "https://me:hun/ter2@h/api", "//me:hunter2@h/api", "me:hunter2@h/api", "https:me:hunter2@h/api",
            "https://me:hunter2%40h/api", "https://me%3Ahunter2%40h/api", "https://h/api?app_secret=hunter2",
            "https://h/api#hunter2", "https://h:hunter2/api", "https://h\\hunter2/api"],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url):
    with pytest.raises(InputError) as caught:
        checked_url(url, "api_url")
    assert "hunter2" not in str(caught.value) and "ter2" not in str(caught.value)
    assert "api_url" in str(caught.value)


def test_plain_http_is_accepted_where_the_user_allows_it():
    assert checked_url("http://h/api", "api_url", allow_http=True) == "http://h/api"
    assert Http(Settings("http://h/api", "an-id", "a-secret", allow_http=True)).url == "http://h/api"


def test_several_names_keep_their_places():
    assert path_of("{}/rules/{}", "a/b", "c") == "a%2Fb/rules/c"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_address_something_else_is_refused(name):
    with pytest.raises(InputError, match="can't be used as a name: the API would take it for another path"):
        path_of("users/{}", name)


@pytest.mark.parametrize("name", [None, 5, b"a", ["a"]])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(InputError, match="can't be used as a name: it is no text, and no path leads to it.$"):
        path_of("users/{}", name)


@pytest.mark.parametrize("name", ["\ud800", "a\udcff"])
def test_a_name_that_is_no_valid_unicode_is_refused(name):
    with pytest.raises(InputError, match="not valid Unicode"):
        path_of("users/{}", name)
    with pytest.raises(InputError, match="can't be used as clientid"):
        checked_name(name, "clientid")


@pytest.mark.parametrize(("character", "most"), [("x", 7500), ("/", 2500), ("\u00fc", 1250), ("\U0001f600", 625)])
def test_a_name_that_no_path_could_hold_is_refused(character, most):
    assert path_of("users/{}", character * most)
    with pytest.raises(InputError, match=f"… can't be used as a name: it has {most + 1} characters, and brokers take"):
        path_of("users/{}", character * (most + 1))
    assert fit_path(character * (most // 2), character * (most // 2))
    assert not fit_path(character * most, character)
