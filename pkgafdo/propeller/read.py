"""Reading the two files of a layout back, to look at them or to check that a build used them.

Version 0 of the compiler's file (`!name/alias M=module`, `!!ids`), which older writers make, is read
as the compiler reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.write import cc_profile_path, ld_profile_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSIONS: Final = ("v0", "v1")
_OLD: Final = "!"
"""How every line of version 0 begins; its line `v0` may be missing."""
_ID: Final = re.compile(r"[0-9]{1,10}")
"""A block's number: the compiler has 32 bits for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionProfile:
    """What a cc_profile says of a function: its names, its clusters of block ids, in order."""

    name: str
    aliases: tuple[str, ...] = ()
    module: str | None
    clusters: tuple[tuple[int, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of its names."""
        return self.name, *self.aliases


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiles:
    """What the two files of a layout say: functions with their clusters, and symbols in order."""

    functions: tuple[FunctionProfile, ...]
    symbols: tuple[str, ...]


def read_profiles(prefix: Path) -> Profiles:
    """Read PREFIX_cc_profile.txt and PREFIX_ld_profile.txt.

    Raises ArtifactError, with the number of the line, for what our writer or another would not say.
    """
    cc, ld = cc_profile_path(prefix), ld_profile_path(prefix)
    return Profiles(
        functions=parse_cc_profile(_read(cc), str(cc)),
        symbols=parse_ld_profile(_read(ld), str(ld)),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{path} does not exist",
            hint="Make it with: pkgafdo propeller layout --vmlinux V --branches TABLE -o PREFIX",
        ) from error
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror or error}",
            hint="Name the prefix of two files: PREFIX_cc_profile.txt and PREFIX_ld_profile.txt.",
        ) from error
    except ValueError as error:
        raise _damaged(str(path), 1, "it is not text") from error


def parse_cc_profile(text: str, name: str) -> tuple[FunctionProfile, ...]:
    """Parse the text of a cc_profile; `name` is for messages.

    Cloning paths (`p`) are skipped, and so are the clones (`3.1`) in clusters that they make.
    """
    functions: list[FunctionProfile] = []
    seen: set[tuple[str | None, str]] = set()
    module: str | None = None
    for number, words in _statements(text, name):
        match words:
            case ["m", path]:
                module = path
            case ["f", symbol, *aliases]:
                if (module, symbol) in seen:
                    _fail(name, number, f"the second profile of {symbol}")
                seen.add((module, symbol))
                functions.append(
                    FunctionProfile(name=symbol, aliases=tuple(aliases), module=module, clusters=())
                )
                module = None
            case ["c", *ids] if functions and ids:
                functions[-1] = _with_cluster(functions[-1], ids, name, number)
            case ["p", *_] if functions:
                pass
            case _:
                _fail(name, number, f"not a line of such a file: {' '.join(words)[:80]!r}")
    return tuple(functions)


def _statements(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of the lines behind the version, those of version 0 as version 1 has them."""
    lines = list(_numbered(text))
    first, version = lines[0] if lines else (1, "")
    if version not in _VERSIONS and not version.startswith(_OLD):
        _fail(name, first, f"it begins with {version[:40]!r}, not with the version v1")
    for number, line in lines[version in _VERSIONS :]:
        if version == _VERSIONS[1]:
            yield number, line.split()
        else:
            yield from ((number, words) for words in _old_statements(line))


def _old_statements(line: str) -> Iterator[list[str]]:
    """Yield what a line of version 0 says, as lines of version 1 would."""
    match line.removeprefix(_OLD).split():
        case _ if line.startswith("@"):
            return
        case _ if line.startswith(_OLD * 2):
            yield ["c", *line[2:].split()]
        case [names] if line.startswith(_OLD):
            yield ["f", *names.split("/")]
        case [names, module] if line.startswith(_OLD) and module.startswith("M="):
            yield from (["m", module[2:]], ["f", *names.split("/")])
        case _:
            yield [line]


def _with_cluster(
    function: FunctionProfile, ids: list[str], name: str, number: int
) -> FunctionProfile:
    """Add a cluster to a function; its blocks must be numbers that it does not have yet."""
    blocks = [block for block in ids if "." not in block]
    if not all(map(_ID.fullmatch, blocks)):
        _fail(name, number, "a block id is not a number")
    cluster = tuple(map(int, blocks))
    held = {block for other in function.clusters for block in other}
    if len(held | set(cluster)) != len(held) + len(cluster):
        _fail(name, number, f"a block of {function.name} appears twice")
    return replace(function, clusters=(*function.clusters, cluster))


def parse_ld_profile(text: str, name: str) -> tuple[str, ...]:
    """Parse the text of an ld_profile; `name` is for messages."""
    symbols: dict[str, None] = {}
    for number, line in _numbered(text):
        if len(line.split()) != 1:
            _fail(name, number, f"not one symbol: {line[:80]!r}")
        symbols[line] = None
    return tuple(symbols)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers."""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _fail(name: str, line: int, what: str) -> NoReturn:
    raise _damaged(name, line, what)


def _damaged(name: str, line: int, what: str) -> ArtifactError:
    return ArtifactError(
        f"{name} is not a Propeller profile",
        details=f"Line {line}: {what}.",
        hint="Make it again with: pkgafdo propeller layout",
    )
