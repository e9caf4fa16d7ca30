"""What makepkg 7 refuses and makepkg 6 let pass, asked of our PKGBUILDs with bash alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

DATA = Path(__file__).resolve().parents[2] / "data/pkgbuild"
SUMS = re.compile(r"^(_\w+_sum)=.*$", re.MULTILINE)
# pacman 7.1, scripts/libmakepkg/lint_pkgbuild/variable.sh.in: an array has no empty values.
_EMPTY_VALUES = """
source "$1" || exit
for name in $(compgen -A arrayvar); do
  [[ $name =~ ^(BASH_|FUNCNAME|GROUPS|DIRSTACK|PIPESTATUS|COMP) ]] && continue
  declare -n values=$name
  for value in "${values[@]}"; do
    [[ -n $value ]] || echo "$name"
  done
done
"""


def empty_values(pkgbuild: Path) -> list[str]:
    runner = LocalRunner(env={"PATH": os.environ["PATH"]})
    command = Command(argv=("bash", "-c", _EMPTY_VALUES, "bash", str(pkgbuild)))
    return runner.query(command).stdout.split()


@pytest.mark.parametrize("path", sorted(DATA.glob("*.PKGBUILD")), ids=lambda path: path.stem)
@pytest.mark.parametrize("layout", ["_propeller=layout", "_symbol_order=order.txt"])
def test_a_name_without_its_checksum_leaves_no_empty_value(
    tmp_path: Path, path: Path, layout: str
) -> None:
    name = layout.partition("=")[0]
    text = SUMS.sub(r"\1=", path.read_text(encoding="utf-8"))
    text = re.sub(r"^_profile=.*$", "_profile=mine.afdo", text, flags=re.MULTILINE)
    text, named = re.subn(rf"^{name}=.*$", layout, text, flags=re.MULTILINE)
    assert named == 1
    (tmp_path / "PKGBUILD").write_text(text)
    assert empty_values(tmp_path / "PKGBUILD") == []


def test_an_empty_value_is_found(tmp_path: Path) -> None:
    (tmp_path / "PKGBUILD").write_text("source=(a '')\nb2sums=(SKIP SKIP)\n")
    assert empty_values(tmp_path / "PKGBUILD") == ["source"]
