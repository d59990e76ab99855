# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules from their arguments to their result, as Ansible runs them, against a server on the loopback address."""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import pkgutil
import sys

import pytest
from ansible.module_utils import basic
from ansible_collections.emqx.cloud.plugins import modules
from ansible_collections.emqx.cloud.plugins.module_utils import _http
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    ACCOUNT,
    DEPLOYMENT,
    NEEDED,
    PLATFORM,
    Spec,
    run_directly,
    run_module,
)
from ansible_collections.emqx.cloud.plugins.modules import api, auth_user, auth_users, client, client_info, subscription
from ansible_collections.emqx.cloud.tests.unit.loopback import answer, running_server

MODULES = [
    importlib.import_module(f"{modules.__name__}.{found.name}")
    for found in pkgutil.iter_modules(modules.__path__)
    if found.name != "validate_model"  # only documentation: an action does it
]
SECRET = "s3cret-of-the-app"
BASE64 = base64.b64encode(b"app:" + SECRET.encode()).decode("ascii")
NAMES = {
    "EMQX_API_URL": "EMQXCLOUD_DEPLOYMENT_ENDPOINT", "EMQX_APP_ID": "EMQXCLOUD_DEPLOYMENT_API_KEY",
    "EMQX_APP_SECRET": "EMQXCLOUD_DEPLOYMENT_API_SECRET", "EMQX_PLATFORM_URL": "EMQXCLOUD_PLATFORM_ENDPOINT",
    "EMQX_PLATFORM_KEY": "EMQXCLOUD_PLATFORM_API_KEY", "EMQX_PLATFORM_SECRET": "EMQXCLOUD_PLATFORM_API_SECRET",
}


@contextlib.contextmanager
def arguments(given):
    """Give a module its arguments, the way that this ansible-core has for tests."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # before ansible-core 2.19
        before = basic._ANSIBLE_ARGS
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before
    else:
        with patch_module_args(given):
            yield


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    for names in NAMES.items():
        for name in names:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="server")
def _server():
    with running_server() as server:
        yield server


@pytest.fixture(name="run")
def _run(capsys, monkeypatch):
    """Run something that ends in ``exit_json`` or ``fail_json`` and return its result."""
    # From ansible-core 2.19 on, warnings go elsewhere in a process that has imported the controller's parts.
    internal = sys.modules.get("ansible.module_utils._internal")
    if internal:
        monkeypatch.setattr(internal, "is_controller", False, raising=False)

    def run(main, **given):
        capsys.readouterr()
        with arguments(given), pytest.raises(SystemExit) as caught:
            main()
        result = json.loads(capsys.readouterr().out)
        assert bool(result.get("failed")) is (caught.value.code != 0)
        return result

    return run


@pytest.fixture(name="connection")
def _connection(server):
    return {"api_url": server.url, "app_id": "app", "app_secret": SECRET}


def test_a_user_is_created_and_the_result_tells_it(run, connection, server):
    missing = {"code": "NOT_FOUND", "message": "User not found"}
    server.script = [answer(200, {"user_id_type": "username"}), answer(404, missing), answer(201, {"user_id": "a"})]
    result = run(auth_user.main, username="a", password="hunter2-hunter2", _ansible_diff=True, **connection)
    assert result["user"] == {"username": "a", "is_superuser": False}
    assert result["changed"] is True and result["requests"] == 3
    assert result["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}
    assert result["diff"]["after"] == {"users": [{"username": "a", "is_superuser": False}]}
    assert "hunter2" not in json.dumps(result) and SECRET not in json.dumps(result)
    assert [seen.command for seen in server.seen] == ["GET", "GET", "POST"]


def test_check_mode_sends_no_change(run, connection, server):
    server.script = [answer(200, {"user_id_type": "username"}), answer(404, {"code": "NOT_FOUND", "message": "x"})]
    result = run(auth_user.main, username="a", password="hunter2-hunter2", _ansible_check_mode=True, **connection)
    assert result["changed"] is True and result["counts"]["created"] == 1
    assert [seen.command for seen in server.seen] == ["GET", "GET"]


def test_a_failure_is_told_as_sentence_and_as_data(run, connection, server):
    server.script = [answer(401, {"code": "BAD_API_KEY_OR_SECRET", "message": f"not {SECRET} nor {BASE64}"})]
    result = run(client_info.main, **connection)
    assert result["failed"] is True and result["changed"] is False and result["requests"] == 1
    assert "the credentials are refused: check app_id and app_secret" in result["msg"]
    assert (result["error"]["status"], result["error"]["code"]) == (401, "BAD_API_KEY_OR_SECRET")
    assert SECRET not in json.dumps(result) and BASE64 not in json.dumps(result)


@pytest.mark.parametrize("names", [list(NAMES), list(NAMES.values())], ids=["ours", "those of EMQX"])
def test_the_connection_may_come_from_the_environment(run, server, monkeypatch, names):
    for name, value in zip(names, (server.url, "app", SECRET)):
        monkeypatch.setenv(name, value)
    server.script = [answer(200, {"data": [{"clientid": "a"}], "meta": {}})]
    result = run(client_info.main)
    assert result["clients"] == [{"clientid": "a"}] and result["count"] == 1
    assert server.seen[0].headers["Authorization"] == "Basic " + BASE64


def test_our_own_names_win_and_options_win_over_both(run, server, monkeypatch):
    for ours, theirs in NAMES.items():
        monkeypatch.setenv(ours, "ours-" + ours)
        monkeypatch.setenv(theirs, "theirs-" + theirs)
    seen = run(lambda: run_module(Spec({}), lambda task: {"url": task.params["api_url"], "id": task.params["app_id"]}),
               app_id="from-the-task")
    assert (seen["url"], seen["id"]) == ("ours-EMQX_API_URL", "from-the-task")


@pytest.mark.parametrize(
    ("variable", "option", "text", "value"),
    [
        ("EMQX_API_VERSION", "api_version", "v4", "v4"), ("EMQX_VALIDATE_CERTS", "validate_certs", "no", False),
        ("EMQX_CA_PATH", "ca_path", "/ca", "/ca"), ("EMQX_CLIENT_CERT", "client_cert", "/c", "/c"),
        ("EMQX_CLIENT_KEY", "client_key", "/k", "/k"), ("EMQX_TIMEOUT", "timeout", "1.5", 1.5),
        ("EMQX_RETRIES", "retries", "7", 7), ("EMQX_RETRY_WAIT_MAX", "retry_wait_max", "5", 5.0),
        ("EMQX_RATE_LIMIT", "rate_limit", "10", 10.0), ("EMQX_MAX_CONNECTIONS", "max_connections", "2", 2),
        ("EMQX_ALLOW_HTTP", "allow_http", "yes", True),
    ],
)
def test_every_option_of_the_connection_has_its_variable(run, connection, monkeypatch, variable, option, text, value):
    def echo(task):
        return {"option": task.params[option], "kind": type(task.params[option]).__name__}

    monkeypatch.delenv(variable, raising=False)
    default = run(lambda: run_module(Spec({}), echo), **connection)["option"]
    monkeypatch.setenv(variable, text)
    result = run(lambda: run_module(Spec({}), echo), **connection)
    assert (result["option"], result["kind"]) == (value, type(value).__name__)
    assert default != value


@pytest.mark.parametrize("missing", NEEDED)
def test_what_is_missing_is_named(run, connection, missing):
    given = {name: value for name, value in connection.items() if name != missing}
    result = run(client_info.main, **given)
    assert result["failed"] and result["msg"] == f"missing required arguments: {missing}"


def test_the_secret_its_base64_and_that_of_the_platform_are_masked_wherever_they_show(run, connection):
    platform = {"platform_url": "https://p/public_api/v1", "platform_key": "key", "platform_secret": "platform-s3cret"}
    shown = [SECRET, BASE64, "platform-s3cret", base64.b64encode(b"key:platform-s3cret").decode("ascii")]
    spec = Spec({}, connection={**DEPLOYMENT, **ACCOUNT})
    result = run(lambda: run_module(spec, lambda task: {"echo": shown}), **connection, **platform)
    assert not [secret for secret in shown if secret in json.dumps(result)]


@pytest.mark.parametrize(
    ("module", "option", "more"),
    [(auth_users, "users", {}), (subscription, "topics", {"clientid": "a"})],
)
@pytest.mark.parametrize("text", ["password=hunter2-hunter2", '[{"username": "a", "password": "hunter2-hunter2"}]', ""])
def test_a_text_is_not_taken_for_a_list_of_dictionaries_nor_shown(run, connection, server, module, option, more, text):
    result = run(module.main, **{option: text}, **more, **connection)
    assert result["msg"].startswith(f"{option} has to be a list of dictionaries")
    assert "hunter2" not in json.dumps(result) and server.seen == []


def test_warnings_reach_the_user(run, connection):
    def warn(task):
        task.warnings.append("mind the gap")
        return {}

    result = run(lambda: run_module(Spec({}), warn), **connection)
    assert result["changed"] is False and "mind the gap" in json.dumps(result["warnings"])


def test_check_and_diff_mode_reach_the_task(run, connection):
    def echo(task):
        return {"modes": [task.check_mode, task.diff_mode]}

    for check in (False, True):
        for diff in (False, True):
            modes = {"_ansible_check_mode": check, "_ansible_diff": diff}
            assert run(lambda: run_module(Spec({}), echo), **connection, **modes)["modes"] == [check, diff]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_module_says_in_one_sentence_that_a_library_is_missing(run, connection, monkeypatch, module):
    monkeypatch.setattr(_http, "HAS_REQUESTS", False)
    thing = {"name": "a", "type": "http"}
    needed = {
        "acl": {"everyone": True, "state": "absent"}, "acls": {"subjects": []}, "action": thing,
        "api": {"path": "nodes"},
        "auth_user": {"username": "a", "password": "hunter2-hunter2"}, "auth_users": {"users": [{"username": "a"}]},
        "authenticator": {"mechanism": "jwt"}, "authorization_cache": {"state": "absent"},
        "authorization_settings": {"no_match": "deny"}, "authorization_source": {"type": "file"},
        "banned": {"clientid": "a"}, "broker_info": {"gather": ["nodes"]},
        "client": {"clientid": "a", "state": "absent"}, "connector": thing,
        "deployment": {"id": "a", "state": "started"}, "publish": {"topic": "t", "payload": "p"},
        "resource": {"name": "a"}, "retained_message": {"topic": "t", "state": "absent"}, "rule": {"id": "a"},
        "shadow": {"shadow_id": "a"}, "source": thing, "subscription": {"clientid": "a", "topics": [{"topic": "t"}]},
        "tls_certificate": {"deployment": "a", "state": "absent"},
        "topic_metrics": {"topics": ["t"]}, "wait_for": {"condition": "count", "clients": {}},
    }
    if "api_url" not in module.SPEC.connection:
        connection = dict(zip(PLATFORM, ("https://p/public_api/v1", "key", SECRET)))
    result = run(module.main, **needed.get(module.__name__.rpartition(".")[2], {}), **connection)
    assert result["failed"] and "pip install requests" in result["msg"] and "\n" not in result["msg"]


def test_the_platform_needs_its_own_options(run):
    result = run(api.main, api="platform", path="deployments")
    assert "api is platform but all of the following are missing" in result["msg"]
    assert all(name in result["msg"] for name in PLATFORM)


@pytest.mark.parametrize("direct", [False, True])
def test_a_secret_that_an_api_repeats_in_another_form_is_masked(run, connection, server, direct):
    encoded = base64.b64encode(b"hunter2-hunter2").decode("ascii")
    server.script = [answer(200, {"said": f"not {encoded}"})]
    options = {"method": "POST", "path": "x", "secret_body": {"password": "hunter2-hunter2"}, **connection}
    if direct:
        result = run_directly("api", api.SPEC, api.run, options, False, False, _http.Http)
    else:
        result = run(api.main, **options)
    assert result["status"] == 200 and encoded not in json.dumps(result) and "****" in result["json"]["said"]


def test_an_answer_of_the_api_is_returned_as_it_is(run, connection, server):
    server.script = [answer(200, [{"node": "n"}]), answer(404, {"code": "NOT_FOUND", "message": "no"})]
    result = run(api.main, path="nodes", **connection)
    assert (result["status"], result["json"], result["changed"]) == (200, [{"node": "n"}], False)
    result = run(api.main, path="rules/x", method="DELETE", expected_status=[204, 404], **connection)
    assert (result["status"], result["changed"], result["requests"]) == (404, True, 1)


def test_a_client_id_with_a_comma_is_one_client(run, connection, server):
    result = run(client.main, clientids="a,b", state="absent", **connection)
    assert "clientids has to be a list" in result["msg"] and server.seen == []
    server.script = [answer(200, {"data": [{"clientid": "a,b", "connected": True}]}), answer(204)]
    result = run(client.main, clientid="a,b", state="absent", **connection)
    assert (result["kicked"], result["offline"]) == (["a,b"], [])
    assert server.seen[1].path.endswith("/clients/a%2Cb")
