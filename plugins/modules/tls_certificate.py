#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_certificate
short_description: Manage the TLS certificate of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Installs, replaces or removes the certificate that a deployment shows to its MQTT clients, through the Platform API.
  - B(Before any request) it is checked that the key belongs to the certificate, that the chain is in order and nothing
    in it has expired. A certificate that expires within O(warn_days) is warned of.
  - B(EMQX Cloud lets certificates be changed 6 times in 60 minutes.) A task makes one change at the most and never
    repeats it by itself. Past the limit the task fails, and says when it may be tried again.
  - The API tells of a certificate only its type, its expiry and its status, and so these are compared. With
    O(mqtt_host) the deployment itself is asked which certificate it shows, and that decides.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.platform
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
requirements:
  - cryptography >= 40, for O(state=present)
attributes:
  idempotent:
    support: partial
    details:
      - With O(force=true) the certificate is always sent.
      - A certificate that differs only in what the API doesn't tell counts as the same. See O(mqtt_host) and O(force).
  action_group:
    membership:
      - emqx.cloud.platform
options:
  deployment:
    description:
      - The id of the deployment.
      - Exactly one of O(deployment) and O(deployment_name) is needed.
    type: str
  deployment_name:
    description:
      - The name of the deployment. If several have it, the task fails and names their ids. Looking it up is one more
        request.
    type: str
  type:
    description:
      - Whether only the deployment has a certificate (V(one-way)), or its clients need one as well (V(two-way)).
    type: str
    choices: [one-way, two-way]
    default: one-way
  cert:
    description:
      - The certificate in PEM, followed by those that have issued it, each right after the one that it has issued. The
        root can be left out. A private key in it is passed over.
      - One of O(cert) and O(cert_path) is needed with O(state=present).
    type: str
  cert_path:
    description:
      - A file with it, on the host that runs the task.
    type: path
  key:
    description:
      - The private key of the certificate in PEM, without a passphrase.
      - One of O(key) and O(key_path) is needed with O(state=present).
    type: str
  key_path:
    description:
      - A file with it, on the host that runs the task. If Ansible Vault has encrypted the file, use O(key) with the
        lookup P(ansible.builtin.unvault#lookup).
    type: path
  cacert:
    description:
      - One or more CA certificates in PEM. Clients need a certificate that one of them has issued.
      - One of O(cacert) and O(cacert_path) is needed with O(type=two-way).
    type: str
  cacert_path:
    description:
      - A file with them, on the host that runs the task.
    type: path
  state:
    description:
      - Whether the deployment has this certificate, or none. With V(absent) nothing is said about which one it has.
    type: str
    choices: [present, absent]
    default: present
  warn_days:
    description:
      - The task warns of a certificate that expires within so many days, also of those of the chain and of O(cacert).
    type: float
    default: 30
  mqtt_host:
    description:
      - The host name at which clients reach the deployment. If it is given, the deployment is asked there, with TLS,
        which certificate it shows. One with another fingerprint is then replaced even if it expires at the same time.
      - If it can't be asked the task warns, and compares the expiry. So it does while a certificate is V(pending).
      - It is asked without a proxy. Nothing is sent there, so that the certificate doesn't have to be valid.
    type: str
  mqtt_port:
    description:
      - The port for O(mqtt_host), which speaks TLS from the start.
    type: int
    default: 8883
  force:
    description:
      - Whether to send the certificate even if the deployment seems to have it. That is needed for another O(cacert),
        or another chain, with the same certificate.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the certificate is V(running).
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait at the most. If it takes longer the task fails; what was begun goes on all the same.
      - A twentieth of this time, but at most two minutes, lie between two looks. EMQX Cloud allows 60 in 60 minutes.
    type: float
    default: 600
seealso:
  - module: emqx.cloud.deployment_info
"""

EXAMPLES = r"""
# A hook of the ACME client runs this, or it runs every night: nothing is sent while the certificate is the same.
- name: The certificate that was renewed is in use
  emqx.cloud.tls_certificate:
    deployment_name: fleet
    cert_path: "{{ letsencrypt }}/fullchain.pem"
    key_path: "{{ letsencrypt }}/privkey.pem"
    mqtt_host: mqtt.example.com
    wait: true

- name: Devices need certificates of our own CA, and the key is in a file that Ansible Vault has encrypted
  emqx.cloud.tls_certificate:
    deployment_name: plant
    type: two-way
    cert: "{{ lookup('ansible.builtin.file', 'files/mqtt.crt') }}"
    key: "{{ lookup('ansible.builtin.unvault', 'files/mqtt.key') | string }}"
    cacert: "{{ lookup('ansible.builtin.file', 'files/devices-ca.crt') }}"

- name: The devices' CA is followed by a new one, and both are valid for a while
  emqx.cloud.tls_certificate:
    deployment_name: plant
    type: two-way
    cert: "{{ lookup('ansible.builtin.file', 'files/mqtt.crt') }}"
    key: "{{ lookup('ansible.builtin.unvault', 'files/mqtt.key') | string }}"
    cacert: |-
      {{ lookup('ansible.builtin.file', 'files/devices-ca.crt') }}
      {{ lookup('ansible.builtin.file', 'files/new-devices-ca.crt') }}
    force: true

- name: The deployment has no certificate of its own
  emqx.cloud.tls_certificate:
    deployment_name: plant
    state: absent
"""

RETURN = r"""
certificate:
  description: The certificate that the deployment has, or in check mode would have, afterwards; V(null) if none.
  returned: success, and if it was waited for in vain
  type: dict
  contains:
    type:
      description: V(one-way) or V(two-way).
      type: str
    expire:
      description: When the API says that it expires, as RFC 3339 in UTC.
      type: str
    status:
      description: V(running), or V(pending) if it was just sent and not waited for.
      type: str
    subject:
      description: The subject of the certificate that was given.
      type: str
    issuer:
      description: The subject of the certificate that has issued it.
      type: str
    not_after:
      description: When it expires, as RFC 3339 in UTC.
      type: str
    fingerprint:
      description: Its SHA-256 fingerprint.
      type: str
    sans:
      description: The host names and addresses that it is for.
      type: list
      elements: str
  sample:
    type: one-way
    expire: "2027-02-01T11:59:59Z"
    status: running
    subject: CN=mqtt.example.com
    issuer: CN=R11,O=Let's Encrypt,C=US
    not_after: "2027-02-01T11:59:59Z"
    fingerprint: "0f:3a:9c:40:5b:6e:2d:81:c7:58:13:9e:fa:22:61:0b:d4:93:77:e8:05:bc:46:9a:1e:f3:8d:70:a2:cb:54:36"
    sans: [mqtt.example.com]
compared_by:
  description:
    - What told whether the deployment has the certificate already, V(fingerprint) or V(expire). V(null) if it had none,
      or with O(force=true).
  returned: success, with O(state=present)
  type: str
  sample: fingerprint
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 0, updated: 1, deleted: 0, unchanged: 0, failed: 0}
error:
  description: The first failure, where it is one of the API or of the connection.
  returned: failure, after a request
  type: dict
  contains:
    status:
      description: The HTTP status, or V(null) if no answer came.
      type: int
    code:
      description: The result code of the API, a number on v4 and a name on v5, or V(null) if it sent none.
      type: raw
    reason:
      description: What the API said.
      type: str
    method:
      description: The HTTP method of the request that failed.
      type: str
    path:
      description: Its path below the base URL.
      type: str
  sample:
    status: 429
    code: TOO_MANY_REQUESTS
    reason: more than 6 in 60 minutes
    method: PUT
    path: deployments/d0000001/tls
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: update
      item: {type: one-way, expire: "2027-02-01T11:59:59Z", status: pending}
      code: TOO_MANY_REQUESTS
      reason: "PUT deployments/d0000001/tls failed: …"
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: []
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 2
"""

from datetime import datetime, timezone

from ansible_collections.emqx.cloud.plugins.module_utils._resources import certificates, platform
from ansible_collections.emqx.cloud.plugins.module_utils._task import ACCOUNT, WAIT, Result, Spec, Task, run_module

PEM = dict(
    # Some keep the key in the same text.
    cert=dict(type="str", no_log=True),
    cert_path=dict(type="path"),
    key=dict(type="str", no_log=True),
    key_path=dict(type="path", no_log=False),
    cacert=dict(type="str"),
    cacert_path=dict(type="path"),
)

SPEC = Spec(
    options=dict(
        deployment=dict(type="str"),
        deployment_name=dict(type="str"),
        type=dict(type="str", choices=["one-way", "two-way"], default="one-way"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        warn_days=dict(type="float", default=30),
        mqtt_host=dict(type="str"),
        mqtt_port=dict(type="int", default=8883),
        force=dict(type="bool", default=False),
        **PEM,
        **{**WAIT, "wait_timeout": dict(type="float", default=600)},
    ),
    rules=dict(
        mutually_exclusive=[
            ("deployment", "deployment_name"), ("cert", "cert_path"), ("key", "key_path"), ("cacert", "cacert_path")
        ],
        required_one_of=[("deployment", "deployment_name")],
        required_if=[
            ("state", "present", ("cert", "cert_path"), True),
            ("state", "present", ("key", "key_path"), True),
        ],
    ),
    connection=ACCOUNT,
)


def run(task: Task) -> Result:
    """Bring the certificate of the deployment to the state that the options describe."""
    interval = platform.interval(task.seconds("wait_timeout"))
    now = datetime.now(timezone.utc)
    identity = certificates.identity_from(task.params, now)
    warning = identity and identity.expiry_warning(task.params["warn_days"], now)
    task.warnings.extend([warning] if warning else [])
    store = certificates.Certificates(task.platform(), task.params, identity)
    try:
        result = task.converge_one(store, store.wanted, "certificate", interval)
    finally:
        task.warnings.extend(store.warnings)
    if identity is None:
        return result
    return {**result, "certificate": {**identity.facts, **result["certificate"]}, "compared_by": store.compared_by}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
