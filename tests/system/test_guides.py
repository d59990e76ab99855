# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides show was run: their files are written, their commands run in order, and what they print compared.

A block `yaml+jinja` is a file, and its caption the name. In a block `console`, `$ ` begins a command, and the lines
below it are what it prints, among other things: in this order, and spaces don't count. A command fails exactly if the
guide shows that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import trustme
import yaml
from ansible_collections.emqx.cloud.tests.unit.loopback import Server, TlsServer, answer, hang_up, running_server
from cryptography.hazmat.primitives import serialization

import playground
from demo import DEVICES
from simulator import Deployment, Fault, Platform, Simulator, certificates
from system.harness import done, environment, one_sentence, run
from tooling.paths import COPY, ROOT

FOLDER = COPY / "docs" / "docsite" / "rst"
BLOCK = re.compile(r"(?m)^\.\. code-block:: (\S+)\n((?:   :.*\n)*)\n((?:   .*\n|\n)+)")
FAILURES = ("FAILED!", "[ERROR]", "failed=1")
# This is where the tests are already; that it leads here is tested below.
INTO_THE_PLAYGROUND = ("git clone ", "cd emqx.cloud", "make playground")

# The deployments that the guides are about.
GUIDES: dict[str, dict[str, Any]] = {
    "guide_converge": {"generation": "v5", "tls": True},
    "guide_dedicated_v4": {"generation": "v4", "tls": True},
    "guide_dedicated_v5": {"generation": "v5", "tls": True},
    "guide_drift": {"generation": "v5", "tls": True},
    "guide_inventory": {"generation": "v5", "tls": True, "serverless": True, "listed": [{"name": "plant-7"}]},
    "guide_policy": {"generation": "v5", "tls": True},
    "guide_quickstart": {"generation": "v5", "tls": True},
    "guide_self_hosted": {"generation": "v5", "bare": True},
    "guide_serverless": {"generation": "v5", "tls": True, "serverless": True},
    "guide_uri": {"generation": "v5", "tls": True},
}
# These are followed by tests of their own, which have what they need, such as a controller.
ELSEWHERE = {"guide_awx": "tests/system/awx_guide.py"}
ONLINE = {
    "guide_drift": ["gateway-7"],
    "guide_inventory": ["gateway-7"],
    "guide_quickstart": DEVICES,
    "guide_serverless": ["press-1", "press-2"],
}


class Block(NamedTuple):
    """A code block of a guide."""

    language: str
    name: str
    text: str


class Command(NamedTuple):
    """A command and the lines that it prints among others."""

    words: str
    shown: list[str]

    @property
    def fails(self) -> bool:
        return any(mark in line for line in self.shown for mark in FAILURES)


def blocks(guide: str) -> Iterator[Block]:
    """The code blocks of a guide, without their indentation."""
    for match in BLOCK.finditer((FOLDER / f"{guide}.rst").read_text(encoding="utf-8") + "\n"):
        caption = re.search(r":caption: (\S+)", match[2])
        yield Block(match[1], caption[1] if caption else "", re.sub(r"(?m)^   ", "", match[3]).strip("\n") + "\n")


def commands(text: str) -> list[Command]:
    """What is typed in a console, and what is shown below each of it."""
    parts = re.split(r"(?m)^\$ ", text)
    assert parts[0] == "", "a console begins with a command"
    lines = [part.splitlines() for part in parts[1:]]
    return [Command(first, [line for line in rest if line.strip() not in ("", "...")]) for first, *rest in lines]


def compact(text: str) -> str:
    return " ".join(text.split())


class Shell:
    """A shell that keeps what is exported from one command to the next, as the reader's does."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        (folder / "ansible.cfg").write_text(playground.SETTINGS)
        (folder / ".gitconfig").write_text("[user]\nname = Reader\nemail = reader@example.com\n")
        self.folder, self.variables = folder, {**os.environ, **variables, "ANSIBLE_CONFIG": "ansible.cfg"}
        self.variables["GIT_CONFIG_GLOBAL"] = str(folder / ".gitconfig")

    def run(self, words: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        kept = self.folder / ".environment"
        done = subprocess.run(
            ["bash", "-c", f"{words}\nstatus=$?\nenv -0 > {kept}\nexit $status"],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        pairs = (entry.partition("=") for entry in kept.read_text().split("\0") if entry)
        self.variables = {name: value for name, _equals, value in pairs}
        return done.returncode, done.stdout


def follow(guide: str, shell: Shell, here: Callable[[str], str]) -> None:
    """Do what a guide says.

    :param here: puts the addresses of this test in the place of those that a guide names.
    """
    for block in blocks(guide):
        if block.language == "yaml+jinja":
            assert block.name, "a file needs its name in a caption"
            (shell.folder / block.name).write_text(here(block.text), encoding="utf-8")
            continue
        assert block.language == "console", f"nobody runs {block.language}"
        for command in commands(block.text):
            if command.words.startswith(INTO_THE_PLAYGROUND):
                continue
            status, printed = shell.run(here(command.words))
            assert bool(status) == command.fails, f"{command.words}\n{printed}"
            rest = compact(printed)
            for line in command.shown:
                before, found, rest = rest.partition(compact(line))
                assert found, f"{command.words} doesn't print, at this place: {line}\n{printed}"


@pytest.mark.parametrize("guide", GUIDES)
def test_what_a_guide_shows_was_run(guide: str, tmp_path: Path) -> None:
    with Simulator.start(**GUIDES[guide]) as simulator:
        (deployment,) = simulator.deployments
        for name in ONLINE.get(guide, ()):
            deployment.add_user(name, "known-to-the-device")
            deployment.add_client(name)
        if guide == "guide_drift":
            done("banned", deployment, clientid="stolen-7")
        simulator.platform.add_deployment("plant-8", region="us-east-1", type="dedicated")
        addresses = {
            "https://HOST:8443/api/v5": deployment.api_url,
            "https://HOST:8443/api": deployment.api_url,
            "http://127.0.0.1:18083/api/v5": deployment.api_url,
            "=APP_ID ": f"={deployment.app_id} ",
            "=APP_SECRET": f"={deployment.app_secret}",
            "app_id: APP_ID": f"app_id: {deployment.app_id}",
            "app_secret: APP_SECRET": f"app_secret: {deployment.app_secret}",
            "https://HOST/public_api/v1": simulator.platform.platform_url,
            "=PLATFORM_KEY": f"={simulator.platform.platform_key}",
            "=PLATFORM_SECRET": f"={simulator.platform.platform_secret}",
        }
        # Guides that tell how to connect have no variables but the CA of the simulator.
        variables = environment(deployment)
        if guide != "guide_quickstart":
            variables = {name: value for name, value in variables.items() if name == "EMQX_CA_PATH"}

        def here(text: str) -> str:
            for shown, meant in addresses.items():
                text = text.replace(shown, meant)
            return text

        follow(guide, Shell(tmp_path, variables), here)


def test_every_guide_is_followed_and_listed() -> None:
    """But those that show nothing to run."""
    guides = {path.stem for path in FOLDER.glob("guide_*.rst")}
    assert {guide for guide in guides if any(blocks(guide))} == set(GUIDES) | set(ELSEWHERE)
    for guide, test in ELSEWHERE.items():
        assert f"{guide}.rst" in (COPY / test).read_text(encoding="utf-8")
    sections = yaml.safe_load((COPY / "docs/docsite/extra-docs.yml").read_text())["sections"]
    assert {guide for section in sections for guide in section["toctree"]} == guides


def test_the_playground_is_what_the_quick_start_begins_with() -> None:
    """`make playground` opens a shell in which the deployment is there."""
    repository = yaml.safe_load((COPY / "galaxy.yml").read_text())["repository"]
    first = next(block for block in blocks("guide_quickstart") if block.language == "console")
    words = [command.words for command in commands(first.text)]
    assert words == [f"git clone {repository}", f"cd {repository.rpartition('/')[2]}", "make playground"]
    assert "run python tests/playground.py" in (ROOT / "Makefile").read_text()
    typed = "ansible localhost -m emqx.cloud.client_info -a 'fields=clientid'\nexit 3\n"
    done = subprocess.run(
        [sys.executable, "tests/playground.py"],
        cwd=COPY,
        env={**os.environ, "SHELL": "/bin/bash"},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "count: 3" in done.stdout


# The failures that the guide about troubleshooting explains, and how one comes to them: a kind of deployment, a module
# and its options.
SITUATIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("v5", "auth_user_info", {"api_url": "https://no-such-host.invalid/api/v5", "retries": 0}),
    ("v5", "auth_user_info", {"api_url": "https://127.0.0.1:9/api/v5", "retries": 0}),
    ("v5", "auth_user_info", {"ca_path": None}),
    ("wrong-host", "auth_user_info", {}),
    ("expired", "auth_user_info", {}),
    ("not-yet-valid", "auth_user_info", {}),
    ("self-signed", "auth_user_info", {}),
    ("old-tls", "auth_user_info", {}),
    ("v5", "auth_user_info", {"api_url": "http://192.0.2.1/api/v5"}),
    ("v5", "auth_user_info", {"api_url": "https://127.0.0.1:9/"}),
    ("v5", "auth_user_info", {"api_url": ""}),
    ("v5", "auth_user_info", {"app_secret": "wrong"}),
    ("poor", "banned_info", {}),
    ("busy", "banned_info", {}),
    ("bare", "auth_user", {"username": "press-1", "password": "a-secret"}),
    ("bare", "acl", {"username": "press-1", "rules": [{"topic": "a", "action": "all", "permission": "allow"}]}),
    ("v4", "topic_metrics", {"topics": ["a"]}),
    ("v4", "connector", {"name": "hook", "type": "http", "config": {"url": "http://127.0.0.1"}}),
    ("v5", "subscription", {"clientid": "nobody", "topics": [{"topic": "a"}]}),
    ("serverless", "auth_users", {"users": [{"username": f"press-{n}", "password": "x"} for n in range(2001)]}),
    ("v5", "auth_users", {"users": [{"username": f"press-{n}"} for n in range(2001)], "deployment_type": "serverless"}),
    ("v5", "auth_user", {"username": "press-1"}),
    ("v5", "auth_users", {"users": [], "purge": True}),
    ("v5", "auth_users", {"users": [{"username": "user-000001"}], "purge": True, "purge_limit": "10%"}),
    ("shared", "auth_users", {"users": [{"username": "user-000001"}], "purge": True}),
    ("v5", "acl", {"username": "a", "rules": [{"topic": "#/a", "action": "all", "permission": "allow"}]}),
    ("v5", "banned", {"clientid": "a", "until": "yesterday"}),
    ("v5", "wait_for", {"condition": "stats.conections > `5`", "gather": ["stats"], "wait_timeout": 0.1}),
]
# The same with the Platform API. The last is the one that exceeds a limit.
ON_THE_PLATFORM: list[tuple[str, dict[str, Any]]] = [
    ("deployment_info", {"platform_url": "https://127.0.0.1:9/api/v5"}),
    ("deployment_info", {"platform_secret": "wrong"}),
    ("deployment", {"name": "waking", "state": "stopped"}),
    ("deployment", {"name": "twin", "state": "stopped"}),
    ("deployment", {"name": "asleep", "state": "started"}),
]
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "v4": {"generation": "v4", "tls": True},
    "v5": {"tls": True},
    "poor": {"tls": True},
    "busy": {"tls": True},
    "bare": {"bare": True},
    "shared": {},
    "serverless": {"serverless": True},
    "wrong-host": {"tls": "wrong-host"},
    "expired": {"tls": "expired"},
    "not-yet-valid": {"tls": "not-yet-valid"},
    "self-signed": {"tls": "self-signed"},
    "old-tls": {"tls": "old-tls"},
}
FAULTS = {
    "poor": Fault("status", status=404, path="/banned"),
    "busy": Fault("status", status=429, retry_after=120, path="/banned"),
}


def test_the_failures_that_are_explained_are_those_that_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message of the guide comes up, and each that is brought about here is in the guide."""
    guide = (FOLDER / "guide_troubleshooting.rst").read_text(encoding="utf-8")
    explained = re.findall(r"(?m)^``(.+)``\n  ", guide)
    found = _from_the_host(tmp_path)
    for kind, settings in DEPLOYMENTS.items():
        with Simulator.start(**settings) as simulator:
            deployment = simulator.deployments[0]
            deployment.add_users(20)
            if kind == "shared":
                deployment.on_request(lambda _request, shared=deployment: shared.add_user("somebody-elses", "x"))
            if kind in FAULTS:
                deployment.faults.add(FAULTS[kind])
            found += [_failure(module, deployment, options) for name, module, options in SITUATIONS if name == kind]
    found += _from_the_platform() + _of_tls(tmp_path) + _of_proxies(monkeypatch)
    patterns = {text: re.compile(re.escape(text).replace("…", ".*?")) for text in explained}
    for message in found:
        assert [text for text in explained if patterns[text].fullmatch(message)], message
    assert [text for text in explained if not any(patterns[text].fullmatch(message) for message in found)] == []


def _from_the_platform() -> list[str]:
    """What comes of mistakes with the Platform API, of a wrong address, and of asking too often."""
    with Simulator.start() as simulator:
        platform = simulator.platform
        for name, status in (("waking", "starting"), ("twin", "running"), ("twin", "running"), ("asleep", "stopped")):
            id = platform.add_deployment(name, status=status)
        done("deployment", platform, id=id, state="started")
        platform.change_deployment(id, status="stopped")
        found = [_failure(module, platform, options) for module, options in ON_THE_PLATFORM]
        for _number in range(60):
            run("deployment_info", platform)
        found += _with_certificates(platform, id)
        found.append(_failure("deployment_info", platform, {}))
        platform.faults.add(Fault("status", status=404))
        return [*found, _failure("deployment_info", platform, {})]


def _with_certificates(platform: Platform, id: str) -> list[str]:
    """What comes of certificates that can't be used, and of the seventh change in an hour."""
    made, other = (trustme.CA().issue_cert("localhost") for _number in range(2))
    pems = (made.cert_chain_pems[0], made.private_key_pem, other.private_key_pem)
    cert, key, another = (blob.bytes().decode() for blob in pems)
    given = {"deployment": id, "cert": cert, "key": key, "force": True}
    for _number in range(6):
        done("tls_certificate", platform, **given)
    wrong: list[dict[str, str]] = [{"key": another}, {"key": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"}, {}]
    return [_failure("tls_certificate", platform, {**given, **each}) for each in wrong]


def _of_tls(folder: Path) -> list[str]:
    """What comes of a server that is too old, or that wants a client certificate."""
    old, ca = certificates.make("old-tls", folder)
    with running_server(TlsServer(old)) as server:
        found = [_refusal(server, ca_path=ca)]
    mutual, ca = certificates.make("mutual", folder)
    cert, key, locked = folder / "client.pem", folder / "client.key", folder / "locked.key"
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    form, secret = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"a passphrase")
    locked.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, form, secret))
    stranger = folder / "stranger.pem"
    stranger.write_bytes(trustme.CA().issue_cert("client").private_key_and_cert_chain_pem.bytes())
    with running_server(TlsServer(mutual)) as server:
        found.append(_refusal(server, ca_path=ca))
        found.append(_refusal(server, ca_path=ca, client_cert=stranger))
        return [*found, _refusal(server, ca_path=ca, client_cert=cert, client_key=locked)]


def _of_proxies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What comes of proxies that can't be reached or refuse, and of a redirect."""
    with running_server() as server:
        server.script = [answer(302, Location="https://example.com/"), answer(403), answer(407), hang_up]
        found = [_refusal(server)]
        monkeypatch.setenv("NO_PROXY", "")
        elsewhere, proxy = {"api_url": "https://localhost:1/api/v5"}, f"http://127.0.0.1:{server.server_port}"
        for address in (proxy, proxy, proxy, "http://127.0.0.1:1", "http://me:a/word@127.0.0.1:1"):
            monkeypatch.setenv("HTTPS_PROXY", address)
            found.append(_refusal(server, **elsewhere))
        monkeypatch.delenv("HTTPS_PROXY")
        return found


def _refusal(server: Server, **options: Any) -> str:
    """The failure of a call to a scripted server."""
    endpoint: Any = SimpleNamespace(api_url=server.url, app_id="an-app-id", app_secret="a-secret", ca_path=None)
    given = {name: str(value) for name, value in options.items()}
    return _failure("api", endpoint, {"method": "GET", "path": "nodes", "retries": 0, **given})


def _failure(module: str, deployment: Deployment | Platform, options: dict[str, Any]) -> str:
    result = run(module, deployment, **options)
    assert result.get("failed"), result
    return one_sentence(result["msg"])


def _from_the_host(folder: Path) -> list[str]:
    """What comes of a host without the connection in its environment, and of a Python that has nothing installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    words = "ansible localhost -m emqx.cloud.banned_info"
    connection = {"EMQX_API_URL": "https://HOST:8443/api/v5", "EMQX_APP_ID": "id", "EMQX_APP_SECRET": "a-secret"}
    other = f"{words} -e ansible_python_interpreter={folder / 'venv' / 'bin' / 'python'}"
    found = []
    for shell, command in ((Shell(folder, {}), words), (Shell(folder, connection), other)):
        status, printed = shell.run(command)
        assert status
        found.append(compact(printed).rpartition("msg: ")[2].partition(" requests: 0")[0].strip("'"))
    return found


def test_the_example_of_the_readme_runs(tmp_path: Path) -> None:
    readme = (COPY / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"(?ms)^```yaml\n(.+?)^```", readme)
    with Simulator.start(tls=True) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_client("gateway-7")
        devices = [{"username": "press-1", "password": "a-secret"}]
        given = {"emqx_app_id": deployment.app_id, "emqx_app_secret": deployment.app_secret, "devices": devices}
        (tmp_path / "example.yml").write_text(example.replace("https://HOST:8443/api/v5", deployment.api_url))
        (tmp_path / "given.yml").write_text(yaml.safe_dump(given))
        shell = Shell(tmp_path, {"EMQX_CA_PATH": str(deployment.ca_path)})
        status, printed = shell.run("ansible-playbook example.yml -e @given.yml")
        assert status == 0 and "changed=3" in printed, printed
        assert deployment.user_names() == ["press-1"] and "gateway-7" not in deployment.client_ids()
