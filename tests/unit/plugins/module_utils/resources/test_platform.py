# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Platform API: what it lists, and what starts and stops a deployment."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered
from ansible_collections.emqx.cloud.plugins.module_utils._resources import platform
from ansible_collections.emqx.cloud.plugins.module_utils._resources._api import PlatformApi, platform_api
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONNECTION
from ansible_collections.emqx.cloud.plugins.module_utils._times import parse
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, scripted

ROW = {
    "deploymentID": "d1", "deploymentName": "fleet", "deploymentType": "dedicated", "platform": "aws",
    "projectName": "Vans", "region": "eu-central-1", "status": "running", "version": "5.8.9", "connections": 7,
    "tps": 1.5, "createAt": "2026-01-02T05:04:05+02:00",
}
SHOWN = {
    "id": "d1", "name": "fleet", "type": "dedicated", "platform": "aws", "project": "Vans", "region": "eu-central-1",
    "status": "running", "version": "5.8.9", "connections": 7, "tps": 1.5, "created_at": "2026-01-02T03:04:05Z",
}
NO_SUCH = {"code": "NO_SUCH_DEPLOYMENT", "message": "no"}
DEFAULTS = {name: option.get("default") for name, option in CONNECTION.items()}


def account(*script):
    return scripted(PlatformApi, *script)


def options(**given):
    return {"id": None, "name": None, "wait": False, "state": "started", **given}


# What there is


def test_a_deployment_has_the_names_that_users_read():
    with account(Call("GET", "deployments", gives=[ROW, {"deploymentID": "d2"}])) as api:
        assert list(platform.deployments(api)) == [SHOWN, {**dict.fromkeys(SHOWN), "id": "d2"}]
    with account(Call("GET", "deployments/a%2Fb", gives={**ROW, "deploymentID": "a/b"})) as api:
        assert platform.deployment(api, "a/b") == {**SHOWN, "id": "a/b"}
    with account(Call("GET", "projects", gives=[{"projectID": "p", "projectName": "Vans", "more": 1}])) as api:
        assert list(platform.projects(api)) == [{"id": "p", "name": "Vans", "description": None}]


@pytest.mark.parametrize("gives", [{"data": [ROW]}, {}, {**ROW, "deploymentID": "d2"}, [1], "soon", None, [[ROW]]])
def test_an_answer_without_that_shape_is_one_error(gives):
    for path, read in (("deployments", platform.deployments), ("projects", platform.projects)):
        with account(Call("GET", path, gives=gives)) as api, pytest.raises(ApiError, match=f"^GET {path} "):
            list(read(api))
    path = "deployments/d1"
    with account(Call("GET", path, gives=gives)) as api, pytest.raises(ApiError, match=f"^GET {path} "):
        list(platform.find_deployments(api, {"id": "d1"}))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ["d1", "d2"]), ({"name": "fleet"}, ["d1"]), ({"project": "Vans", "region": "x"}, []),
        ({"type": "dedicated", "status": "running", "region": "eu-central-1"}, ["d1"]), ({"name": "flee"}, []),
    ],
)
def test_filters_are_applied_to_one_listing(given, found):
    with account(Call("GET", "deployments", gives=[ROW, {"deploymentID": "d2"}])) as api:
        assert [row["id"] for row in platform.find_deployments(api, given)] == found


def test_an_id_is_one_look_and_the_filters_hold_all_the_same():
    look = Call("GET", "deployments/d1", gives=ROW)
    with account(look, look, Call("GET", "deployments/d3", status=404, gives=NO_SUCH)) as api:
        assert list(platform.find_deployments(api, {"id": "d1"})) == [SHOWN]
        assert list(platform.find_deployments(api, {"id": "d1", "name": "other"})) == []
        assert list(platform.find_deployments(api, {"id": "d3"})) == []


def test_projects_are_filtered_by_id_and_name():
    rows = [{"projectID": "p1", "projectName": "a"}, {"projectID": "p2", "projectName": "a"}, {"projectID": 3}]
    call = Call("GET", "projects", gives=rows)
    with account(call, call, call) as api:
        assert [row["id"] for row in platform.find_projects(api, {"id": "3"})] == [3]
        assert [row["id"] for row in platform.find_projects(api, {"id": "p2"})] == ["p2"]
        assert [row["id"] for row in platform.find_projects(api, {"name": "a"})] == ["p1", "p2"]


# What it refuses


def failure(call, **answer):
    method, path = call.split()
    with account(Call(method, path, **answer)) as api, pytest.raises(ApiError) as caught:
        api.call(method, path)
    return caught.value


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        ("GET deployments", "this call may be made 60 times in 60 minutes"),
        ("GET projects", "this call may be made 60 times in 60 minutes"),
        ("PUT deployments/d1/tls", "a certificate may be changed 6 times in 60 minutes"),
        ("POST deployments/d1/stop", "a deployment may be asked to stop once in 60 minutes"),
    ],
)
def test_past_a_limit_it_is_said_which_and_until_when(call, limit):
    before = datetime.now(timezone.utc).replace(microsecond=0)
    for header, span, words in (("600", 600, "in 600 s "), (None, 3600, "at the latest."), ("x", 3600, "latest.")):
        message = str(failure(call, status=429, gives={"message": "slow down"}, retry_after=header))
        assert message.startswith(f"{call} failed: {limit}") and words in message
        moment = parse(re.search(r"20\d\d-\S+Z", message)[0])
        assert before + timedelta(seconds=span) <= moment <= datetime.now(timezone.utc) + timedelta(seconds=span)


def test_a_call_without_a_known_limit_names_none():
    assert "minutes" not in str(failure("POST deployments", status=429, gives={}))
    assert "again later" in str(failure("POST deployments", status=429, gives={}, retry_after="x"))


@pytest.mark.parametrize("gives", ["", "<html>", {"code": "NOT_FOUND", "message": "x"}])
def test_a_404_of_a_list_is_a_wrong_address(gives):
    problem = failure("GET deployments", status=404, gives=gives)
    assert isinstance(problem, NotOffered) and "platform_url leads elsewhere" in str(problem)


def test_a_404_that_is_a_web_page_is_no_word_on_a_deployment():
    page = Call("GET", "deployments/d1", status=404, gives="<html>")
    with account(page) as api, pytest.raises(NotOffered, match="platform_url leads elsewhere"):
        platform.deployment(api, "d1")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://h:8443/api", "that of a Deployment API"), ("https://h/api/v4/", "that of a Deployment API"),
        ("https://h/api/v5", "that of a Deployment API"), ("h", "should look like https://HOST/public_api/v1"),
    ],
)
def test_the_address_of_a_deployment_is_none_of_the_platform(url, problem):
    with pytest.raises(InputError, match="^platform_url " + ".*" + problem):
        platform_api({**DEFAULTS, "platform_url": url, "platform_key": "k", "platform_secret": "s"})


# Starting and stopping


def test_the_deployment_is_found_by_id_or_by_its_only_name():
    with account(Call("GET", "deployments/d1", gives=ROW), Call("GET", "deployments", gives=[{}, ROW])) as api:
        for given in ({"id": "d1"}, {"name": "fleet"}):
            store = platform.power(api, options(**given))
            assert [record.shown() for record in store.current([store.wanted], False)] == [SHOWN]


@pytest.mark.parametrize(
    ("given", "answer", "message"),
    [
        ({"id": "d1"}, {"status": 404, "gives": NO_SUCH}, "The account has no deployment with the id 'd1'."),
        ({"name": "x"}, {"gives": [ROW]}, "The account has no deployment with the name 'x'."),
        (
            {"name": "fleet"}, {"gives": [ROW, {}, {**ROW, "deploymentID": "d9"}]},
            "2 deployments have the name 'fleet': give the id of the one you mean (d1, d9).",
        ),
    ],
)
def test_none_or_several_are_refused(given, answer, message):
    path = "deployments/d1" if "id" in given else "deployments"
    with account(Call("GET", path, **answer)) as api, pytest.raises(InputError) as caught:
        platform.power(api, options(**given))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "path", "gives"),
    [
        ({"id": "d1"}, "deployments/d1", {**ROW, "status": None}),
        ({"id": "d1"}, "deployments/d1", {**ROW, "status": {}}),
        ({"name": "fleet"}, "deployments", [{**ROW, "deploymentID": None}]),
    ],
)
def test_a_deployment_without_id_or_status_is_no_answer(given, path, gives):
    problem = f"^GET {path} gave .* no id or no status"
    with account(Call("GET", path, gives=gives)) as api, pytest.raises(ApiError, match=problem):
        platform.power(api, options(**given))


def test_an_id_that_is_a_number_is_one():
    row = {**ROW, "deploymentID": 7}
    with account(Call("GET", "deployments/7", gives=row), Call("POST", "deployments/7/stop", gives={})) as api:
        store = platform.power(api, options(id="7", state="stopped"))
        list(store.update([store.wanted]))


@pytest.mark.parametrize(
    ("state", "status", "asked"),
    [
        ("started", "running", False), ("started", "starting", False), ("started", "stopped", True),
        ("stopped", "stopped", False), ("stopped", "stopping", False), ("stopped", "running", True),
        ("started", "broken", True), ("stopped", "broken", True),
        # Once it is there: see what the module waits for.
        ("started", "stopping", True), ("stopped", "starting", True),
    ],
)
@pytest.mark.parametrize("wait", [False, True])
def test_what_is_there_or_on_the_way_is_not_asked_for_again(state, status, asked, wait):
    with account(Call("GET", "deployments/d1", gives={**ROW, "status": status})) as api:
        store = platform.power(api, options(id="d1", state=state, wait=wait))
    (now,) = store.current([store.wanted], False)
    assert store.wanted.differs(now) is asked
    assert store.is_turning() is ((state, status) in (("started", "stopping"), ("stopped", "starting")))
