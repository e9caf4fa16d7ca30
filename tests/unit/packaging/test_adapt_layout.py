"""Propeller's two lists as sources with checksums, in PKGBUILDs that have options for them."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.adapt import plan_adaptation
from pkgafdo.packaging.adapt_layout import list_names
from pkgafdo.packaging.adapt_wish import LayoutSource, Plan, Wish
from pkgafdo.packaging.bash_edit import apply_edits
from pkgafdo.packaging.check_rules import check_profile_source
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from tests.unit.packaging.kernel_pkgbuilds import ARCH, PROPELLED, SWITCHED, shape_of
from tests.unit.packaging.pkgbuilds import cachyos
from tests.unit.packaging.test_adapt import PROFILE, changed

LAYOUT = LayoutSource(
    prefix="propeller-0123456789abcdef",
    sums={"b2sums": ("56" * 64, "78" * 64), "sha256sums": ("56" * 32, "78" * 32)},
)
CONDITION = 'if [ "$_propeller" = "yes" ] && [ "$_propeller_profiles" = "yes" ]; then\n'
BLOCK = (
    f"{CONDITION}    source+=(propeller_cc_profile.txt propeller_ld_profile.txt)\n"
    f"    b2sums+=('{'56' * 64}' '{'78' * 64}')\nfi\n"
)


def planned(text: str, wish: Wish, **values: tuple[str, ...]) -> Plan:
    return plan_adaptation(shape_of(text, **values), wish)


def adapted(text: str, wish: Wish, **values: tuple[str, ...]) -> str:
    return apply_edits(text.encode(), planned(text, wish, **values).edits).decode()


def test_the_lists_become_sources_behind_all_others_with_their_sums() -> None:
    text = adapted(PROPELLED, Wish(profile=PROFILE, layout=LAYOUT))
    assert text.endswith(BLOCK)
    assert text.count("propeller_cc_profile.txt") == 1
    assert ': "${_propeller:=yes}"' in text
    assert ': "${_propeller_profiles:=yes}"' in text
    # The profile's block comes first, with its own sum.
    assert text.index('source+=("$_autofdo_profile_name")') < text.index(BLOCK)


def test_the_prefix_is_given_in_build_too() -> None:
    build = adapted(PROPELLED, Wish(layout=LAYOUT)).split("\nbuild() {", 1)[1]
    assert 'CLANG_PROPELLER_PROFILE_PREFIX="${srcdir}/propeller"' in build


def test_the_finding_of_lists_without_sums_is_mended() -> None:
    def unsummed(text: str) -> list[str]:
        found = check_profile_source(shape_of(text))
        return [one.remedy for one in found if "propeller" in one.remedy]

    assert len(unsummed(PROPELLED)) == 1
    assert unsummed(adapted(PROPELLED, Wish(layout=LAYOUT))) == []


def test_twice_changes_nothing() -> None:
    wish = Wish(profile=PROFILE, layout=LAYOUT)
    once = adapted(PROPELLED, wish)
    plan = planned(once, wish, _propeller=("yes",), _propeller_profiles=("yes",))
    assert plan.edits == []
    assert "Propeller's lists are sources with their b2sums" in plan.already


def test_new_lists_replace_the_sums_alone() -> None:
    once = adapted(PROPELLED, Wish(layout=LAYOUT))
    newer = LayoutSource(prefix="propeller-1", sums={"b2sums": ("56" * 64, "9a" * 64)})
    removed, added = changed(once, adapted(once, Wish(layout=newer)))
    assert removed == [f"    b2sums+=('{'56' * 64}' '{'78' * 64}')"]
    assert added == [f"    b2sums+=('{'56' * 64}' '{'9a' * 64}')"]


def test_an_address_map_comes_without_the_lists() -> None:
    text = adapted(PROPELLED, Wish(profile=PROFILE, address_map=True))
    assert ': "${_propeller:=yes}"' in text
    assert ': "${_propeller_profiles:=no}"' in text
    assert "    source+=(propeller_cc_profile.txt\n" in text


def test_propeller_stays_as_it_is_when_nobody_asks() -> None:
    text = adapted(PROPELLED, Wish(profile=PROFILE))
    assert ': "${_propeller:=no}"' in text
    plan = planned(PROPELLED, Wish(profile=PROFILE), _propeller_profiles=("yes",))
    assert any("older profile" in one for one in plan.left)


def test_the_names_are_those_that_the_pkgbuild_gives() -> None:
    text = PROPELLED.replace("{srcdir}/propeller", "{srcdir}/mine")
    text = text.replace("propeller_cc_p", "mine_cc_p").replace("propeller_ld_p", "mine_ld_p")
    assert list_names(shape_of(text)) == ("mine_cc_profile.txt", "mine_ld_profile.txt")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("source+=(propeller_cc", "source+=(more propeller_cc", "by themselves"),
        ('"${srcdir}/propeller"', '"${elsewhere}/propeller"', "not simply a name"),
        ('"${srcdir}/propeller"', '"${srcdir}/a/../b"', "not simply a name"),
    ],
)
def test_what_is_written_in_another_way_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        planned(PROPELLED.replace(old, new), Wish(layout=LAYOUT))


@pytest.mark.parametrize("text", [ARCH, SWITCHED])
def test_a_pkgbuild_without_options_for_propeller_is_refused(text: str) -> None:
    with pytest.raises(ArtifactError, match="no options for Propeller"):
        planned(text, Wish(layout=LAYOUT))


def test_one_that_pkgafdo_wrote_has_its_variables_set() -> None:
    before = render_pkgbuild(cachyos())
    layout = LayoutSource(prefix="propeller-fedcba9876543210", sums=LAYOUT.sums)
    _, added = changed(before, adapted(before, Wish(profile=PROFILE, layout=layout)))
    assert "_propeller=propeller-fedcba9876543210" in added
    assert f"_cc_sum={'56' * 64}" in added
    assert f"_ld_sum={'78' * 64}" in added
