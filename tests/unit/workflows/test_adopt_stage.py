"""What is said of a profile from elsewhere."""

from __future__ import annotations

from pkgafdo.profile.provenance import Provenance
from pkgafdo.workflows.adopt_stage import origin_notes


def notes(provenance: Provenance | None) -> str:
    return "\n".join(origin_notes(provenance, release="7.2.13-mine-base", llvm=19))


def origin(**known) -> Provenance:
    return Provenance(profile_sha256="", functions=1, counts=1, **known)


def test_a_profile_of_the_same_version_and_llvm_needs_no_note() -> None:
    same = origin(kernelrelease="7.2.13-arch1-1", tools={"llvm-profgen": "19.1.7"})
    assert notes(same) == ""


def test_a_profile_without_provenance_is_noted() -> None:
    assert "no provenance" in notes(None)


def test_a_part_without_provenance_is_noted() -> None:
    known = origin(kernelrelease="7.2.13", unknown_origins=("d0",))
    assert "made of a profile without provenance" in notes(known)


def test_another_kernel_is_noted_with_what_to_ask_next() -> None:
    found = notes(origin(kernelrelease="7.1.4", tools={"llvm-profgen": "19.1.7"}))
    assert "of kernel 7.1.4" in found
    assert "profile drift" in found


def test_another_llvm_and_an_allowed_mismatch_are_noted() -> None:
    other = origin(kernelrelease="7.2.13", tools={"llvm-profgen": "21.1.0"}, mismatch=True)
    assert "made with LLVM 21, this build uses 19" in notes(other)
    assert "build-id, addresses or release were not known to fit" in notes(other)


def test_a_build_id_that_nobody_compared_is_noted() -> None:
    silent = origin(kernelrelease="7.2.13", build_id_checked=False)
    assert "nobody compared the build-id" in notes(silent)
