# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup, the tests and the filter of access rules in playbooks, on the newest ansible-core and on 2.16."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.emqx.cloud.plugins.filter import acl_decision
from ansible_collections.emqx.cloud.plugins.lookup import query
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ
from ansible_collections.emqx.cloud.plugins.test import topic_filter, topic_match, topic_name

from simulator import Deployment, Simulator
from system.harness import connection, done, needs
from tooling import environments

EXAMPLES = [
    task
    for each in (query, acl_decision, topic_filter, topic_match, topic_name)
    for task in yaml.safe_load(each.EXAMPLES)
]
for _task in EXAMPLES:
    _task.get("vars", {}).pop("account", None)  # here it is that of the simulator
LOOKUP = "emqx.cloud.query"


def run(core: str, folder: Path, tasks: list[dict[str, Any]], hosts: Mapping[str, Any], **env: str) -> str:
    """Run tasks on all hosts; return what ansible-playbook printed."""
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    options = {name: f"{{{{ emqx_{name} }}}}" for name in ("api_url", "app_id", "app_secret", "ca_path")}
    defaults = {"group/emqx.cloud.deployment": options}
    play = {"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    (folder / "playbook.yml").write_text(json.dumps([play]))
    ended = subprocess.run(
        [environments.VENVS / core / "bin" / "ansible-playbook", "-i", "hosts.json", "playbook.yml"],
        cwd=folder,
        env={**environments.variables(core), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def host(deployment: Deployment, **variables: Any) -> dict[str, Any]:
    """The variables of a host as the inventory of deployments sets them, one of them a template."""
    named = {f"emqx_{name}": value for name, value in connection(deployment).items()}
    named.update(emqx_app_secret="{{ vault_secret }}", vault_secret=deployment.app_secret)
    return {**named, "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            **variables}  # fmt: skip


def evaluated(**values: str) -> dict[str, Any]:
    """A task that keeps what templates are evaluated to."""
    return {"ansible.builtin.set_fact": {name: f"{{{{ {value} }}}}" for name, value in values.items()}}


def failing(name: str, value: str) -> dict[str, Any]:
    """Tasks that keep the message of a template that can't be evaluated."""
    return {
        "block": [{"ansible.builtin.debug": {"msg": f"{{{{ {value} }}}}"}}, {"ansible.builtin.fail": {"msg": "none"}}],
        "rescue": [{"ansible.builtin.set_fact": {name: "{{ ansible_failed_result.msg }}"}}],
    }


def keep(path: Path, *names: str) -> dict[str, Any]:
    values = ", ".join(f"'{name}': {name}" for name in names)
    return {"ansible.builtin.copy": {"content": f"{{{{ {{{values}}} | to_json }}}}", "dest": str(path)}}


@pytest.mark.parametrize("core", ["main", "core216"])
def test_everything_in_one_play(tmp_path: Path, core: str) -> None:
    needs(core)
    planted = f"{{{{ lookup('pipe', 'touch {tmp_path}/evaluated') }}}}"
    rules = [{"topic": "a/${username}", "action": "all", "permission": "deny"}]
    with Simulator.start(tls=True) as simulator:
        (deployment,) = simulator.deployments
        simulator.platform.add_deployment("stopped one", region="eu-1", status="stopped")
        deployment.add_users([planted, "gateway-1", "gateway-2"])
        deployment.add_client("c-1", username=planted, subscriptions=["a/#"])
        done("banned", deployment, clientid="stolen", reason=planted)
        done("acls", deployment, subjects=[{"username": "u", "rules": rules}])
        done("retained_message", deployment, topic="r/1", payload=planted)
        done("rule", deployment, id="r-1", sql='SELECT * FROM "t/#"', actions=[{"function": "console"}])
        asked = {
            "users": f"query('{LOOKUP}', 'users')",
            "names": f"query('{LOOKUP}', 'users', like='gateway', query='sort([].username)')",
            "joined": f"lookup('{LOOKUP}', 'users', like='gateway', query='sort([].username)')",
            "number": f"lookup('{LOOKUP}', 'users', query='length(@)')",
            "numbers": f"query('{LOOKUP}', 'users', query='length(@)')",
            "nothing": f"query('{LOOKUP}', 'users', query='[0].nothing')",
            "omitted": f"query('{LOOKUP}', 'users', like=omit, app_id=omit, query='length(@)')",
            "clients": f"query('{LOOKUP}', 'clients', fields=['clientid', 'username'])",
            "two": f"query('{LOOKUP}', 'bans', 'retained', query='[].[reason, topic]')",
            "retained": f"query('{LOOKUP}', 'retained', with_payload=true)",
            "acl": f"query('{LOOKUP}', 'acl', username='u')",
            "topics": f"query('{LOOKUP}', 'topics', query='[].topic') + query('{LOOKUP}', 'subscriptions')",
            "rules": f"query('{LOOKUP}', 'rules', id='r-1', query='[].id')",
            "deployments": f"query('{LOOKUP}', 'deployments', name='stopped one', query='[].region', **account)",
            "decision": f"query('{LOOKUP}', 'acl') | emqx.cloud.acl_decision('publish', 'a/u', username='u')",
        }
        wrong = {
            "kind": f"query('{LOOKUP}', 'sheep')",
            "filter": f"query('{LOOKUP}', 'users', colour='red')",
            "limit": f"query('{LOOKUP}', 'users', limit='many')",
            "both": f"query('{LOOKUP}', 'users', like='a', username='a')",
            "expression": f"query('{LOOKUP}', 'users', query='[')",
            "missing": f"query('{LOOKUP}', 'deployments', platform_secret='x')",
            "secret": f"query('{LOOKUP}', 'users', app_secret='wrong-secret')",
            "policy": "[{'topic': 'a'}] | emqx.cloud.acl_decision(action='publish', topic='a')",
            "topic": "7 is emqx.cloud.topic_name",
        }
        again = [{"ansible.builtin.debug": {"msg": "{{ users }} {{ clients }} {{ retained }} {{ two }}"}},
                 {"ansible.builtin.debug": {"msg": "{{ item.username }}"}, f"with_{LOOKUP}": ["users"]}]  # fmt: skip
        tasks = [
            *EXAMPLES,
            evaluated(**asked),
            *again,
            *[failing(f"wrong_{name}", value) for name, value in wrong.items()],
            keep(tmp_path / "found.json", *asked, *[f"wrong_{name}" for name in wrong]),
        ]
        # The host's own secret of the account is nowhere to be found; nothing here needs it.
        variables = {"account": connection(simulator.platform), "emqx_platform_secret": "{{ nowhere }}"}
        printed = run(core, tmp_path, tasks, {"plant-7": host(deployment, **variables)}, EMQX_RETRIES="0")
    found = json.loads((tmp_path / "found.json").read_text())
    assert not (tmp_path / "evaluated").exists()
    assert "[WARNING]" not in printed and "[DEPRECATION" not in printed
    for secret in (deployment.app_secret, simulator.platform.platform_secret, "wrong-secret"):
        assert secret not in printed and secret not in json.dumps(found)
    assert sorted(row["username"] for row in found["users"]) == sorted([planted, "gateway-1", "gateway-2"])
    assert (found["names"], found["joined"]) == (["gateway-1", "gateway-2"], "gateway-1,gateway-2")
    assert (int(found["number"]), found["numbers"], found["nothing"]) == (3, [3], [])
    assert found["omitted"] == [3]
    assert found["clients"] == [{"clientid": "c-1", "username": planted}]
    assert found["two"] == [[planted, None], [None, "r/1"]]
    assert found["retained"][0]["payload"] == planted
    assert found["acl"] == [{"username": "u", "rules": [{**rules[0], "qos": [0, 1, 2], "retain": "all"}]}]
    assert (found["topics"][0], found["topics"][1]["clientid"]) == ("a/#", "c-1")
    assert (found["rules"], found["deployments"], found["decision"]) == (["r-1"], ["eu-1"], "deny")
    for name, words in {
        "kind": "'sheep' can't be read: it is one of users, acl, clients",
        "filter": "can't read users: Unsupported parameters for (emqx.cloud.auth_user_info) module: colour",
        "limit": "limit",
        "both": "parameters are mutually exclusive",
        "expression": "query is no JMESPath expression",
        "missing": "missing required arguments: platform_key, platform_url",
        "secret": "check app_id and app_secret",
        "policy": "acl_decision: rules[0].action is missing: it is publish, subscribe or all.",
        "topic": "The topic is 7: it has to be a text.",
    }.items():
        assert words in found[f"wrong_{name}"], (name, found[f"wrong_{name}"])
        assert "Traceback" not in found[f"wrong_{name}"]


def test_what_is_documented_is_what_there_is() -> None:
    """Types, defaults and choices of the modules, and where else a value comes from."""
    command = ["ansible-doc", "-t", "lookup", "--json", "emqx.cloud.query"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    options = json.loads(printed.stdout)["emqx.cloud.query"]["doc"]["options"]
    assert set(options) == {"_terms", *query.CONNECTIONS, *READ}
    assert options["_terms"]["choices"] == list(query.KINDS)
    for name, option in query.CONNECTIONS.items():
        told = options[name]
        assert [each["name"] for each in told["env"]] == option["fallback"][1], name
        assert [each["name"] for each in told["vars"]] == [f"emqx_{name}"]
        assert not told.get("required") and told["type"] == option.get("type", "str")
        assert (told.get("default"), told.get("choices")) == (option.get("default"), option.get("choices"))
