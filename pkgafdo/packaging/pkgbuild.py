"""A PKGBUILD's text from its model: every value quoted for bash, nothing undefined."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.packaging.pkgbuild_model import OPTIONS, Pkgbuild
from pkgafdo.templates import find_template

if TYPE_CHECKING:
    import jinja2

TEMPLATE: Final = "PKGBUILD.j2"

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._+-]*")


class Bash(str):
    """Text that may stand in a PKGBUILD as it is: the filters alone make it."""

    __slots__ = ()


def require_one_line(value: str) -> str:
    """Return a value; raises ValueError when it has control characters.

    They cannot be quoted safely: makepkg itself evaluates single lines of a package function.
    """
    if any(ord(one) < 32 or ord(one) == 127 for one in value):
        raise ValueError(f"a value with control characters cannot stand in a PKGBUILD: {value!r}")
    return value


def quote(value: object) -> str:
    """Return a value as one word of bash; whatever a template prints goes through here."""
    if isinstance(value, Bash):
        return value
    return Bash(shlex.quote(require_one_line(str(value))))


def quoted(value: object) -> Bash:
    """Return a value in quotes also where bash needs none: shellcheck takes `a-b` for a sum."""
    word = quote(value)
    return Bash(word if word.startswith("'") else f"'{word}'")


def comment(value: object) -> Bash:
    """Return a value as the rest of a comment's line."""
    return Bash(require_one_line(str(value)))


def identifier(value: object) -> Bash:
    """Return a name of a variable or function, where bash allows no quotes.

    Raises ValueError when it is none.
    """
    if not _IDENTIFIER.fullmatch(str(value)):
        raise ValueError(f"{value!r} cannot be a name in a PKGBUILD")
    return Bash(value)


def render_template(text: str, context: dict[str, Any]) -> str:
    """Return a template's text with its values; an unknown name raises jinja2.UndefinedError."""
    return _compiled(text).render(context)


@cache
def _compiled(text: str) -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        finalize=quote,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  it is bash, not HTML: `quote` escapes, and cannot be left out
    )
    environment.filters |= {"comment": comment, "identifier": identifier, "quoted": quoted}
    return environment.from_string(text)


def render_pkgbuild(model: Pkgbuild) -> str:
    """Return the PKGBUILD. Raises HostError when the template is missing."""
    return render_template(
        find_template(TEMPLATE).read_text(encoding="utf-8"),
        {
            "model": model,
            "packages": model.packages(),
            "sources": model.fixed_sources(),
            "makedepends": model.makedepends,
            "options": OPTIONS,
        },
    )
