"""What the output of a build tells while it runs, and which of its lines say why it failed."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPILED: Final = re.compile(r"^  (CC|AS|LD|AR|RUSTC)(?: \[M\])? +(\S+)$")
_FAILED: Final = re.compile(
    r"(?:^|[\s:])(?:fatal )?error:"  # clang, ld.lld, gcc, fixdep
    r"|^make(?:\[\d+\])?: \*\*\*"  # make
    r"|^ERROR: "  # modpost
    r"|undefined (?:symbol|reference)"
    r"|^==> ERROR"  # makepkg
    r"|No space left on device"
)
_SHOWN_ERRORS: Final = 20


@dataclass(kw_only=True, slots=True)
class BuildWatch:
    """What the lines of a build tell: how many objects are made, and which lines are errors.

    done begins with the objects that an interrupted build of the same kind has made already.
    """

    done: int = 0
    errors: list[str] = field(default_factory=list)

    def feed(self, line: str) -> str | None:
        """Take one output line; return the name of the object that it tells of, if it does."""
        if match := _COMPILED.match(line):
            self.done += 1
            return match[2]
        if _FAILED.search(line) and len(self.errors) < _SHOWN_ERRORS:
            self.errors.append(line.strip())
        return None


@contextmanager
def explaining(watch: BuildWatch) -> Iterator[None]:
    """Turn a failed build's error into one that shows the failing lines.

    Raises CommandError with the lines that `watch` kept; the hint still names the log.
    """
    try:
        yield
    except CommandError as error:
        if not watch.errors:
            raise
        raise CommandError(
            "the kernel did not build",
            details="\n".join(watch.errors),
            hint=error.hint,
            command=error.command,
            returncode=error.returncode,
        ) from error
