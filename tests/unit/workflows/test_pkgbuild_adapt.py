"""When adapting a PKGBUILD raises its release."""

from __future__ import annotations

import pytest

from pkgafdo.packaging.adapt_wish import LayoutSource, Plan, ProfileSource, Wish
from pkgafdo.packaging.bash_edit import Edit, apply_edits
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.workflows.pkgbuild_adapt import _raise_release

TEXT = b"pkgname=linux-x\npkgrel=3\n"
CHANGE = Edit(start=len(TEXT), end=len(TEXT), text="x=1\n", reason="a change")
PROFILE = Wish(profile=ProfileSource(name="k.afdo", sums={}))
LAYOUT = Wish(layout=LayoutSource(prefix="p", sums={}))


@pytest.mark.parametrize(
    ("wish", "edits", "release"),
    [
        (PROFILE, [CHANGE], b"pkgrel=4\n"),
        (LAYOUT, [CHANGE], b"pkgrel=4\n"),
        (PROFILE, [], b"pkgrel=3\n"),
        (Wish(), [CHANGE], b"pkgrel=3\n"),
    ],
)
def test_the_release_grows_where_a_profile_or_layout_changes_something(
    wish: Wish, edits: list[Edit], release: bytes
) -> None:
    plan = Plan(edits=[*edits])
    raised = _raise_release(plan, parse_script(TEXT), wish)
    assert raised is (release == b"pkgrel=4\n")
    assert release in apply_edits(TEXT, plan.edits)


@pytest.mark.parametrize("line", [b"pkgrel=$_rel\n", b"pkgrel=1.1\n", b""])
def test_a_release_that_is_no_plain_number_is_left_and_said(line: bytes) -> None:
    plan = Plan(edits=[CHANGE])
    assert not _raise_release(plan, parse_script(b"pkgname=linux-x\n" + line), PROFILE)
    assert plan.edits == [CHANGE]
    assert "pkgrel stays" in plan.left[0]
