# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS, proxies and redirects: what can't be trusted gets no request, and the user reads one sentence that says why."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from ansible_collections.emqx.cloud.plugins.module_utils._masking import connection_secrets
from ansible_collections.emqx.cloud.tests.unit.loopback import (
    Server,
    TlsServer,
    answer,
    hang_up,
    reset,
    running_server,
    silent,
    truncated,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from faults.figures import count
from simulator import Deployment, Simulator, certificates
from system.harness import done, environment, one_sentence, play, run

CALL = {"method": "GET", "path": "nodes"}
PASSWORD = "pa55-of-the-proxy"
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's proxies and certificates."""
    for name in (*VARIABLES, *(name.lower() for name in VARIABLES), *BUNDLES):
        monkeypatch.delenv(name, raising=False)


def endpoint(server: Server, ca_path: Path | None = None) -> Any:
    """A scripted server as the harness takes a deployment."""
    return SimpleNamespace(
        api_url=server.url, app_id="an-app-id", app_secret="a-secret-7f1c", ca_path=ca_path, requests=server.seen
    )


def failure(target: Any, **options: Any) -> str:
    """The one sentence of a call that must fail without giving anything away."""
    result = run("api", target, **{**CALL, "retries": 0, "timeout": 5, **options})
    assert result.get("failed") and result["changed"] is False, result
    shown = json.dumps(result)
    for secret in (PASSWORD, *connection_secrets(target.app_id, target.app_secret)):
        assert secret not in shown
    prefix = f"No answer from {options.get('api_url', target.api_url).partition('/api')[0]}: "
    sentence = one_sentence(result["msg"])
    assert sentence.startswith(prefix), sentence
    return sentence[len(prefix) :]


def works(target: Any, **options: Any) -> None:
    """A call that has to go well, in one request."""
    assert done("api", target, **{**CALL, "retries": 0, "timeout": 5, **options})["requests"] == 1
    count("tls cases")


# Certificates of the server


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", "the certificate of {} has expired."),
        ("not-yet-valid", "the certificate of {} is not valid yet; check the clock of this host."),
        ("wrong-host", "the certificate of {} is for another host name; check api_url."),
        ("self-signed", "the certificate of {} is signed by an authority that is not in ca_path ("),
    ],
)
def test_a_certificate_that_is_not_in_order_gets_no_request(kind: str, expected: str) -> None:
    with Simulator.start(tls=kind) as simulator:
        deployment = simulator.deployments[0]
        host = deployment.api_url.split("/")[2]
        assert failure(deployment).startswith(expected.format(host))
        assert deployment.requests == []
        works(deployment, validate_certs=False)
        assert len(deployment.requests) == 1
    count("tls cases")


@pytest.fixture(name="deployment", scope="module")
def fixture_deployment() -> Iterator[Deployment]:
    with Simulator.start(tls=True) as simulator:
        yield simulator.deployments[0]


@pytest.fixture(name="seen")
def fixture_seen(deployment: Deployment) -> Callable[[], int]:
    """How many requests the deployment has seen in this test."""
    deployment.forget_requests()
    return lambda: len(deployment.requests)


def folder_of(ca: Path, folder: Path) -> Path:
    """A folder with a CA certificate under the name that OpenSSL looks for, as `openssl rehash` links it."""
    subject = x509.load_pem_x509_certificate(ca.read_bytes()).subject
    lower = x509.Name([x509.NameAttribute(each.oid, str(each.value).lower()) for each in subject])
    der = lower.public_bytes()
    digest = hashlib.sha1(der[2 if der[1] < 128 else 3 :], usedforsecurity=False).digest()
    folder.mkdir()
    (folder / f"{int.from_bytes(digest[:4], 'little'):08x}.0").write_bytes(ca.read_bytes())
    return folder


def test_only_the_authorities_of_ca_path_are_trusted(
    deployment: Deployment, seen: Callable[[], int], tmp_path: Path
) -> None:
    assert deployment.ca_path
    host = deployment.api_url.split("/")[2]
    other, empty, folder = tmp_path / "other.pem", tmp_path / "empty", tmp_path / "folder"
    trustme.CA().cert_pem.write_to_path(str(other))
    empty.write_text("no certificate\n")
    folder.mkdir()
    (folder / "ca.pem").write_bytes(deployment.ca_path.read_bytes())
    missing = tmp_path / "missing.pem"
    stranger = f"the certificate of {host} is signed by an authority that is not in ca_path"
    for path, expected in (
        (None, f"the certificate of {host} is signed by an unknown authority; set ca_path to its CA certificate."),
        (other, f"{stranger} ({other})."),
        (folder, f"{stranger} ({folder}), a folder that openssl rehash has to prepare."),
        (empty, f"the file of ca_path ({empty}) holds no certificate."),
        (missing, f"ca_path leads nowhere: there is no {missing}."),
    ):
        assert failure(deployment, ca_path=None if path is None else str(path)) == expected
        count("tls cases")
    assert seen() == 0
    works(deployment, ca_path=str(folder_of(deployment.ca_path, tmp_path / "hashed")))


def test_a_server_that_speaks_no_more_than_tls_1_1(tmp_path: Path) -> None:
    context, ca = certificates.make("old-tls", tmp_path)
    with running_server(TlsServer(context)) as server:
        target, host = endpoint(server, ca), f"localhost:{server.server_port}"
        for verified in (True, False):
            sentence = failure(target, validate_certs=verified)
            assert sentence == f"{host} speaks no TLS that is secure: it needs version 1.2 or later."
            count("tls cases")
        # It does speak, with those who would listen.
        old = ssl.create_default_context(cafile=str(ca))
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = ssl.TLSVersion.TLSv1
        plain = socket.create_connection(("127.0.0.1", server.server_port))
        with old.wrap_socket(plain, server_hostname="localhost") as connection:
            assert connection.version() == "TLSv1.1"
        assert server.seen == []
    with Simulator.start(tls="old-tls") as simulator:  # it hangs up without an alert
        deployment = simulator.deployments[0]
        assert "breaks the handshake of TLS off" in failure(deployment)
        count("tls cases")


def damaged(handler: Any) -> None:
    """Send what looks like a part of the connection, and is not encrypted with its key."""
    os.write(handler.connection.fileno(), b"\x17\x03\x03\x00\x40" + bytes(64))
    handler.close_connection = True


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (hang_up, "the connection was lost."),
        (reset, "the connection was lost."),
        (truncated, "the answer broke off."),
        (damaged, "what came was damaged on the way (decryption failed or bad record mac)."),
    ],
)
def test_a_connection_that_breaks_after_the_request(step: Any, expected: str, tmp_path: Path) -> None:
    """It may have been carried out: who reads the message is told so, and a POST is not sent again."""
    context, ca = certificates.make("valid", tmp_path)
    with running_server(TlsServer(context)) as server:
        target = endpoint(server, ca)
        for method, hint in (("GET", ""), ("POST", " POST nodes may have been carried out.")):
            server.script, server.seen[:] = [step], []
            assert failure(target, method=method, retries=3 if hint else 0) == expected + hint
            assert len(server.seen) == 1
            count("tls cases")


# Certificates of the client


def encrypted(key: Path, form: serialization.PrivateFormat) -> bytes:
    """A key with a passphrase."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"a passphrase")
    return loaded.private_bytes(serialization.Encoding.PEM, form, secret)


@pytest.mark.parametrize("kind", ["mutual", "mutual-tls-1.2"])
def test_mutual_tls(kind: str, tmp_path: Path) -> None:
    context, ca = certificates.make(kind, tmp_path)
    cert, key, other, other_key = (tmp_path / name for name in ("client.pem", "client.key", "other.pem", "other.key"))
    stranger = trustme.CA().issue_cert("client")
    stranger.cert_chain_pems[0].write_to_path(str(other))
    stranger.private_key_pem.write_to_path(str(other_key))
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    pkcs8, traditional, locked = (tmp_path / name for name in ("pkcs8.key", "traditional.key", "locked.pem"))
    pkcs8.write_bytes(encrypted(key, serialization.PrivateFormat.PKCS8))
    traditional.write_bytes(encrypted(key, serialization.PrivateFormat.TraditionalOpenSSL))
    locked.write_bytes(cert.read_bytes() + pkcs8.read_bytes())
    with running_server(TlsServer(context)) as server:
        target, host = endpoint(server, ca), f"localhost:{server.server_port}"
        nobody_to_ask = "the key of client_cert is encrypted, and nobody can be asked for its passphrase"
        cases: list[tuple[Path | None, Path | None, str]] = [
            (other, other_key, f"{host} refuses the certificate of client_cert."),
            (cert, other_key, "client_key doesn't belong to client_cert."),
            (cert, None, f"the file of client_cert ({cert}) or client_key holds no certificate or key."),
            (key, key, f"the file of client_cert ({key}) or client_key holds no certificate or key."),
            (cert, tmp_path / "missing", f"client_key leads nowhere: there is no {tmp_path / 'missing'}."),
            (tmp_path / "missing", key, f"client_cert leads nowhere: there is no {tmp_path / 'missing'}."),
            (tmp_path, None, f"client_cert ({tmp_path}) or client_key can't be read (Is a directory)."),
            (cert, pkcs8, nobody_to_ask),
            (cert, traditional, nobody_to_ask),
            (locked, None, nobody_to_ask),
        ]
        # TLS 1.2 has no word for a certificate that is missing.
        none = "wants a client certificate: set" if kind == "mutual" else "it may want a client certificate"
        assert none in failure(target)
        for client_cert, client_key, expected in cases:
            given = {"client_cert": client_cert, "client_key": client_key}
            sentence = failure(target, **{name: str(path) for name, path in given.items() if path})
            assert sentence.startswith(expected), sentence
            count("tls cases")
        assert server.seen == []
        works(target, client_cert=str(cert), client_key=str(key))
        works(target, client_cert=str(both))
        assert len(server.seen) == 2


# Proxies


@contextlib.contextmanager
def real_proxy(folder: Path) -> Iterator[int]:
    """A proxy that wants a password; gives its port."""
    told = folder / "port"
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file", str(told)]
    command += ["--num-workers", "1", "--num-acceptors", "1", "--log-level", "e", "--basic-auth", f"me:{PASSWORD}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while not (told.exists() and told.read_text().strip()):
                assert process.poll() is None
                time.sleep(0.02)
            yield int(told.read_text())
        finally:
            process.terminate()


def test_a_real_proxy(
    deployment: Deployment, seen: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_proxy(tmp_path) as port:
        for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            with monkeypatch.context() as patch:
                patch.setenv(variable, f"http://me:{PASSWORD}@127.0.0.1:{port}")
                works(deployment)
                # The proxy sees nothing but bytes: it is the deployment that has to be the right one.
                assert "signed by an unknown authority" in failure(deployment, ca_path=None)
                closed = "https://localhost:1/api/v5"
                assert failure(deployment, api_url=closed).startswith("the proxy refuses (HTTP 50")
        assert seen() == 3
        for credentials in ("", "me:wrong@"):
            monkeypatch.setenv("HTTPS_PROXY", f"http://{credentials}127.0.0.1:{port}")
            hint = "HTTPS_PROXY has to hold its user and password."
            assert failure(deployment) == f"the proxy refuses (HTTP 407): {hint}"
            count("tls cases")
        for name in ("localhost", ".invalid,localhost", "*"):
            monkeypatch.setenv("NO_PROXY", name)
            works(deployment)
        assert seen() == 6
        monkeypatch.setenv("NO_PROXY", "example.invalid,127.0.0.1")
        assert "HTTP 407" in failure(deployment)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (answer(403), "the proxy refuses (HTTP 403); see HTTPS_PROXY and NO_PROXY."),
        (answer(407, Proxy_Authenticate="Basic"), "the proxy refuses (HTTP 407): HTTPS_PROXY has to hold its"),
        (answer(503, Retry_After="1"), "the proxy refuses (HTTP 503); see"),
        (answer(302, Location="http://127.0.0.1:1/login"), "the proxy refuses (HTTP 302); see"),
        (hang_up, "the connection was lost; it was asked through a proxy (see HTTPS_PROXY and NO_PROXY)."),
        (reset, "the connection was lost; it was asked through a proxy"),
        (silent, "the answer took longer than timeout (0.2 s) allows; it was asked through a proxy"),
        (answer(200, b"no TLS"), "localhost:1 doesn't speak TLS; check scheme and port of api_url; it was asked"),
    ],
    ids=["403", "407", "503", "302", "hangs up", "resets", "silent", "no TLS"],
)
def test_a_proxy_that_refuses_or_breaks(step: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:{proxy.server_port}")
        proxy.script = [step]
        target = endpoint(proxy)
        sentence = failure(target, api_url="https://localhost:1/api/v5", timeout=0.2)
        assert sentence.startswith(expected), sentence
        (request,) = proxy.seen
        assert (request.command, request.path) == ("CONNECT", "localhost:1")
        assert request.headers["Authorization"] is None  # those are for the deployment alone
    count("tls cases")


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        (f"http://me:{PASSWORD}@127.0.0.1:1", "the proxy can't be reached (Connection refused); see HTTPS_PROXY"),
        (f"http://me:{PASSWORD}@no-such-host.invalid:1", "the proxy can't be reached ("),
        (f"http://me:{PASSWORD}@127.0.0.1:port", "the proxy has no valid address: HTTPS_PROXY should look like"),
        (f"http://me:{PASSWORD}@127.0.0.1:99999", "the proxy has no valid address"),
        (f"http://me:{PASSWORD}@", "the proxy has no valid address"),
        (f"http://me:{PASSWORD}/@127.0.0.1:1", "the proxy has no valid address"),
        (f"http://{PASSWORD}@[::1", "the proxy has no valid address"),
        (f"ftp://me:{PASSWORD}@127.0.0.1:1", "the proxy has no valid address"),
        (f"me:{PASSWORD}@127.0.0.1:1", "the proxy has no valid address"),
        (" ", "the proxy has no valid address"),
        (f"socks5://me:{PASSWORD}@127.0.0.1:1", "the proxy speaks SOCKS, which needs the Python library PySocks"),
    ],
)
def test_the_address_of_a_proxy_that_cant_be_right(
    deployment: Deployment, seen: Callable[[], int], proxy: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    sentence = failure(deployment)
    assert sentence.startswith(expected), sentence
    assert seen() == 0
    count("tls cases")


def test_plain_http_that_is_accepted_since_it_stays_on_this_machine_goes_to_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The credentials would leave it in clear."""
    with running_server() as proxy, running_server() as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            with monkeypatch.context() as patch:
                patch.setenv(variable, f"http://127.0.0.1:{proxy.server_port}")
                works(endpoint(server))
                assert proxy.seen == []
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        works(endpoint(server), allow_http=True)
        assert (len(proxy.seen), len(server.seen)) == (1, 3)


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int, tmp_path: Path) -> None:
    context, ca = certificates.make("valid", tmp_path)
    with running_server(TlsServer(context)) as server, running_server() as plain, running_server(
        TlsServer(context)
    ) as other:
        target = endpoint(server, ca)
        named = other.url.replace("//", f"//me:{PASSWORD}@")
        for location in (plain.url, other.url, server.url, "/api/v5/nodes", named):
            server.seen.clear()
            server.script = [answer(status, Location=location)]
            result = run("api", target, **CALL, retries=3)
            sentence = one_sentence(result["msg"])
            shown = location.replace(f"me:{PASSWORD}@", "")
            assert f"redirects to {shown}, and redirects are not followed: set api_url to the address" in sentence
            assert PASSWORD not in json.dumps(result) and target.app_secret not in json.dumps(result)
            assert (result["changed"], result["requests"], len(server.seen)) == (False, 1, 1)
            count("tls cases")
        for location in ("http://[::1", "https://\xfc@other.invalid/", "", "data:,"):
            server.script = [answer(status, Location=location)]
            assert " redirects to " in one_sentence(run("api", target, **CALL)["msg"])
            count("tls cases")
        assert (plain.connections, other.connections) == (0, 0)


# What else the environment says


def test_the_environment_weakens_no_verification(
    deployment: Deployment, seen: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, missing = tmp_path / "stranger.pem", str(tmp_path / "missing")
    trustme.CA().cert_pem.write_to_path(str(stranger))
    hashed = folder_of(deployment.ca_path or Path(), tmp_path / "hashed")
    for name, value, expected in (
        ("CURL_CA_BUNDLE", "", "is signed by an unknown authority"),
        ("REQUESTS_CA_BUNDLE", "", "is signed by an unknown authority"),
        ("REQUESTS_CA_BUNDLE", str(stranger), "is signed by an unknown authority"),
        ("REQUESTS_CA_BUNDLE", missing, f"REQUESTS_CA_BUNDLE leads nowhere: there is no {missing}."),
        ("CURL_CA_BUNDLE", missing, f"CURL_CA_BUNDLE leads nowhere: there is no {missing}."),
        ("SSL_CERT_FILE", str(deployment.ca_path), "is signed by an unknown authority"),
        ("SSL_CERT_DIR", str(hashed), "is signed by an unknown authority"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert expected in failure(deployment, ca_path=None)
            count("tls cases")
            works(deployment)  # ca_path decides alone
            works(deployment, ca_path=None, validate_certs=False)
    assert seen() == 14
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # as documented
        with monkeypatch.context() as patch:
            patch.setenv(name, str(deployment.ca_path))
            works(deployment, ca_path=None)


def test_a_netrc_file_changes_no_credentials(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login other password other\ndefault login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    works(deployment)
    monkeypatch.setenv("NETRC", str(netrc))
    works(deployment)


def test_a_task_and_its_module_see_the_same_environment(deployment: Deployment, tmp_path: Path) -> None:
    """What the keyword `environment` says reaches a module that runs directly as well, and no other task."""
    proxy = {"HTTPS_PROXY": f"http://me:{PASSWORD}@127.0.0.1:1", "NO_PROXY": ""}
    settings = [
        proxy,
        {**proxy, "NO_PROXY": "localhost"},
        {"HTTPS_PROXY": f"http://me:{PASSWORD}@127.0.0.1:port"},
        {"EMQX_CA_PATH": "", "REQUESTS_CA_BUNDLE": str(deployment.ca_path)},
        {"EMQX_CA_PATH": "", "CURL_CA_BUNDLE": ""},
        {},
    ]
    ways = [
        {
            "emqx.cloud.api": CALL, "environment": "{{ item }}", "loop": settings, "register": f"way_{direct}",
            "failed_when": False, "vars": {"emqx_direct_execution": direct == "direct"},
        }
        for direct in ("direct", "module")
    ]  # fmt: skip
    told = "{{ [way_direct, way_module] | map(attribute='results') | to_json }}"
    write = {"ansible.builtin.copy": {"content": told, "dest": str(tmp_path / "results.json")}}
    outside = {name: "" for name in (*VARIABLES, *BUNDLES) if name in os.environ}
    variables = {**outside, **environment(deployment), "EMQX_RETRIES": "0"}
    printed = play(tmp_path, [*ways, write], variables)
    assert printed.returncode == 0, printed.stdout
    directly, as_modules = json.loads((tmp_path / "results.json").read_text())
    said = [[each.get("msg", each.get("status")) for each in results] for results in (directly, as_modules)]
    assert said[0] == said[1]
    assert [each if each == 200 else each.partition(": ")[2][:20] for each in said[0]] == [
        "the proxy can't be r", 200, "the proxy has no val", 200, "the certificate of l", 200,
    ]  # fmt: skip
    assert PASSWORD not in json.dumps([each.get("msg") for each in (*directly, *as_modules)])
    count("tls cases", 2 * len(settings))


# The port of MQTT


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("mutual", None),
        ("mutual-tls-1.2", "handshake failure"),  # there it is refused before it can look
        ("expired", None),
        ("old-tls", "protocol version"),
        ("", "wrong version"),
    ],
)
def test_the_certificate_of_an_mqtt_port(kind: str, why: str | None, tmp_path: Path) -> None:
    """Only looked at, so that any certificate will do; where there is none to be had, a warning says why."""
    leaf = trustme.CA().issue_cert("localhost")
    given = {"cert": leaf.cert_chain_pems[0].bytes().decode(), "key": leaf.private_key_pem.bytes().decode()}
    context = certificates.make(kind, tmp_path)[0] if kind else None
    server = TlsServer(context) if context else Server()
    with Simulator.start() as simulator, running_server(server) as listening:
        platform, id = simulator.platform, simulator.deployments[0].id
        done("tls_certificate", platform, deployment=id, **given, wait=True, wait_timeout=5)
        port = {"mqtt_host": "localhost", "mqtt_port": listening.server_port, "timeout": 5}
        result = done("tls_certificate", platform, check=True, deployment=id, **given, **port)
        assert listening.seen == []
    if why is None:
        assert (result["compared_by"], result["changed"], result.get("warnings")) == ("fingerprint", True, None)
    else:
        (warning,) = result["warnings"]
        assert why in one_sentence(warning).lower() and result["compared_by"] == "expire"
    count("tls cases")
