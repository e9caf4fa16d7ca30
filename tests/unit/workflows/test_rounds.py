"""The two kernels of a run and what sets them apart."""

from __future__ import annotations

from dataclasses import replace

from pkgafdo.config.model import Config
from pkgafdo.workflows.rounds import Round, build_settings, kernel_settings, naming

CONFIG = Config()


def test_the_optimised_kernel_has_the_names_that_the_user_chose() -> None:
    names = naming(CONFIG, Round.OPTIMISED)
    assert (names.localversion, names.pkgbase) == (CONFIG.kernel.localversion, CONFIG.build.pkgbase)


def test_the_two_kernels_never_replace_each_other() -> None:
    baseline, optimised = (naming(CONFIG, which) for which in Round)
    assert baseline.localversion != optimised.localversion
    assert baseline.pkgbase != optimised.pkgbase


def test_only_the_names_differ_between_the_rounds() -> None:
    for settings, name in ((kernel_settings, "localversion"), (build_settings, "pkgbase")):
        baseline, optimised = (settings(CONFIG, which) for which in Round)
        assert baseline != optimised
        assert replace(baseline, **{name: getattr(optimised, name)}) == optimised


def test_rounds_read_as_plain_words() -> None:
    assert [str(which) for which in Round] == ["baseline", "optimised"]
