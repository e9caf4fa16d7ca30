"""The JSON beside a profile."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pkgafdo import files
from pkgafdo.artifacts import SampleProfile, Vmlinux
from pkgafdo.branches.merge import merge_tables
from pkgafdo.branches.meta import DropReason, TableMeta
from pkgafdo.branches.store import table_digest
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.check import Found, Quality
from pkgafdo.profile.conversion import Conversion
from pkgafdo.profile.provenance import (
    find_provenance,
    provenance_of,
    provenance_path,
    read_provenance,
    write_provenance,
)
from tests.unit.branches.tables import table_of

TABLE = table_of(
    [(1, 2, 3, 0)],
    [],
    TableMeta(
        build_id="aa",
        kernelrelease="7.2.13",
        event="virtual-lbr",
        samples=3,
        cpu="max",
        dropped={DropReason.USER: 4},
        extra={"workload": "own", "workload-command": "ls /", "suite": "cd" * 32, "qemu": "7.2.22"},
    ),
)


@pytest.fixture
def conversion(tmp_path):
    path = tmp_path / "kernel-1.afdo"
    path.write_bytes(b"profile")
    return Conversion(
        profile=SampleProfile(
            path=path, sha256=files.sha256_file(path), functions=12, samples=3456
        ),
        quality=Quality(
            functions=12,
            samples=3456,
            found=Found(branches=3, in_functions=2, distinct_functions=1),
        ),
        table=TABLE,
    )


def of(conversion, build_id="aa"):
    return provenance_of(
        conversion,
        Vmlinux(path=conversion.profile.path, build_id=build_id),
        tools={"llvm-profgen": "19.1.7"},
        created_by="0.1.0",
        config_digest="c0",
    )


def test_everything_about_the_making_is_written_and_read_back(conversion) -> None:
    provenance = of(conversion)
    path = write_provenance(conversion.profile.path, provenance)
    assert path.name == "kernel-1.afdo.json"
    assert read_provenance(conversion.profile.path) == provenance
    plain = json.loads(path.read_text())
    assert plain["kernelrelease"] == "7.2.13"
    assert plain["build_id"] == "aa"
    assert plain["config_digest"] == "c0"
    assert (plain["workload"], plain["command"]) == ("own", "ls /")
    assert plain["suite_digest"] == "cd" * 32
    assert plain["cpu"] == "max"
    assert plain["tools"] == {"llvm-profgen": "19.1.7", "qemu": "7.2.22"}
    assert plain["table_sha256"] == table_digest(TABLE)
    assert plain["event"] == "virtual-lbr"
    assert plain["dropped"] == {"user": 4}
    assert plain["found_share"] == 0.666667
    assert plain["created_by"] == "0.1.0"
    assert plain["mismatch"] is False


def test_an_allowed_mismatch_is_on_record(conversion) -> None:
    assert of(conversion, build_id="bb").mismatch is True


@pytest.mark.parametrize("order", [("aa", "bb"), ("bb", "aa")])
def test_a_foreign_build_id_is_on_record_wherever_it_stood(conversion, order) -> None:
    tables = [table_of(meta=TableMeta(build_id=one)) for one in order]
    found = of(replace(conversion, table=merge_tables(tables, allow_mismatch=True)))
    assert (found.mismatch, found.build_id_checked) == (True, True)


def test_addresses_of_an_unknown_place_are_a_mismatch(conversion) -> None:
    hidden = TableMeta(build_id="aa", extra={"addresses": "unknown"})
    assert of(replace(conversion, table=table_of(meta=hidden))).mismatch is True


@pytest.mark.parametrize("order", [("",), ("aa", ""), ("", "aa")])
def test_a_recording_without_a_build_id_is_on_record(conversion, order) -> None:
    tables = [table_of(meta=TableMeta(build_id=one)) for one in order]
    found = of(replace(conversion, table=merge_tables(tables, allow_mismatch=True)))
    assert (found.mismatch, found.build_id_checked) == (False, False)


def test_a_provenance_of_before_is_taken_as_compared(conversion) -> None:
    path = write_provenance(conversion.profile.path, of(conversion))
    plain = json.loads(path.read_text())
    del plain["build_id_checked"]
    path.write_text(json.dumps(plain))
    assert read_provenance(conversion.profile.path) == of(conversion)


def test_a_profile_that_was_changed_afterwards_is_refused(conversion) -> None:
    write_provenance(conversion.profile.path, of(conversion))
    conversion.profile.path.write_bytes(b"other")
    with pytest.raises(ArtifactError, match="was changed after"):
        read_provenance(conversion.profile.path)


def test_a_profile_without_provenance_has_none(conversion) -> None:
    assert find_provenance(conversion.profile.path) is None
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_provenance(conversion.profile.path)


def test_merged_inputs_come_back_as_they_were(conversion) -> None:
    merged = replace(of(conversion), merged_from=(("d1", 3), ("d2", 1)), unknown_origins=("d2",))
    write_provenance(conversion.profile.path, merged)
    assert read_provenance(conversion.profile.path) == merged


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"functions": "many"},
        {"mismatch": 1},
        {"tools": []},
        {"surprise": 1},
        {"merged_from": [[1]]},
    ],
)
def test_json_of_another_shape_is_refused(conversion, change) -> None:
    profile = conversion.profile.path
    plain = json.loads(write_provenance(profile, of(conversion)).read_text())
    provenance_path(profile).write_text(json.dumps(plain | change))
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_provenance(profile)


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json"])
def test_other_text_is_refused(conversion, text) -> None:
    provenance_path(conversion.profile.path).write_text(text)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_provenance(conversion.profile.path)
