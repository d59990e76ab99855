# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A coverage-guided fuzz of what is made of answers: `fuzz_parser.py GENERATION CORPUS [options of libFuzzer]`.

An input is the number of a request in two bytes, a status in one, and the body. Whoever looks into a crash runs it
again with the file that libFuzzer has written as the last argument.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

UNDER_TEST = "ansible_collections.emqx.cloud.plugins.module_utils"

with atheris.instrument_imports(include=[UNDER_TEST]):
    from faults.parsing import STATUSES, Place, Reply, mutated, places, recorded

HEAD = 3


def packed(place: int, status: int, body: bytes) -> bytes:
    """Return an input."""
    return place.to_bytes(2, "big") + bytes([STATUSES.index(status) if status in STATUSES else 0]) + body


def unpacked(data: bytes, known: list[Place]) -> tuple[Place, Reply]:
    """Return what an input means; every one means something."""
    place, status = int.from_bytes(data[:2], "big"), data[2] if len(data) > 2 else 0
    return known[place % len(known)], Reply(STATUSES[status % len(STATUSES)], data[HEAD:])


def mutant(data: bytes, most: int, seed: int) -> bytes:
    """Return another input: with one value replaced, or with some bytes as libFuzzer would have it."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        return (data[:HEAD] + mutated(data[HEAD:], chance))[:most]
    return bytes(atheris.Mutate(data, most))


def main() -> None:
    """Write the corpus of what was recorded, and begin."""
    generation, corpus = sys.argv[1], Path(sys.argv[2])
    known = places(generation)
    corpus.mkdir(exist_ok=True)
    seeds = [(place.kind, place.target.exchanges[place.number].reply) for place in known]
    seeds += [(exchange.kind, exchange.reply) for exchange in recorded(generation)]
    for number, (kind, reply) in enumerate(seeds):
        place = next((place for place, each in enumerate(known) if each.kind == kind), 0)
        place = number if number < len(known) else place
        (corpus / f"{number:04}").write_bytes(packed(place, reply.status, reply.body))

    def one(data: bytes) -> None:
        place, reply = unpacked(data, known)
        place.given(reply)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one, custom_mutator=mutant)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
