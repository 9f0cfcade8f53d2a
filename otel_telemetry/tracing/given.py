"""Types of what a host gives, for its type checker.

Code that is compiled refuses a value of another type than the declared one at its door, by an exception in the host's
face. What a host gives is recorded whatever it is, so a build lets these stand for anything (see `.ci/compile.py`).
"""

from __future__ import annotations

from typing import TypeAlias

Text: TypeAlias = str
Integer: TypeAlias = int
