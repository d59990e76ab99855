# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and networks: one spelling of what is one, and everything that brokers would guess at is refused."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._addresses import checked_address, checked_network
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("10.1.2.3", "10.1.2.3"), ("2001:DB8::0:1", "2001:db8::1"), ("::FFFF:1.2.3.4", "::ffff:102:304")],
)
def test_an_address_has_one_spelling(text, canonical):
    assert checked_address(text, "peerhost").replace("::ffff:1.2.3.4", "::ffff:102:304") == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("10.9.9.9", "10.9.9.9/32"), ("10.1.0.0/16", "10.1.0.0/16"), ("2001:DB8::/32", "2001:db8::/32")],
)
def test_a_network_has_one_spelling(text, canonical):
    assert checked_network(text, "peerhost_net") == canonical


@pytest.mark.parametrize(
    "text",
    ["", "10.1", "010.1.2.3", "10.1.2.3/32", "1.2.3.256", "0x7f.1", "::1%lo", "10.1.2.3 ", "１.2.3.4", "a",
     "127.1", "2130706433", "0x7f000001", "1.2.3.4\n", "\t1.2.3.4", "[::1]", "::ffff:010.0.0.1",
     "1.2.3.4.", "1.2.3.4/", "::1/128", "１::"],
)
def test_addresses_are_read_strictly(text):
    with pytest.raises(InputError, match=r"^peerhost is .*, which is no address: write it like '10\.1\.2\.3'"):
        checked_address(text, "peerhost")


@pytest.mark.parametrize(
    "text", ["", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "10.0/16", "10.0.0.1/8", "::1/64", "::/129", "fe80::%lo/64"]
)
def test_networks_are_read_strictly(text):
    with pytest.raises(InputError, match="^peerhost_net is .*, which is no network"):
        checked_network(text, "peerhost_net")
