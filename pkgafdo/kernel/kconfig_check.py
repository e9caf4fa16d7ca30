"""What must hold of a configuration: before it is made, and of what stuck after olddefconfig."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pkgafdo.errors import ConfigError
from pkgafdo.kernel import findings, tree
from pkgafdo.kernel.findings import Finding
from pkgafdo.kernel.settings import RELEASE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.kernel.kconfig import Wanted
    from pkgafdo.kernel.settings import Lto
    from pkgafdo.kernel.tree import TreeFacts


def require_lto(facts: TreeFacts, lto: Lto) -> None:
    """Raise ConfigError when linking with this kind of LTO would never see the profile."""
    if lto in {"none", *facts.lto_with_profile}:
        return
    passed = ", ".join(sorted(facts.lto_with_profile)) or "no kind of LTO"
    raise ConfigError(
        f"LTO “{lto}” does not get the profile in Linux {facts.version}",
        details=f"scripts/Makefile.autofdo passes --lto-sample-profile for {passed}; with “{lto}” "
        "the code that the linker generates would ignore the profile.",
        hint='Set kernel.lto to "thin" or "none".',
    )


def require_release(version: str, localversion: str) -> str:
    """Return the expected release; raises ConfigError when it is too long for the kernel."""
    release = version + localversion
    if len(release) > RELEASE_LIMIT:
        raise ConfigError(
            f"the release {release} has {len(release)} characters, more than {RELEASE_LIMIT}",
            hint="Shorten kernel.localversion.",
        )
    return release


def check_config(
    config: Mapping[str, str], wanted: tuple[Wanted, ...], source: Path
) -> tuple[Finding, ...]:
    """Compare a configuration with what was wanted; each failure carries its Kconfig reason."""
    return (
        _check_compiler(config),
        *(_check_option(config, item, source) for item in wanted),
        _check_line_tables(config),
    )


def _check_compiler(config: Mapping[str, str]) -> Finding:
    got = config.get("CC_IS_CLANG", "n")
    text = config.get("CC_VERSION_TEXT", "an unknown compiler")
    return Finding(
        name="CC_IS_CLANG", ok=got == "y", wanted="y", got=got, why=f"The compiler is {text}."
    )


def _check_option(config: Mapping[str, str], wanted: Wanted, source: Path) -> Finding:
    got = config.get(wanted.option, "n")
    ok = got == wanted.value
    return Finding(
        name=wanted.option,
        ok=ok,
        wanted=wanted.value,
        got=got,
        why=wanted.why if ok else _refusal(config, wanted, source),
    )


def _refusal(config: Mapping[str, str], wanted: Wanted, source: Path) -> str:
    """Return the dependencies of an option that Kconfig did not grant, as the tree states them."""
    reasons = [(wanted.option, wanted.file)]
    if wanted.option.startswith("LTO_CLANG"):
        reasons.append(("HAS_LTO_CLANG", "arch/Kconfig"))
    lines = [
        f"{file}: {option} {line}{_states(config, line)}"
        for option, file in reasons
        for line in tree.kconfig_entry(source, file, option)
    ]
    return "\n".join([f"Needed because {wanted.why}.", *lines])


def _states(config: Mapping[str, str], dependency: str) -> str:
    """Return the values of the plain options that a dependency names."""
    if "$(" in dependency:
        return ""
    names = re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", dependency)
    return "".join(f"  [{name}={config.get(name, 'n')}]" for name in names)


def _check_line_tables(config: Mapping[str, str]) -> Finding:
    """Check that vmlinux itself gets line tables: from AUTOFDO (-gmlt) or from full debug info."""
    split = config.get("DEBUG_INFO_SPLIT", "n") == "y"
    lines = config.get("DEBUG_INFO", "n") == "y" or config.get("AUTOFDO_CLANG", "n") == "y"
    if split:
        return Finding(
            name="line tables",
            ok=False,
            wanted="in vmlinux",
            got="DEBUG_INFO_SPLIT=y",
            why="Split debug info leaves them in .dwo files, where no converter looks.",
        )
    got = "DEBUG_INFO=y" if config.get("DEBUG_INFO") == "y" else "-gmlt of AUTOFDO_CLANG"
    return Finding(
        name="line tables",
        ok=lines,
        wanted="in vmlinux",
        got=got if lines else "none",
        why="Samples are mapped to source lines through them.",
    )


def require_config(
    config: Mapping[str, str], wanted: tuple[Wanted, ...], source: Path
) -> tuple[Finding, ...]:
    """Return the findings of a configuration; raises ConfigError when anything did not stick."""
    found = check_config(config, wanted, source)
    wrong = findings.failed(found)
    if wrong:
        names = ", ".join(finding.name for finding in wrong)
        raise ConfigError(
            f"the kernel's configuration did not take {names}",
            details="\n".join(findings.describe(finding) for finding in wrong),
            hint="Change the base configuration, a fragment or kernel.lto so that Kconfig allows "
            "it, and check that clang and ld.lld are the ones wanted with `pkgafdo doctor`.",
        )
    return found
