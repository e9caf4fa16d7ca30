"""The flags that stand for a key of the configuration."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from pkgafdo.cli.run_verbs import plan_verb
from pkgafdo.cli.wishes import wishing


@click.command()
@wishing
@click.option("--set", "overrides", multiple=True)
def verb(overrides: tuple[str, ...]) -> None:
    """Print what it was given."""
    click.echo(" ".join(overrides))


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], ""),
        (["--propeller"], "propeller.enable=true"),
        (["--sign", "--install"], "install.system=true build.sign=true"),
        # What stands in a flag wins over --set, wherever it stands.
        (
            ["--noise-floor", "--set", "measure.noise_floor=false"],
            "measure.noise_floor=false measure.noise_floor=true",
        ),
    ],
)
def test_each_flag_sets_its_key_behind_what_was_set(words: list[str], given: str) -> None:
    result = CliRunner().invoke(verb, words)
    assert result.output.rstrip("\n") == given


def test_a_plan_can_be_asked_for_what_a_run_can() -> None:
    flags = {"--install", "--propeller", "--noise-floor", "--sign"}
    assert flags <= {word for option in plan_verb.params for word in option.opts}
