# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of a certificate, its chain and its key, and what a good one says."""

from __future__ import annotations

import ipaddress
import itertools
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils import _certificates
from ansible_collections.emqx.cloud.plugins.module_utils._certificates import Pem, checked_identity, pem_from
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
PLAIN = serialization.NoEncryption()
KINDS = serialization.PrivateFormat


class Made:
    """A certificate with its key, made for these tests."""

    def __init__(self, name, issuer=None, ca=False, begin=NOW - DAY, end=NOW + 90 * DAY, key=None, sans=()):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
        digest = None if issuer is None and isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, digest)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def secret(self, form=KINDS.PKCS8, encryption=PLAIN):
        return self.key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


ROOT = Made("root", ca=True)
MIDDLE = Made("middle", ROOT, ca=True)
LEAF = Made("leaf", MIDDLE, sans=[x509.DNSName("mqtt.example.com"), x509.IPAddress(ipaddress.ip_address("::1"))])
OTHER = Made("other")


def check(cert, key=LEAF.secret(), cacert=None, now=NOW):
    ca = None if cacert is None else Pem("cacert", cacert)
    return checked_identity(Pem("cert", cert), Pem("key", key), ca, now)


def refusal(*arguments, **options):
    with pytest.raises(InputError) as caught:
        check(*arguments, **options)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and "BEGIN EC" not in message
    return message


@pytest.mark.parametrize("chain", [[LEAF], [LEAF, MIDDLE], [LEAF, MIDDLE, ROOT]])
def test_a_good_chain_is_taken(chain):
    identity = check("".join(each.pem for each in chain), cacert=ROOT.pem + MIDDLE.pem)
    assert identity.cert == "".join(each.pem for each in chain)
    assert identity.key == LEAF.secret() and identity.cacert == ROOT.pem + MIDDLE.pem
    fingerprint = LEAF.certificate.fingerprint(hashes.SHA256()).hex()
    assert identity.facts == {
        "subject": "CN=leaf",
        "issuer": "CN=middle",
        "not_after": "2027-02-18T12:00:00Z",
        "fingerprint": ":".join(fingerprint[place:place + 2] for place in range(0, 64, 2)),
        "sans": ["mqtt.example.com", "::1"],
    }
    assert LEAF.secret() not in repr(identity)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), KINDS.TraditionalOpenSSL),
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), KINDS.PKCS8),
        (ec.generate_private_key(ec.SECP384R1()), KINDS.TraditionalOpenSSL),
        (ed25519.Ed25519PrivateKey.generate(), KINDS.PKCS8),
    ],
    ids=["RSA PKCS#1", "RSA", "EC SEC1", "Ed25519"],
)
def test_every_kind_of_key(key, form):
    """Also what tools write around it; of all that, certificates and key are sent and nothing else."""
    made = Made("self-signed", key=key, ca=True)
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    text = "Bag Attributes\r\n  localKeyID: 01\r\nsubject=CN = self-signed\r\n" + made.pem.replace("\n", "\r\n") + "end"
    identity = check(text, key=parameters + made.secret(form))
    assert (identity.cert, identity.key) == (made.pem, made.secret(form))


def test_a_certificate_without_a_subject():
    made = Made("", MIDDLE, sans=[x509.DNSName("a.example.com")])
    assert check(made.pem, made.secret()).facts["subject"] == ""
    assert "a.example.com, the first certificate" in refusal(made.pem)


WRONG = [
    ("", None, "cert holds no certificate in PEM: it has to have the line -----BEGIN CERTIFICATE-----."),
    ("\ud800 \x00", None, "cert holds no certificate in PEM"),
    (LEAF.secret(), None, "cert holds no certificate in PEM"),
    (LEAF.pem.replace("M", "N"), None, "cert holds a certificate that can't be read: it is damaged."),
    (LEAF.pem[:-30], None, "cert holds a certificate that can't be read"),
    (LEAF.pem, "", "key holds no private key in PEM"),
    (LEAF.pem, LEAF.pem, "key holds no private key in PEM"),
    (LEAF.pem, LEAF.secret() + OTHER.secret(), "key holds 2 private keys: give the one of the certificate."),
    (LEAF.pem, LEAF.secret().replace("MIG", "MIH"), "key can't be read: it is damaged"),
    (
        LEAF.pem, LEAF.secret(encryption=serialization.BestAvailableEncryption(b"pass")),
        "key is encrypted with a passphrase, for which nobody can be asked",
    ),
    (
        LEAF.pem, LEAF.secret(KINDS.TraditionalOpenSSL, serialization.BestAvailableEncryption(b"pass")),
        "key is encrypted with a passphrase",
    ),
    (LEAF.pem, OTHER.secret(), "key doesn't belong to CN=leaf, the first certificate of cert."),
    (
        MIDDLE.pem + LEAF.pem, None,
        "cert is in the wrong order: key belongs to CN=leaf, which has to be the first certificate, followed by the "
        "one that issued it, and so on.",
    ),
    (
        LEAF.pem + ROOT.pem + MIDDLE.pem, None,
        "cert is in the wrong order: CN=middle has issued CN=leaf and has to come right after it.",
    ),
    (
        LEAF.pem + MIDDLE.pem + OTHER.pem, None,
        "cert holds a certificate that doesn't belong there: CN=other has not issued CN=middle, which it follows.",
    ),
    (LEAF.pem + ROOT.pem, None, "CN=root has not issued CN=leaf"),
    (LEAF.pem + MIDDLE.pem + MIDDLE.pem, None, "cert holds CN=middle twice."),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_is_wrong_is_one_sentence(number):
    cert, key, sentence = WRONG[number]
    assert sentence in refusal(cert, LEAF.secret() if key is None else key)


def test_an_issuer_of_the_same_name_with_another_key_is_foreign():
    assert "CN=middle has not issued CN=leaf" in refusal(LEAF.pem + Made("middle", ROOT, ca=True).pem)


def test_certificates_have_to_be_valid_now():
    past = Made("past", MIDDLE, end=NOW - timedelta(seconds=1))
    assert refusal(past.pem, past.secret()) == (
        "cert holds CN=past, which has expired at 2026-11-20T11:59:59Z."
    )
    future = Made("future", MIDDLE, begin=NOW + DAY)
    assert refusal(future.pem, future.secret()) == (
        "cert holds CN=future, which is not valid before 2026-11-21T12:00:00Z."
    )
    old = Made("old", ca=True, end=NOW - timedelta(hours=1))
    child = Made("child", old)
    assert "cert holds CN=old, which has expired" in refusal(child.pem + old.pem, child.secret())
    assert "cacert holds CN=old, which has expired" in refusal(LEAF.pem, cacert=ROOT.pem + old.pem)


def test_who_issues_is_a_ca():
    child = Made("child", OTHER)
    assert refusal(child.pem + OTHER.pem, child.secret()) == "cert holds CN=other, which is no CA certificate."
    assert refusal(LEAF.pem, cacert=ROOT.pem + LEAF.pem) == "cacert holds CN=leaf, which is no CA certificate."
    assert "cacert holds no certificate" in refusal(LEAF.pem, cacert="")


def test_the_first_to_expire_is_warned_of():
    soon = Made("soon", ca=True, end=NOW + 3 * DAY)
    identity = check(LEAF.pem, cacert=ROOT.pem + soon.pem)
    assert identity.expiry_warning(2.9, NOW) is None
    assert identity.expiry_warning(3, NOW) == (
        "The certificate CN=soon of cacert expires at 2026-11-23T12:00:00Z, which is in 3.0 days."
    )


def test_files(tmp_path):
    """A file may have key and certificates in one."""
    (tmp_path / "both.pem").write_text(LEAF.secret() + LEAF.pem)
    both = [pem_from(name, None, str(tmp_path / "both.pem")) for name in ("cert", "key")]
    identity = checked_identity(*both, None, NOW)
    assert (identity.cert, identity.key) == (LEAF.pem, LEAF.secret())
    assert pem_from("cert", None, None) is None
    (tmp_path / "large").write_text("x" * (_certificates.MOST + 1))
    (tmp_path / "vault").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    (tmp_path / "binary").write_bytes(LEAF.certificate.public_bytes(serialization.Encoding.DER))
    for name, sentence in {
        "": "which can't be read: Is a directory.",
        "none": "which can't be read: No such file or directory.",
        "a\0b": "that is no name of a file.",
        "large": "key_path has more than a megabyte",
        "vault": "key_path is encrypted with Ansible Vault, which only the controller can read",
    }.items():
        with pytest.raises(InputError, match=sentence):
            pem_from("key", None, str(tmp_path / name))
    with pytest.raises(InputError, match="cert has more than a megabyte"):
        pem_from("cert", "\u20ac" * (_certificates.MOST // 2), None)
    with pytest.raises(InputError, match="cert_path holds no certificate in PEM"):
        checked_identity(pem_from("cert", None, str(tmp_path / "binary")), both[1], None, NOW)


def test_without_the_library_a_sentence_names_it(monkeypatch):
    monkeypatch.setattr(_certificates, "HAS_CRYPTOGRAPHY", False)
    assert "pip install cryptography" in refusal(LEAF.pem)


def test_the_time_before_it_had_a_zone(monkeypatch):
    """cryptography 40 and 41 tell moments without a time zone."""

    class Older:
        not_valid_after = NOW.replace(tzinfo=None)
        not_valid_before = NOW.replace(tzinfo=None)

    assert _certificates._end(Older) == _certificates._begin(Older) == NOW


POOL = [LEAF, MIDDLE, ROOT, OTHER]
RIGHT = [[LEAF, MIDDLE], [LEAF, MIDDLE, ROOT], [MIDDLE, ROOT]]
MIXED = [list(some) for size in range(1, 5) for some in itertools.permutations(POOL, size)]


@given(st.sampled_from(MIXED), st.sampled_from(POOL))
def test_only_a_chain_in_order_with_the_key_of_its_first_is_taken(chain, owner):
    text = "".join(each.pem for each in chain)
    if owner is chain[0] and (len(chain) == 1 or chain in RIGHT):
        assert check(text, owner.secret()).cert == text
    else:
        assert refusal(text, owner.secret())


@given(st.text(max_size=200), st.integers(0, len(LEAF.pem)), st.integers(0, len(LEAF.secret())))
def test_whatever_is_given_is_taken_or_refused_in_one_sentence(text, place, other):
    cert, key = LEAF.pem, LEAF.secret()
    for one, two in ((text, key), (cert, text), (cert[:place] + text + cert[place:], key[:other] + text + key[other:])):
        try:
            check(one, two)
        except InputError as error:
            assert "\n" not in str(error) and str(error).endswith(".")
