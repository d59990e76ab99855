# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath expressions over rows."""

from __future__ import annotations

import sys
from typing import Any, Callable, Optional

from ._errors import InputError

try:
    import jmespath
except ImportError:
    HAS_JMESPATH = False
else:
    HAS_JMESPATH = True


def compiled(expression: Optional[str], option: str = "query") -> Callable[[Any], Any]:
    """Return a function that applies the expression to rows; without an expression it returns them as they are.

    :raises InputError: the library is missing or the expression can't be parsed; from the function, that it can't be
        applied to these rows.
    """
    if expression is None:
        return lambda rows: rows
    if not HAS_JMESPATH:
        raise InputError(f"{option} needs the Python library jmespath for {sys.executable}: pip install jmespath.")
    try:
        parsed = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise InputError(f"{option} is no JMESPath expression: {_one_line(error)}.") from error

    def search(rows: Any) -> Any:
        try:
            return parsed.search(rows)
        except (jmespath.exceptions.JMESPathError, ValueError, TypeError) as error:
            raise InputError(f"{option} can't be applied: {_one_line(error)}.") from error

    return search


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
