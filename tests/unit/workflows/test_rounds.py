"""The kernels of a run and what sets them apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from pkgafdo.config.model import Config
from pkgafdo.kernel import kconfig
from pkgafdo.propeller.settings import PropellerSettings
from pkgafdo.workflows.rounds import (
    Round,
    build_settings,
    final_round,
    kernel_settings,
    naming,
    rounds,
)

CONFIG = Config()
PROPELLER = Config(propeller=PropellerSettings(enable=True))


def test_propeller_adds_a_third_kernel() -> None:
    assert rounds(CONFIG) == (Round.BASELINE, Round.OPTIMISED)
    assert rounds(PROPELLER) == (Round.BASELINE, Round.OPTIMISED, Round.PROPELLER)


@pytest.mark.parametrize("config", [CONFIG, PROPELLER])
def test_the_last_kernel_has_the_names_that_the_user_chose(config: Config) -> None:
    names = naming(config, final_round(config))
    assert (names.localversion, names.pkgbase) == (config.kernel.localversion, config.build.pkgbase)


@pytest.mark.parametrize("config", [CONFIG, PROPELLER])
def test_no_kernel_replaces_another(config: Config) -> None:
    for one, other in combinations([naming(config, which) for which in rounds(config)], 2):
        assert one.localversion != other.localversion
        assert one.pkgbase != other.pkgbase


@pytest.mark.parametrize("config", [CONFIG, PROPELLER])
def test_only_the_names_differ_between_the_rounds(config: Config) -> None:
    for settings, name in ((kernel_settings, "localversion"), (build_settings, "pkgbase")):
        baseline, *others = (settings(config, which) for which in rounds(config))
        for other in others:
            assert baseline != other
            assert replace(baseline, **{name: getattr(other, name)}) == other


def test_autoconf_h_is_as_long_in_the_kernel_with_the_map_as_in_the_one_with_the_layout() -> None:
    def length(which: Round, layout: str) -> int:
        options = kconfig.wanted_options(
            lto="thin",
            localversion=naming(PROPELLER, which).localversion,
            profile_sha256="0" * 64,
            layout=layout,
        )
        return len(kconfig.fragment(options))

    assert length(Round.OPTIMISED, kconfig.ADDRESS_MAP) == length(Round.PROPELLER, "1" * 64)


def test_rounds_read_as_plain_words() -> None:
    assert [str(which) for which in Round] == ["baseline", "optimised", "propeller"]
