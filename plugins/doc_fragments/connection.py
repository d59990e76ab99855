# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the connection, the same in every module."""

from __future__ import annotations


class ModuleDocFragment:
    """How requests are made."""

    DOCUMENTATION = r"""
options:
  api_version:
    description:
      - The generation of the Deployment API. The Platform API has none.
      - With V(auto) it is taken from C(api_url), V(/api/v5) is v5, V(/api) and V(/api/v4) are v4.
      - If not set, the value of the environment variable E(EMQX_API_VERSION) is used.
    type: str
    choices: [auto, v4, v5]
    default: auto
  validate_certs:
    description:
      - Whether the certificate of the API is verified.
      - If not set, the value of the environment variable E(EMQX_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the CA certificates (PEM) to trust instead of those that the Python library requests has.
        A folder has to be prepared by C(openssl rehash).
      - If not set, the value of the environment variable E(EMQX_CA_PATH), E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) is
        used.
    type: path
  client_cert:
    description:
      - A file with a client certificate (PEM), for an API behind mutual TLS. It may hold the key as well.
      - If not set, the value of the environment variable E(EMQX_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - A file with the key of O(client_cert) (PEM), without a passphrase.
      - If not set, the value of the environment variable E(EMQX_CLIENT_KEY) is used.
    type: path
  timeout:
    description:
      - How many seconds to wait for a connection, and then for the answer to begin and for each next part of it.
      - The whole answer has to be there in ten times this.
      - If not set, the value of the environment variable E(EMQX_TIMEOUT) is used.
    type: float
    default: 30
  retries:
    description:
      - How often a request is sent again when it failed for a passing reason.
      - GET, PUT and DELETE are repeated after lost connections and HTTP 429, 502, 503 and 504. POST is repeated only
        where it can't have been carried out, that is after refused connections, and after HTTP 429 and 503 with a
        C(Retry-After).
      - If not set, the value of the environment variable E(EMQX_RETRIES) is used.
    type: int
    default: 4
  retry_wait_max:
    description:
      - How many seconds all waiting between the attempts of one request may take. A C(Retry-After) that asks for more
        fails at once.
      - If not set, the value of the environment variable E(EMQX_RETRY_WAIT_MAX) is used.
    type: float
    default: 60
  rate_limit:
    description:
      - At most so many requests a second, over all connections of the task. Serverless deployments allow 10.
      - If not set, the value of the environment variable E(EMQX_RATE_LIMIT) is used; without either there is no limit.
    type: float
  max_connections:
    description:
      - How many requests may be under way at the same time where the API has no bulk call.
      - If not set, the value of the environment variable E(EMQX_MAX_CONNECTIONS) is used.
    type: int
    default: 8
  allow_http:
    description:
      - Whether plain HTTP to another host is accepted. It sends the credentials unencrypted.
      - Plain HTTP to the loopback address is always accepted.
      - If not set, the value of the environment variable E(EMQX_ALLOW_HTTP) is used.
    type: bool
    default: false
requirements:
  - requests
"""
