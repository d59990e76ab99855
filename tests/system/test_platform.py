# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the Platform API on the simulated one: few calls, and every limit survived."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from simulator import Fault, Platform, Simulator
from system.harness import done, environment, failure_of, one_sentence, play, refused, run


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Simulator.start() as simulator:
        yield simulator.platform


def calls(platform: Platform) -> list[str]:
    return [f"{call.method} {call.path}" for call in platform.requests]


def changes(platform: Platform) -> list[str]:
    return [call for call in calls(platform) if call.startswith("POST")]


def status_of(platform: Platform, id: str) -> str:
    return next(str(row["status"]) for row in platform.deployments if row["deploymentID"] == id)


def when_it_may_be_tried_again(message: str) -> timedelta:
    moment = re.search(r"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)Z", message)
    assert moment, message
    return datetime.fromisoformat(moment[1]).replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)


# Reading


def test_two_hundred_deployments_are_one_call(platform: Platform) -> None:
    for number in range(200):
        platform.add_deployment(f"site-{number}", region=f"region-{number % 4}", project=f"Project {number % 2}")
    here = done("deployment_info", platform, region="region-3", project="Project 1")
    assert (here["count"], here["requests"], here["changed"]) == (50, 1, False)
    assert done("deployment_info", platform, limit=7, query="length(@)")["deployments"] == 7
    assert done("project_info", platform, query="[].name")["projects"] == ["Default Project", "Project 0", "Project 1"]
    assert calls(platform) == ["GET /deployments", "GET /deployments", "GET /projects"]


def test_past_the_limit_of_reads_one_sentence_names_it(platform: Platform) -> None:
    id = platform.add_deployment("lab")
    for module, options in (("deployment_info", {}), ("deployment_info", {"id": id}), ("project_info", {})):
        for _number in range(60):
            done(module, platform, **options)
        for header in (False, True):
            platform.set(retry_after=header)
            platform.forget_requests()
            result = run(module, platform, **options)
            assert "may be made 60 times in 60 minutes" in one_sentence(result["msg"])
            assert timedelta(minutes=58) < when_it_may_be_tried_again(result["msg"]) <= timedelta(minutes=60)
            # Asking again at once would be in vain, and would count.
            assert len(platform.requests) == result["requests"] == 1


# Starting and stopping


def test_check_mode_predicts_what_is_then_done(platform: Platform) -> None:
    platform.set(operation_seconds=3600)
    id = platform.add_deployment("lab", region="eu-west-1")
    predicted = done("deployment", platform, check=True, id=id, state="stopped")
    assert changes(platform) == []
    made = done("deployment", platform, id=id, state="stopped")
    assert {**predicted, "requests": 2} == made and made["changed"]
    assert (made["deployment"]["status"], made["deployment"]["region"]) == ("stopping", "eu-west-1")
    assert [made["diff"][when]["deployments"][0]["status"] for when in ("before", "after")] == ["running", "stopping"]
    # On the way there is as good as there.
    again = done("deployment", platform, name="lab", state="stopped")
    assert not again["changed"] and again["deployment"] == made["deployment"]
    assert calls(platform) == [
        f"GET /deployments/{id}", f"GET /deployments/{id}", f"POST /deployments/{id}/stop", "GET /deployments",
    ]


@pytest.mark.parametrize("status", ["running", "starting", "stopped", "stopping"])
@pytest.mark.parametrize("state", ["started", "stopped"])
def test_waiting_ends_where_it_was_predicted(platform: Platform, status: str, state: str) -> None:
    """Also if it was on the way to the opposite: that is waited for first."""
    id = platform.add_deployment("lab", status={"starting": "stopped", "stopping": "running"}.get(status, status))
    platform.set(operation_seconds=0.3)
    if status in ("starting", "stopping"):
        done("deployment", platform, id=id, state="started" if status == "starting" else "stopped")
    given = {"id": id, "state": state, "wait": True, "wait_timeout": 10}
    predicted = done("deployment", platform, check=True, **given)
    platform.forget_requests()
    made = done("deployment", platform, **given)
    assert {**predicted, "requests": made["requests"]} == made
    end = "running" if state == "started" else "stopped"
    assert made["deployment"]["status"] == status_of(platform, id) == end
    assert made["changed"] is (status not in (end, "starting" if state == "started" else "stopping"))
    assert len(changes(platform)) == made["changed"]
    if status == end:
        assert made["requests"] == 1


def test_on_the_way_to_the_opposite_it_is_refused_without_waiting(platform: Platform) -> None:
    id = platform.add_deployment("lab", status="starting")
    for check in (False, True):
        result = run("deployment", platform, check=check, name="lab", state="stopped")
        assert f"The deployment {id} is starting, and can be asked to stop only" in one_sentence(result["msg"])
    result = run("deployment", platform, id=id, state="stopped", wait=True, wait_timeout=0.2)
    assert f"it is still waited for the deployment {id}, which is starting." in one_sentence(result["msg"])
    assert not result["changed"] and changes(platform) == []
    assert (result["deployment"]["id"], result["deployment"]["status"]) == (id, "starting")
    assert result["requests"] <= 22


def test_a_wait_that_is_too_short_tells_what_was_done(platform: Platform) -> None:
    platform.set(operation_seconds=3600)
    id = platform.add_deployment("lab")
    result = run("deployment", platform, id=id, state="stopped", wait=True, wait_timeout=0.2)
    assert f"After 0.2 s (wait_timeout) it is still waited for the deployment {id}, which is stopping." == result["msg"]
    assert result["failed"] and result["changed"] and result["deployment"]["status"] == "stopping"


def test_names_that_several_have(platform: Platform) -> None:
    ids = [platform.add_deployment("twin") for _number in range(3)]
    assert refused("deployment", platform, name="twin", state="stopped") == (
        f"3 deployments have the name 'twin': give the id of the one you mean ({', '.join(ids)})."
    )
    assert refused("deployment", platform, name="nobody", state="stopped").endswith("with the name 'nobody'.")
    assert refused("deployment", platform, id="nobody", state="stopped").endswith("with the id 'nobody'.")


@pytest.mark.parametrize("retry_after", [None, "1", "1800"])
@pytest.mark.parametrize("status", [429, 503])
def test_what_was_asked_once_is_never_asked_again(platform: Platform, retry_after: str | None, status: int) -> None:
    id = platform.add_deployment("lab")
    platform.faults.add(Fault("status", status=status, retry_after=retry_after and int(retry_after), method="POST"))
    result = run("deployment", platform, id=id, state="stopped")
    assert changes(platform) == [f"POST /deployments/{id}/stop"]
    assert result["failed"] and not result["changed"] and result["counts"]["failed"] == 1
    message = one_sentence(result["msg"])
    if status == 429:
        assert "a deployment may be asked to stop once in 60 minutes" in message
    if status == 429 or retry_after:
        span = timedelta(seconds=int(retry_after or 3600))
        assert span - timedelta(minutes=1) < when_it_may_be_tried_again(message) <= span + timedelta(seconds=1)
        assert ("at the latest" in message) is (retry_after is None)


@pytest.mark.parametrize("kind", ["reset", "truncated", "slow"])
def test_nor_where_no_answer_came(platform: Platform, kind: str) -> None:
    """The next run finds it on the way, if it was carried out."""
    id = platform.add_deployment("lab")
    platform.faults.add(Fault(kind, seconds=0.6, method="POST"))
    result = run("deployment", platform, id=id, state="stopped", timeout=0.3)
    assert len(changes(platform)) <= 1 and "may have been carried out." in one_sentence(result["msg"])
    assert result["failed"]


def test_the_real_limit_is_met_and_over_in_an_hour(platform: Platform) -> None:
    id = platform.add_deployment("lab")
    done("deployment", platform, id=id, state="stopped", wait=True, wait_timeout=6)
    done("deployment", platform, id=id, state="started", wait=True, wait_timeout=6)
    platform.set(retry_after=True)
    assert "once in 60 minutes" in run("deployment", platform, id=id, state="stopped")["msg"]
    platform.forget_limits()
    assert done("deployment", platform, id=id, state="stopped")["changed"]


def test_a_limit_that_others_use_up_is_waited_over(platform: Platform) -> None:
    """A 429 while waiting, without a time and with one that is far away, is no failure."""
    id = platform.add_deployment("lab")
    path = f"/deployments/{id}"
    platform.faults.add(Fault("status", status=429, method="GET", path=path, nth=2))
    platform.faults.add(Fault("status", status=429, retry_after=3000, method="GET", path=path, nth=2))
    made = done("deployment", platform, id=id, state="stopped", wait=True, wait_timeout=2)
    assert made["deployment"]["status"] == "stopped" and len(changes(platform)) == 1
    platform.faults.add(Fault("status", status=429, method="GET", path=path, nth=2, times=100))
    result = run("deployment", platform, id=id, state="started", wait=True, wait_timeout=0.2)
    assert result["changed"] and "60 times in 60 minutes" in one_sentence(result["msg"])


def test_a_key_for_reading_only(platform: Platform) -> None:
    platform.set(read_only=True)
    id = platform.add_deployment("lab")
    result = run("deployment", platform, id=id, state="stopped")
    assert "the API key lacks the permission" in one_sentence(result["msg"]) and status_of(platform, id) == "running"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("body", status=404, body={"code": "X", "message": "y"}, method="GET", nth=2), "no longer has"),
        (Fault("body", body=["odd"], method="GET", nth=2), "can't be used"),
    ],
)
def test_what_is_gone_or_odd_while_waiting(platform: Platform, fault: Fault, sentence: str) -> None:
    id = platform.add_deployment("lab")
    platform.faults.add(fault)
    result = run("deployment", platform, id=id, state="stopped", wait=True, wait_timeout=5)
    assert result["failed"] and result["changed"] and sentence in one_sentence(result["msg"])


# From a playbook


def test_a_playbook_without_secrets_and_without_templates(platform: Platform, tmp_path: Path) -> None:
    """What is planted in a name is never evaluated, and the group's defaults are all that is needed."""
    planted = "{{ lookup('pipe', 'touch " + str(tmp_path / "planted") + "') }}"
    platform.add_deployment(planted, project=planted, status="stopped")
    platform.add_project("More", planted)
    name = {"emqx.cloud.deployment": {"name": "{{ found.deployments[-1].name }}", "state": "started"}}
    tasks: list[dict[str, Any]] = [
        {"emqx.cloud.deployment_info": {}, "register": "found"},
        {"emqx.cloud.project_info": {}, "register": "projects"},
        {"ansible.builtin.debug": {"var": "found"}},
        {"ansible.builtin.debug": {"msg": "{{ projects.projects | map(attribute='description') | join(',') }}"}},
        {**name, "register": "made"},
        {"ansible.builtin.debug": {"var": "made.deployment.project"}},
        {**name, "failed_when": False},
        {"emqx.cloud.deployment_info": {"platform_secret": "another-secret-7c1d"}},
    ]
    options = {"platform_key": platform.platform_key, "platform_secret": platform.platform_secret}
    defaults = {"group/emqx.cloud.platform": {**options, "platform_url": platform.platform_url}}
    done = play(tmp_path, tasks, {}, "-vvv", module_defaults=defaults)
    assert "check platform_key and platform_secret (HTTP 401" in done.stdout and done.returncode == 2, done.stdout
    for secret in (platform.platform_secret, "another-secret-7c1d"):
        assert secret not in done.stdout
    assert not (tmp_path / "planted").exists()
    assert len(changes(platform)) == 1


def test_the_sentence_of_a_limit_reaches_the_terminal(platform: Platform, tmp_path: Path) -> None:
    id = platform.add_deployment("lab")
    run("deployment", platform, id=id, state="stopped")
    platform.change_deployment(id, status="running")
    task = {"emqx.cloud.deployment": {"id": id, "state": "stopped"}}
    done = play(tmp_path, [task], environment(platform))
    assert "It may be tried again at 20" in failure_of(done.stdout)
    assert json.dumps(platform.platform_secret) not in done.stdout
