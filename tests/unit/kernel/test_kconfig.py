from __future__ import annotations

from pkgafdo.kernel import kconfig
from tests.fakes import kernel_tree

WANTED = kconfig.wanted_options(lto="thin", localversion="-pkgafdo", profile_sha256=None)


def test_the_fragment_sets_every_option_and_clears_the_rest_of_the_choice():
    assert kconfig.fragment(WANTED) == (
        "# CONFIG_LTO_NONE is not set\n"
        "# CONFIG_LTO_CLANG_FULL is not set\n"
        "# CONFIG_LTO_CLANG_THIN_DIST is not set\n"
        "CONFIG_AUTOFDO_CLANG=y\n"
        "CONFIG_LTO_CLANG_THIN=y\n"
        'CONFIG_LOCALVERSION="-pkgafdo"\n'
        "# CONFIG_LOCALVERSION_AUTO is not set\n"
        'CONFIG_BUILD_SALT="pkgafdo:baseline"\n'
        "CONFIG_MODULES=y\n"
    )


def test_the_salt_names_the_profile_that_built_the_kernel():
    assert kconfig.salt(None) == "pkgafdo:baseline"
    assert kconfig.salt("0123456789abcdef" * 4) == "pkgafdo:autofdo:0123456789abcdef"


def test_a_configuration_is_parsed_with_its_quotes():
    text = (
        '#\n# Header\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D="x y"\nCONFIG_E=0x1\n'
    )
    assert kconfig.parse_config(text) == {
        "A": "y", "B": "m", "C": "n", "D": '"x y"', "E": "0x1",
    }  # fmt: skip


def test_the_last_fragment_has_the_last_word_and_options_occur_once():
    base = "# comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\n"
    merged = kconfig.merge(base, "CONFIG_A=m\nCONFIG_B=y\n", "# CONFIG_A is not set\n")
    assert merged == "# comment\nCONFIG_C=m\n# CONFIG_A is not set\nCONFIG_B=y\n"


def test_certificates_of_the_distribution_are_dropped_and_our_own_kept(tmp_path):
    kernel_tree.write_files(tmp_path, {"certs/own.pem": ""})
    config = (
        'CONFIG_SYSTEM_TRUSTED_KEYS="debian/certs/debian-uefi-certs.pem"\n'
        'CONFIG_SYSTEM_REVOCATION_KEYS="certs/own.pem"\n'
    )
    text, emptied = kconfig.without_foreign_keys(config, tmp_path)
    assert emptied == ("SYSTEM_TRUSTED_KEYS",)
    assert kconfig.parse_config(text) == {
        "SYSTEM_TRUSTED_KEYS": '""',
        "SYSTEM_REVOCATION_KEYS": '"certs/own.pem"',
    }


def test_a_kernel_that_is_recorded_by_brs_gets_its_driver_and_no_other_does():
    options = {
        recorder: {
            item.option
            for item in kconfig.wanted_options(
                lto="thin", localversion="-x", profile_sha256=None, recorder=recorder
            )
        }
        for recorder in ("", "AMD BRS")
    }
    assert options["AMD BRS"] - options[""] == {"PERF_EVENTS_AMD_BRS"}
