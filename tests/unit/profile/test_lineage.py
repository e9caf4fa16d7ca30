"""Merging by provenance."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pkgafdo import log
from pkgafdo.artifacts import SampleProfile
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.lineage import merged_provenance, require_same_origin
from pkgafdo.profile.provenance import Provenance, llvm_major


@pytest.fixture
def messages():
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def origin(release: str = "7.2.13", llvm: str = "19.1.7", **more) -> Provenance:
    return Provenance(
        profile_sha256="d", functions=1, counts=1, kernelrelease=release,
        tools={"llvm-profgen": llvm, "clang": llvm}, **more,
    )  # fmt: skip


def test_profiles_of_one_kernel_and_llvm_may_be_merged(messages) -> None:
    require_same_origin({"a": origin(), "b": origin(llvm="19.1.1")}, allow_mismatch=False)
    assert messages.getvalue() == ""


@pytest.mark.parametrize(
    ("other", "what"),
    [(origin(release="7.3.0"), "kernels"), (origin(llvm="21.1.0"), "LLVM majors")],
)
def test_foreign_profiles_are_refused_unless_allowed(messages, other, what) -> None:
    with pytest.raises(ArtifactError, match=f"of different {what}") as caught:
        require_same_origin({"a": origin(), "b": other}, allow_mismatch=False)
    assert "--allow-mismatch" in caught.value.hint
    require_same_origin({"a": origin(), "b": other}, allow_mismatch=True)
    assert f"of different {what}" in messages.getvalue()


def test_a_profile_of_unknown_origin_is_warned_of(messages) -> None:
    require_same_origin({"a": origin(), "b.afdo": None}, allow_mismatch=False)
    assert "b.afdo has no provenance" in messages.getvalue()


def test_what_was_made_of_an_unknown_profile_is_warned_of(messages) -> None:
    require_same_origin({"a.afdo": origin(unknown_origins=("c0", "d0"))}, allow_mismatch=False)
    assert "a.afdo was made of 2 profiles without provenance" in messages.getvalue()


def test_unknown_origins_stay_unknown_through_one_merge_and_the_next() -> None:
    profile = SampleProfile(path=Path("m"), sha256="m0", functions=7, samples=99)
    first = merged_provenance(profile, [("a0", 1, origin()), ("c0", 2, None)], created_by="us")
    assert first.unknown_origins == ("c0",)
    rows = [("m0", 1, first), ("d0", 1, None), ("c0", 1, None)]
    assert merged_provenance(profile, rows, created_by="us").unknown_origins == ("c0", "d0")


def test_the_merged_provenance_adds_up_what_can_be_added() -> None:
    profile = SampleProfile(path=Path("m"), sha256="m0", functions=7, samples=99)
    first = origin(
        samples=10, lost=1, dropped={"user": 2}, workload="train", build_id="aa", period=1,
        modules={"ext4": 5}, found_share=0.9,
    )  # fmt: skip
    second = origin(
        samples=20, dropped={"user": 3}, workload="web", build_id="bb", period=1,
        modules={"ext4": 1, "nvme": 2}, mismatch=True, found_share=1.0,
    )  # fmt: skip
    rows = [("a0", 3, first), ("b0", 1, second), ("c0", 1, None)]
    merged = merged_provenance(profile, rows, created_by="us")
    assert (merged.profile_sha256, merged.functions, merged.counts) == ("m0", 7, 99)
    assert (merged.samples, merged.lost, merged.dropped) == (30, 1, {"user": 5})
    assert (merged.workload, merged.build_id, merged.period) == ("train + web", "", 1)
    assert merged.modules == {"ext4": 6, "nvme": 2}
    assert merged.merged_from == (("a0", 3), ("b0", 1), ("c0", 1))
    assert merged.mismatch is True
    assert merged.found_share == 0.9
    assert merged.tools == {"llvm-profgen": "19.1.7", "clang": "19.1.7"}


def test_several_kernels_in_one_profile_are_a_mismatch() -> None:
    profile = SampleProfile(path=Path("m"), sha256="m0", functions=7, samples=99)

    def mismatch(*origins: Provenance) -> bool:
        rows = [("a0", 1, one) for one in origins]
        return merged_provenance(profile, rows, created_by="us").mismatch

    assert not mismatch(origin(), origin())
    assert not mismatch(origin(), origin(release=""))
    assert mismatch(origin(), origin(release="7.3.0"))


def test_one_part_that_nobody_compared_makes_the_whole_such() -> None:
    profile = SampleProfile(path=Path("m"), sha256="m0", functions=7, samples=99)
    for part, checked in ((origin(), True), (origin(build_id_checked=False), False), (None, False)):
        rows = [("a0", 1, origin()), ("b0", 1, part)]
        merged = merged_provenance(profile, rows, created_by="us")
        assert merged.build_id_checked is checked


def test_the_llvm_of_a_profile_is_its_converters() -> None:
    assert llvm_major(origin(llvm="21.1.0-rc1")) == 21
    assert llvm_major(Provenance(profile_sha256="", functions=0, counts=0)) is None
