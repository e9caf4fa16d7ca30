"""The verb `record` with --vm: what the command line and the environment say of the command to run."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.cli.options import read_config, show, workdir_path

if TYPE_CHECKING:
    from pkgafdo.runner.local import Builder
    from pkgafdo.vm.errand import User


def record_vm(
    folder: Path, command: tuple[str, ...], now: dict[str, Any], words: dict[str, Any]
) -> None:
    """Record a command in the VM and show what its table holds; now has the options of recordings."""
    from dataclasses import replace

    from pkgafdo.host.facts import read_facts
    from pkgafdo.host.invoker import invoking_user, user_environment
    from pkgafdo.vm.errand import Errand
    from pkgafdo.workflows.record_vm import record_in_vm
    from pkgafdo.workflows.recordings import render_table_info
    from pkgafdo.workflows.session import make_runner
    from pkgafdo.workflows.vm_stay import VmWish

    config = read_config(words["config_file"], words["source"], words["overrides"])
    facts = read_facts()
    invoker = invoking_user(os.environ, euid=facts.euid)
    errand = Errand(
        command=command,
        folder=folder,
        environ=user_environment(os.environ, invoker),
        user=_user(invoker),
    )
    wish = VmWish(
        output=now["output"] or Path("vm.parquet"),
        errand=errand,
        workdir=workdir_path(words["workdir"]),
        show=pass_on,
        seconds=now["seconds"],
        image=now["kernel"],
        vmlinux=now["vmlinux"],
    )
    runner = replace(make_runner(facts), builder=invoker)
    info = record_in_vm(runner, facts, config, wish)
    show(words["as_json"], info, f"{info['path']}\n{render_table_info(info)}")


def _user(invoker: Builder | None) -> User:
    """Return who the command runs as: the user behind sudo, or we ourselves."""
    from pkgafdo.vm.errand import User

    if invoker is not None:
        return User(name=invoker.name, uid=invoker.uid, gid=invoker.gid, home=invoker.home)
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:  # containers run users without an entry
        return User(name="", uid=os.geteuid(), gid=os.getegid(), home="/")
    return User(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=entry.pw_dir)


def pass_on(piece: bytes) -> None:
    """Pass the command's output on, where a host recording's goes: to standard error."""
    with log.outliving_terminal():
        sys.stderr.buffer.write(piece)
        sys.stderr.buffer.flush()
