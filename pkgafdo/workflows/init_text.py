"""The text of a new pkgafdo.toml: every value with the reason for it, and what else may stand there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pkgafdo.workflows.init import Choices

_HEAD: Final = """\
# pkgafdo.toml for this machine: {machine}
#
#   pkgafdo doctor          can this run work here, and what is missing
#   pkgafdo run --dry-run   what it will do, as shell
{commands}
#
# `pkgafdo config schema` lists every key; what does not stand here has its default.
"""
_COMMANDS: Final = {
    "vm": "#   pkgafdo run             the whole job; killed, the same command goes on",
    "host": "#   pkgafdo run --reboot    builds, installs and boots the kernel to record; then\n"
    "#   pkgafdo run             once more: records, builds again, installs",
}


def render(choices: Choices) -> str:
    """Return the file's text; pure."""
    # A PKGBUILD has its own source and configuration.
    tree = [] if choices.route.value == "pkgbuild" else [_source(choices), _kernel(choices)]
    sections = [
        _HEAD.format(machine=_line(choices.machine), commands=_COMMANDS[choices.road.value]),
        *tree,
        _package(choices),
        _record(choices),
        _install(choices),
        _workload(choices),
    ]
    return "\n".join(sections)


def _line(text: str) -> str:
    """Return a text that stays in its comment, whatever a machine calls itself."""
    return " ".join(text.split())


def _text(value: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's, and DEL is the one that only TOML wants."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str, value: str, why: str) -> str:
    return f"{name} = {value}  # {_line(why)}\n" if why else f"{name} = {value}\n"


def _source(choices: Choices) -> str:
    text = "[source]\n" + _key("location", _text(choices.location.value), choices.location.why)
    if choices.branch:
        text += _key("branch", _text(choices.branch), "the version that runs; another as you like")
    return text + "# or a folder, a tarball, a tarball's URL with its sha256, another git URL\n"


def _kernel(choices: Choices) -> str:
    text = "[kernel]\n" + _key("base", _text(choices.base.value), choices.base.why)
    if choices.module_list:
        why = "only the modules that this machine has used: builds in a fraction of the time"
        text += _key("localmodconfig", _text(choices.module_list), why)
    text += _key("lto", _text(choices.lto.value), choices.lto.why)
    return text + _key("localversion", '"-pkgafdo"', "the end of `uname -r`")


def _package(choices: Choices) -> str:
    text = "[package]\n" + _key("route", _text(choices.route.value), choices.route.why)
    if choices.folder:
        return text + _key("folder", _text(choices.folder), "the PKGBUILD's; never written to")
    return text + '# route = "pkgbuild"\n# folder = "/path/to/linux-cachyos"\n'


def _record(choices: Choices) -> str:
    text = "[record]\n" + _key("road", _text(choices.road.value), choices.road.why)
    if choices.road.value == "host":
        text += "# not tried: `sudo pkgafdo doctor`, and every run, record for a second to see it work\n"
        names = ", ".join(_text(name) for name in choices.workload.value.split(", "))
        text += _key("workloads", f"[{names}]", choices.workload.why)
        text += '# command = "makepkg -sfc --skipinteg"  # a workload of your own instead\n'
        return text + "# seconds = 1800  # or so long, while you use the machine (workloads = [])\n"
    return text + '# "auto": on this machine where a probe shows that it can, else in the VM\n'


def _install(choices: Choices) -> str:
    yes = "true" if choices.install.value == "yes" else "false"
    return "[install]\n" + _key("system", yes, choices.install.why)


def _workload(choices: Choices) -> str:
    if choices.road.value == "host":
        return ""
    text = "[workload]\n" + _key("suite", _text(choices.workload.value), choices.workload.why)
    return text + '# command = "/usr/bin/mybench --quick"\n# files = ["/usr/bin/mybench"]\n'
