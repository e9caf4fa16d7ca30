"""Google's generate_propeller_profiles, for comparison: the command, and where the program is."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.branches.propeller import branch_frequencies
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.propeller.write import cc_profile_path, ld_profile_path
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.runner.base import Runner

PROGRAM: Final = "generate_propeller_profiles"


def require_google(runner: Runner) -> str:
    """Return the path of Google's program; HostError when it is not installed."""
    path = runner.which(PROGRAM)
    if path is None:
        raise HostError(
            f"{PROGRAM} is not installed",
            hint="It has no releases and no Arch or Debian package; build it from "
            "github.com/google/llvm-propeller. The layout of pkgafdo needs nothing: leave "
            "--tool google out.",
        )
    return path


def google_command(program: str, *, vmlinux: Path, frequencies: Path, prefix: Path) -> Command:
    """Return the command that makes both profiles of a prefix from a branch frequencies file.

    The flags are those of propeller/generate_propeller_profiles.cc in google/llvm-propeller.
    """
    return Command(
        argv=(
            program,
            f"--binary={vmlinux}",
            f"--profile={frequencies}",
            "--profile_type=FREQUENCIES_PROTO",
            f"--cc_profile={cc_profile_path(prefix)}",
            f"--ld_profile={ld_profile_path(prefix)}",
            "--propeller_options=output_module_name: true",
        ),
        log=PROGRAM,
        on_failure="It reads only the address maps of the LLVM that it was built with: build it "
        "again with this one, or leave --tool google out.",
    )


def lay_out_with_google(runner: Runner, vmlinux: Path, table: BranchTable, prefix: Path) -> None:
    """Write both profiles of a prefix with Google's program, by rename.

    Raises HostError when it is not installed, ArtifactError when it writes nothing.
    """
    program = require_google(runner)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=prefix.parent, prefix=".propeller.") as name:
        folder = Path(name)
        frequencies, made = folder / "frequencies.pb", folder / "made"
        with frequencies.open("wb") as stream:
            stream.writelines(branch_frequencies(table))
        runner.run(google_command(program, vmlinux=vmlinux, frequencies=frequencies, prefix=made))
        for path_of in (cc_profile_path, ld_profile_path):
            if not path_of(made).is_file():
                raise ArtifactError(
                    f"{PROGRAM} ended without an error and wrote no {path_of(prefix).name}",
                    hint="Run its command by hand (--verbose shows it) and read its warnings.",
                )
        for path_of in (cc_profile_path, ld_profile_path):
            with files.replacing(path_of(prefix)) as temporary:
                shutil.copyfile(path_of(made), temporary)
