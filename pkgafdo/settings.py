"""How every room writes its Settings: frozen, keyword-only, unknown keys refused."""

from __future__ import annotations

from typing import Final

from pydantic import ConfigDict

SETTINGS: Final = ConfigDict(
    extra="forbid",
    validate_default=False,
    use_attribute_docstrings=True,
)
"""Pass as `config=` to pydantic's dataclass; the docstring under a field becomes its description."""
