# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role converge and the playbooks on it, run by name as users run them, on both ansible-core versions.

A run takes seconds, so that each of these looks at much at once.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import Deployment, Fault, Simulator
from system.harness import connection, done, environment, needs
from tooling import environments
from tooling.paths import COPY

CORES = ["main", "core216"]
PLANTED = "{{ lookup('ansible.builtin.pipe', 'touch PROOF') }}"
SPACED = '{"a":   "EVIL"}'
SECRET = "S3CRETmarker"
ROW = re.compile(r'"(\w+) +(ok|changed|failed|not reached) +([-\d]+) +([-\d]+) +([-\d]+) +([-\d]+) +([-\d]+)"')


class Unsafe(str):
    """A text that is written as ``!unsafe``."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def written(folder: Path, name: str, content: Any) -> str:
    path = folder / name
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return str(path)


def play(core: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook of one ansible-core with these words; output and errors are one text."""
    needs(core)
    settings = {
        "ANSIBLE_NOCOLOR": "true", "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }  # fmt: skip
    return subprocess.run(
        [environments.VENVS / core / "bin" / "ansible-playbook", *words],
        env={**environments.variables(core), **settings, **variables},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


def table(output: str) -> dict[str, list[str]]:
    """The last summary: state, created, updated, deleted and unchanged by section."""
    last = output.rpartition('"section ')[2]
    return {found[1]: [found[place] for place in range(2, 7)] for found in ROW.finditer(last)}


@pytest.fixture(name="deployment", scope="module")
def fixture_deployment() -> Iterator[Deployment]:
    with Simulator.start("v5") as simulator:
        yield simulator.deployments[0]


@pytest.fixture(autouse=True)
def _fresh(deployment: Deployment) -> None:
    deployment.reset()


def whole_model(evil: str) -> dict[str, Any]:
    """Every section of v5, with texts in all places that Ansible would evaluate if it took them for templates."""
    unsafe = Unsafe(evil)
    left_alone = {"enabled": None, "position": None, "config": None}
    rules = [{"topic": Unsafe("t/" + evil.replace("#", "")), "action": "all", "permission": "allow", "qos": [0]}]
    return {
        "converge_authenticators": [
            {"mechanism": "jwt", "config": {"algorithm": "hmac-based", "use_jwks": False, "from": "password"}},
            {"mechanism": "password_based", "backend": "built_in_database", **left_alone},
        ],
        "converge_authorization_sources": [{"type": "built_in_database", **left_alone}, {"type": "file"}],
        "converge_authorization_settings": {"no_match": "deny", "deny_action": None, "cache": None},
        "converge_users": [{"username": unsafe, "password": f"{SECRET}-1"}, {"username": "plain"}],
        "converge_acl": [{"username": unsafe, "rules": rules}],
        "converge_bans": [{"clientid": unsafe, "reason": unsafe}],
        "converge_connectors": [{"type": "http", "name": "hook", "enabled": None, "secret_config": None,
                                 "config": {"url": "http://127.0.0.1:9", "description": unsafe}}],
        "converge_actions": [{"type": "http", "name": "post", "connector": "hook", "enabled": None,
                              "config": {"parameters": {"method": "post", "path": "/in", "body": unsafe}}}],
        "converge_sources": [],
        "converge_rules": [{"id": "r", "enabled": None, "sql": Unsafe(f"SELECT x as \"{evil}\" FROM \"t\""),
                            "description": "[1, 2]", "actions": ["http:post", {
                                "function": "republish", "args": {"topic": "out", "payload": unsafe}}]}],
        "converge_topic_metrics": ["t"],
        "converge_retained_messages": [
            {"topic": "evil", "payload": unsafe},
            {"topic": "json", "payload": Unsafe(SPACED.replace("EVIL", evil))},
            {"topic": "text", "payload": "[1,   2]", "qos": 1, "payload_encoding": None},
            {"topic": "structure", "payload": {"a": [1, "x"]}},
        ],
        "converge_exact": ["authenticators", "users", "acl", "bans", "connectors", "actions", "sources", "rules",
                           "topic_metrics", "retained_messages"],
        "converge_purge_all": True,
        "converge_secrets": {
            "usernames": {"plain": f"{SECRET}-2"},
            "authenticators": {"jwt": {"secret": f"{SECRET}-3"}},
            "connectors": {"http:hook": {"headers": {"x-plant": f"{SECRET}-4", "x-odd": unsafe}}},
        },
    }  # fmt: skip


@pytest.mark.parametrize("core", CORES)
def test_a_model_with_texts_that_look_like_templates(tmp_path: Path, deployment: Deployment, core: str) -> None:
    """Predicted, applied, and unchanged the second time; nothing is evaluated, no secret printed, every text exact."""
    deployment.add_users(["left-over"])
    proof = tmp_path / "evaluated"
    evil = PLANTED.replace("PROOF", str(proof))
    model = written(tmp_path, "model.yml", whole_model(evil))
    words = ["emqx.cloud.converge", "-e", f"@{model}", "--diff", "-vvv"]
    predicted, applied, again = (
        play(core, *words, *more, **environment(deployment)) for more in (["--check"], [], [])
    )
    for run in (predicted, applied, again):
        assert run.returncode == 0, run.stdout
        assert SECRET not in run.stdout
    assert not proof.exists()
    assert table(predicted.stdout) == table(applied.stdout)
    assert table(applied.stdout)["users"] == ["changed", "2", "0", "1", "0"]
    assert {row[0] for row in table(again.stdout).values()} == {"ok"}
    assert len(table(again.stdout)) == 12
    assert sorted(deployment.user_names()) == sorted([evil, "plain"])
    assert deployment.check_password("plain", f"{SECRET}-2")
    assert deployment.bans() == [("clientid", evil)]
    assert deployment.retained() == {
        "evil": evil.encode(), "json": SPACED.replace("EVIL", evil).encode(), "text": b"[1,   2]",
        "structure": b'{"a":[1,"x"]}',
    }  # fmt: skip
    (rule,) = done("rule_info", deployment)["rules"]
    assert rule["description"] == "[1, 2]" and evil in rule["sql"] and rule["actions"][1]["args"]["payload"] == evil
    assert deployment.integrations("actions")["http:post"]["parameters"]["body"] == evil
    assert deployment.integrations("connectors")["http:hook"]["headers"]["x-plant"] == f"{SECRET}-4"
    assert deployment.integrations("connectors")["http:hook"]["headers"]["x-odd"] == evil
    chain = done("config_info", deployment)["authenticators"]
    assert [link["mechanism"] for link in chain] == ["jwt", "password_based"]


def test_a_wrong_model_makes_no_request_and_every_place_is_named(tmp_path: Path, deployment: Deployment) -> None:
    model = written(tmp_path, "model.yml", {
        "converge_users": [{"username": "a", "password": f"{SECRET}-1"}, {"username": "b", "clientid": "b"}],
        "converge_acl": [{"username": "a", "rules": [{"topic": "a/#/b", "action": "all", "permission": "allow"}]}],
        "converge_bans": "everybody",
        "converge_connectors": [{"type": "http", "name": "a", "config": {"headers": {"x": 1}}}],
        "converge_resources": [],
        "converge_rules": [{"id": "a", "sql": "SELECT"}, {"id": "x y", "sql": "SELECT"}],
        "converge_rulez": [],
        "converge_exact": ["users", "usrs"],
        "converge_purge_limit": "ten",
        "converge_secrets": {"connectors": {"http:a": {"headers": {"x": f"{SECRET}-2"}}}, "clients": {}},
    })  # fmt: skip
    run = play("main", "emqx.cloud.converge", "-e", f"@{model}", "-vvv", **environment(deployment))
    assert run.returncode == 2
    assert deployment.requests == []
    assert SECRET not in run.stdout
    for line in (
        "The model has 10 problems, and nothing was done:",
        "converge_rulez is no section of a model (do you mean converge_rules?).",
        "converge_exact[1] is 'usrs', which is no section of a model (do you mean users?).",
        "converge_purge_limit is 'ten': it is a number, or a percentage such as '10%'.",
        "converge_secrets.clients is no part of it (do you mean converge_secrets.clientids?).",
        "converge_users[1].username or converge_users[1].clientid has to name one user: both are given.",
        "converge_acl[0].rules[0].topic is 'a/#/b', which is no topic filter: '#' stands alone as the last level.",
        "converge_bans has to be a list of dictionaries, and is none.",
        "converge_connectors[0]: headers.x is given both in config and in secret_config: give it in secret_config.",
        "converge_resources needs a v4 deployment, and this is one of v5.",
        "converge_rules[1].id is 'x y', which a v5 deployment refuses: ",
    ):
        assert line in run.stdout, line


def test_a_vault_that_is_none_is_refused_without_being_shown(tmp_path: Path, deployment: Deployment) -> None:
    model = written(tmp_path, "model.yml", {"converge_users": [], "converge_secrets": f"{SECRET}-9"})
    run = play("main", "emqx.cloud.converge", "-e", f"@{model}", "-vvv", **environment(deployment))
    assert run.returncode == 2 and "converge_secrets" in run.stdout
    assert SECRET not in run.stdout and deployment.requests == []


def test_a_purge_that_goes_too_far_changes_nothing(tmp_path: Path, deployment: Deployment) -> None:
    for name in "abcd":
        done("rule", deployment, id=name, sql='SELECT * FROM "t"')
    deployment.forget_requests()
    model = written(tmp_path, "model.yml", {
        "converge_users": [{"username": "new", "password": "x"}], "converge_rules": [{"id": "a"}],
        "converge_exact": ["rules"], "converge_purge_limit": "50%",
    })  # fmt: skip
    run = play("main", "emqx.cloud.converge", "-e", f"@{model}", **environment(deployment))
    assert run.returncode == 2
    sentence = "3 of 4 would be deleted, which is more than converge_purge_limit allows (50%): nothing was changed."
    assert f"converge_rules: {sentence}" in run.stdout
    assert {request.method for request in deployment.requests} == {"GET"}
    assert {row[0] for row in table(run.stdout).values()} == {"not reached"}


def test_a_limit_of_0_purges_nobody(tmp_path: Path, deployment: Deployment) -> None:
    """Neither from a file, where it is a number, nor from the command line."""
    deployment.add_users(["a", "b"])
    model = written(tmp_path, "model.yml", {"converge_users": [{"username": "a"}], "converge_exact": ["users"]})
    for limit in ('{"converge_purge_limit": 0}', "converge_purge_limit=0"):
        run = play("main", "emqx.cloud.converge", "-e", f"@{model}", "-e", limit, **environment(deployment))
        assert run.returncode == 2
        assert "1 of 2 would be deleted, which is more than purge_limit allows (0): nothing was changed." in run.stdout
    assert deployment.user_names() == ["a", "b"]


@pytest.mark.parametrize("core", CORES)
def test_the_role_runs_twice_in_a_play(tmp_path: Path, deployment: Deployment, core: str) -> None:
    """Nothing of the first model is left in the second, nor its result where the third one is wrong."""
    role = {"name": "emqx.cloud.converge"}
    models = [
        {"converge_bans": [{"clientid": "a"}], "converge_rules": [{"id": "a", "sql": 'SELECT * FROM "t"'}]},
        {"converge_rules": [], "converge_exact": ["rules"], "converge_purge_all": True},
        {"converge_users": [{}]},
    ]
    first, second, third = ({"ansible.builtin.include_role": role, "vars": model} for model in models)
    names = "converge_result.sections | map(attribute='section') | list"
    tasks = [
        first, {"ansible.builtin.assert": {"that": f"{names} == ['bans', 'rules']"}},
        second, {"ansible.builtin.assert": {"that": [f"{names} == ['rules']", "converge_result.requests < 6"]}},
        {"block": [third], "rescue": [{"ansible.builtin.assert": {"that": "converge_result is none"}}]},
    ]
    head = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    site = written(tmp_path, "site.yml", [{**head, "tasks": tasks}])
    run = play(core, site, **environment(deployment))
    assert run.returncode == 0 and "rescued=1" in run.stdout, run.stdout
    assert done("rule_info", deployment)["rules"] == [] and len(deployment.bans()) == 1


def test_a_section_that_fails_tells_what_was_done_before(tmp_path: Path, deployment: Deployment) -> None:
    deployment.faults.add(Fault("status", method="POST", path="/banned", status=500))
    model = written(tmp_path, "model.yml", {
        "converge_users": [{"username": "new", "password": "x"}], "converge_bans": [{"clientid": "a"}],
        "converge_rules": [{"id": "a", "sql": 'SELECT * FROM "t"'}],
    })  # fmt: skip
    run = play("main", "emqx.cloud.converge", "-e", f"@{model}", **environment(deployment))
    assert run.returncode == 2
    assert table(run.stdout) == {
        "users": ["changed", "1", "0", "0", "0"],
        "bans": ["failed", "0", "0", "0", "0"],
        "rules": ["not reached", "0", "0", "0", "0"],
    }
    assert done("rule_info", deployment)["rules"] == []


def test_check_mode_on_a_broker_that_has_no_databases_yet(tmp_path: Path, deployment: Deployment) -> None:
    """As a broker of one's own is at first."""
    gone = {"backend": "built_in_database", "mechanism": "password_based", "state": "absent", "lose_users": True}
    done("authenticator", deployment, **gone)
    done("authorization_source", deployment, type="built_in_database", state="absent", lose_rules=True)
    rules = [{"topic": "t", "action": "all", "permission": "allow"}]
    model = written(tmp_path, "model.yml", {
        "converge_authenticators": [{"mechanism": "password_based", "backend": "built_in_database"}],
        "converge_authorization_sources": [{"type": "built_in_database"}, {"type": "file"}],
        "converge_users": [{"username": "a", "password": f"{SECRET}-1"}],
        "converge_acl": [{"username": "a", "rules": rules}, {"everyone": True, "rules": rules}],
    })  # fmt: skip
    words = ["emqx.cloud.converge", "-e", f"@{model}", "--diff"]
    report = ["emqx.cloud.drift", "-e", f"@{model}", "-e", f"drift_file={tmp_path}/drift.json"]
    drift = play("main", *report, **environment(deployment))  # in check mode by a keyword, not by an option
    predicted, applied = (play("main", *words, *more, **environment(deployment)) for more in (["--check"], []))
    assert drift.returncode == predicted.returncode == applied.returncode == 0, drift.stdout + predicted.stdout
    assert "  users username a: missing on the deployment" in drift.stdout
    assert table(predicted.stdout) == table(applied.stdout)
    assert table(applied.stdout)["acl"] == ["changed", "2", "0", "0", "0"]
    assert SECRET not in predicted.stdout


def test_users_are_not_lost_with_an_authenticator_that_is_not_listed(tmp_path: Path, deployment: Deployment) -> None:
    deployment.add_users(["a"])
    chain = [{"mechanism": "jwt", "config": {"algorithm": "hmac-based", "use_jwks": False, "from": "password"},
              "secret_config": {"secret": "x" * 20}}]  # fmt: skip
    model = {"converge_authenticators": chain, "converge_exact": ["authenticators"]}
    run = play("main", "emqx.cloud.converge", "-e", f"@{written(tmp_path, 'm.yml', model)}", **environment(deployment))
    assert run.returncode == 2
    assert "holds users, who would be deleted with it: set lose_users: true if that is what you want." in run.stdout
    chain.append({"mechanism": "password_based", "backend": "built_in_database", "state": "absent", "lose_users": True})
    run = play("main", "emqx.cloud.converge", "-e", f"@{written(tmp_path, 'm.yml', model)}", **environment(deployment))
    assert run.returncode == 0, run.stdout
    assert table(run.stdout)["authenticators"] == ["changed", "0", "0", "1", "1"]


@pytest.mark.parametrize("core", CORES)
def test_a_fleet(tmp_path: Path, core: str) -> None:
    """Six deployments of both generations: one has a wrong model, one a wrong secret, and the others don't mind."""
    proof = tmp_path / "evaluated"
    evil = Unsafe(PLANTED.replace("PROOF", str(proof)))
    with Simulator.start("v5", count=3) as newer, Simulator.start("v4", count=3) as older:
        hosts: dict[str, Any] = {}
        deployments = [*newer.deployments, *older.deployments]
        for number, deployment in enumerate(deployments):
            hosts[f"plant-{number}"] = {
                **{f"emqx_{name}": value for name, value in connection(deployment).items()},
                # Nobody listens there: a fleet is asked from the controller.
                "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1,
                "converge_bans": [{"clientid": f"stolen-{number}"}],
            }  # fmt: skip
        deployments[1].add_users(["known"])
        hosts["plant-1"].update(converge_bans=None, converge_users=[{"username": "known"}])
        hosts["plant-2"]["emqx_app_secret"] = f"{SECRET}-wrong"
        hosts["plant-3"]["converge_bans"] = [{"clientid": "a", "until": evil}, {}]
        inventory = written(tmp_path, "hosts.yml", {"all": {"hosts": hosts}})
        run = play(core, "emqx.cloud.fleet", "-i", inventory, "-vvv", "--forks", "2")
        assert run.returncode == 2, run.stdout
        rows = re.findall(r'"(plant-\d) +(\w+) +(\d+)(?:  (.*))?"', run.stdout.partition("Show the deployments")[2])
        assert [row[:2] for row in rows[:6]] == [
            ("plant-0", "changed"), ("plant-1", "ok"), ("plant-2", "failed"), ("plant-3", "failed"),
            ("plant-4", "changed"), ("plant-5", "changed"),
        ]  # fmt: skip
        assert "the credentials are refused: check app_id and app_secret (HTTP 401" in rows[2][3]
        assert rows[3][3].startswith("converge_bans[0].until is ") and rows[3][3].endswith("(1 more)")
        assert [deployment.bans() for deployment in deployments] == [
            [("clientid", f"stolen-{number}")] if number in (0, 4, 5) else [] for number in range(6)
        ]
        for deployment in deployments:
            assert deployment.app_secret not in run.stdout
        assert SECRET not in run.stdout and not proof.exists()
        recap = dict(re.findall(r"(plant-\d) +: .*failed=(\d)", run.stdout))
        assert {name for name, failed in recap.items() if failed != "0"} == {"plant-2", "plant-3"}


def test_a_fleet_in_which_nothing_was_done_still_has_its_table(tmp_path: Path, deployment: Deployment) -> None:
    variables = {f"emqx_{name}": value for name, value in connection(deployment).items()}
    hosts = {
        "one": {**variables, "converge_users": [{}]}, "two": {"emqx_api_url": "http://127.0.0.1:1/api/v5"},
        "three": variables,
    }
    inventory = written(tmp_path, "hosts.yml", {"all": {"hosts": hosts}})
    run = play("main", "emqx.cloud.fleet", "-i", inventory, "--limit", "one:two:three")
    assert run.returncode == 2
    shown = run.stdout.partition("Show the deployments")[2]
    assert re.search(r'"one +failed +0  converge_users\[0\]\.username or', shown), run.stdout
    assert re.search(r'"two +failed +0  .*emqx_app_id', shown), run.stdout
    assert re.search(r'"three +ok +0  It has no model\."', shown), run.stdout


def test_the_examples_of_the_filters_and_of_the_role_run(tmp_path: Path, deployment: Deployment) -> None:
    filters = [
        "all_new", "converge_plan", "converge_result", "failure_reason", "item_secrets",
        "text_table", "with_secrets",
    ]  # fmt: skip
    tasks = []
    for name in filters:
        text = (COPY / "plugins" / "filter" / f"{name}.py").read_text(encoding="utf-8")
        tasks += yaml.safe_load(text.partition('EXAMPLES = r"""')[2].partition('"""')[0])
    head = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    examples = written(tmp_path, "examples.yml", [{**head, "tasks": tasks}])
    role = tmp_path / "role.yml"
    role.write_text((COPY / "roles/converge/README.md").read_text().partition("```yaml\n")[2].partition("```")[0])
    variables = written(tmp_path, "variables.yml", {
        **{f"emqx_{name}": value for name, value in connection(deployment).items()},
        "vault_gateway_password": "of-the-gateway",
        "vault_converge_secrets": {"usernames": {"gateway-7": "of-the-gateway", "dashboard": "of-the-dashboard"}},
        "ansible_python_interpreter": sys.executable,
    })  # fmt: skip
    run = play("main", examples, str(role), "-e", f"@{variables}", **environment(deployment))
    assert run.returncode == 0, run.stdout
    assert "No such user." in run.stdout and '"section  created  deleted"' in run.stdout
    assert table(run.stdout)["users"][:2] == ["changed", "1"]
