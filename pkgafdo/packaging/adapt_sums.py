"""Sums for sources that come in or change: put where makepkg looks for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.adapt_wish import refuse
from pkgafdo.packaging.bash_edit import Edit, replace
from pkgafdo.packaging.check_package import SIGNATURES, is_fetched, needs_sum
from pkgafdo.packaging.pkgbuild_values import SUMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pkgafdo.packaging.bash_script import Script, Word
    from pkgafdo.packaging.pkgbuild_values import Values

SKIP: Final = "SKIP"


def digest(kind: str, path: Path) -> str:
    """Return a file's sum as one of makepkg's arrays wants it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, _algorithm(kind)).hexdigest()


def digest_of(kind: str, content: bytes) -> str:
    """Return the sum of a file's content."""
    return hashlib.new(_algorithm(kind), content).hexdigest()


def _algorithm(kind: str) -> str:
    return "blake2b" if kind == "b2sums" else kind.removesuffix("sums")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """A change of sources: values before and after, how files are found, what was not found."""

    old: Values
    new: Values
    find: Callable[[str], Path | None]
    renewing: bool
    missing: list[str]


def plan_sums(
    script: Script,
    old: Values,
    new: Values,
    find: Callable[[str], Path | None],
    *,
    renewing: bool = False,
) -> list[Edit]:
    """Return the edits that give every new or changed source its sum.

    old and new are the values before and after a change; find returns the file of an entry of
    source=(), or None where it is not at hand. With `renewing`, files that are not fetched get
    their sums anew. Raises ArtifactError that names the sources that are not at hand.
    """
    change = _Change(old=old, new=new, find=find, renewing=renewing, missing=[])
    edits: list[Edit] = []
    for suffix in new.suffixes():
        for kind in SUMS:
            if f"{kind}{suffix}" in new.arrays:
                wanted = _wanted(change, kind, suffix)
                edits += _edits(script, f"{kind}{suffix}", new.array(f"{kind}{suffix}"), wanted)
    if change.missing:
        raise ArtifactError(
            "the checksum of a new source is not known; nothing was changed",
            details="\n".join(dict.fromkeys(change.missing)),
            hint="Put the file beside the PKGBUILD, or let it be fetched with --fetch.",
        )
    return edits


def _wanted(change: _Change, kind: str, suffix: str) -> list[str]:
    """Return the sums that one array should have, in the order of its sources."""
    source, name = f"source{suffix}", f"{kind}{suffix}"
    entries, sums = change.new.array(source), change.new.array(name)
    known = dict(zip(change.old.array(source), change.old.array(name), strict=False))
    wanted = []
    for index, entry in enumerate(entries):
        present = sums[index] if index < len(sums) else SKIP
        wanted.append(_sum(change, kind, entry, known.get(entry), present))
    return wanted


def _sum(change: _Change, kind: str, entry: str, known: str | None, present: str) -> str:
    """Return the sum of one source: the one that it had, or that of its file."""
    own = not is_fetched(entry)
    if known is not None and (known == SKIP or not (change.renewing and own)):
        return known
    if entry.endswith(SIGNATURES) or (not needs_sum(entry) and present == SKIP):
        return SKIP
    path = change.find(entry) if needs_sum(entry) else None
    if path is not None:
        return digest(kind, path)
    if known is None:
        change.missing.append(entry)
    return known or present


def _edits(script: Script, name: str, sums: tuple[str, ...], wanted: list[str]) -> list[Edit]:
    """Return the edits that turn the sums that are written into the wanted ones."""
    if tuple(wanted) == sums:
        return []
    words = _written(script, name, sums)
    if len(wanted) == len(sums):
        return _replacements(script, name, words, sums, wanted)
    fewer, more = sorted((sums, tuple(wanted)), key=len)
    edits: list[Edit] = []
    index = 0
    for position, one in enumerate(more):
        if index < len(fewer) and fewer[index] == one:
            index += 1
        elif more is sums:
            edits.append(_removal(script, name, words, position))
        else:
            edits.append(_insertion(script, words, index, one))
    if index != len(fewer):
        refuse(words[0].place.line, f"{name} and the sources change in several ways",
               "Run updpkgsums.")  # fmt: skip
    return edits


def _replacements(
    script: Script, name: str, words: tuple[Word, ...], sums: tuple[str, ...], wanted: list[str]
) -> list[Edit]:
    """Return the edits of sums that change where they stand, also below a condition."""
    edits: list[Edit] = []
    for index, (old, new) in enumerate(zip(sums, wanted, strict=True)):
        if old != new:
            word = words[index] if index < len(words) else _conditional(script, name, old)
            edits.append(replace(word.place, like(word, new), f"{name}: a changed source"))
    return edits


def like(word: Word, text: str) -> str:
    """Return a text without special characters in the quotes that a word has, or in none."""
    mark = word.text[:1] if word.text[:1] in {"'", '"'} else ""
    return f"{mark}{text}{mark}"


def _written(script: Script, name: str, sums: tuple[str, ...]) -> tuple[Word, ...]:
    """Return the words of the sums that always count; refuse where they are not plainly written."""
    found = script.assigned(name)
    words = tuple(word for one in found if not one.nested for word in one.words)
    if not words or tuple(word.literal for word in words) != sums[: len(words)]:
        refuse(found[0].place.line if found else 0, f"{name} is not simply a list of sums here",
               "Run updpkgsums after the change.")  # fmt: skip
    return words


def _conditional(script: Script, name: str, old: str) -> Word:
    """Return the word of a sum that is added somewhere below an `if`."""
    found = [
        word for one in script.assigned(name) if one.nested
        for word in one.words if word.literal == old
    ]  # fmt: skip
    if len(found) != 1:
        refuse(0, f"the sum {old[:16]}… of {name} is not written plainly", "Run updpkgsums.")
    return found[0]


def _removal(script: Script, name: str, words: tuple[Word, ...], index: int) -> Edit:
    """Return the edit that removes the sum of an index, with the space before it."""
    if not 0 < index < len(words):
        line = script.assigned(name)[0].place.line
        refuse(line, f"{name} has the sum of a source that is gone", "Run updpkgsums.")
    start, end = words[index - 1].place.end, words[index].place.end
    return Edit(start=start, end=end, text="", reason="a source that is gone")


def _insertion(script: Script, words: tuple[Word, ...], index: int, new: str) -> Edit:
    """Return the edit that puts a sum before the one of an index, or behind all."""
    gap = " "
    if len(words) > 1:
        between = script.content[words[0].place.end : words[1].place.start]
        gap = between.decode("ascii", "replace")
    if index < len(words):
        at = words[index].place.start
        return Edit(start=at, end=at, text=f"'{new}'{gap}", reason="a new source's sum")
    at = words[-1].place.end
    return Edit(start=at, end=at, text=f"{gap}'{new}'", reason="a new source's sum")
