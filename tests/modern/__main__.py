"""scripts/test-modern: read the command line, make or take the root, run the steps, report."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import CommandError, PkgafdoError
from pkgafdo.host.facts import read_facts
from pkgafdo.runner.local import LocalRunner
from tests.modern import making, steps, table
from tests.modern.arguments import parse_arguments
from tests.modern.entering import (
    copy_checkout,
    describe_checkout,
    enter,
    environment_inside,
    require_own_namespace,
)
from tests.modern.outcome import Findings, from_json, merge, to_json
from tests.modern.place import Place, held, place_of, read_record, roots_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pkgafdo.runner.base import Runner

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_DAYS: Final = 7
"""Age from which a root is called old."""


def take_root(
    runner: Runner, place: Place, environment: Mapping[str, str], options: argparse.Namespace
) -> None:
    """Leave a root to work in: the one that is there and whole, or a new one."""
    record = read_record(place)
    if record is None and place.folder.is_dir():
        log.note(f"{place.root} was left half-made: making it anew")
    if options.fresh or record is None:
        with making.left_out(place):
            making.make_root(runner, place, environment, mirror=options.mirror)
        record = {"made": datetime.now(UTC).isoformat(timespec="seconds")}
    else:
        with making.left_out(place):
            enter(runner, place)
    age = datetime.now(UTC) - datetime.fromisoformat(record["made"])
    if age.days >= _DAYS:
        log.note(f"{place.root} was made {age.days} days ago; --fresh makes it anew")
    copy_checkout(runner, CHECKOUT, place)
    # Whoever is killed from here on leaves packages half installed: then there is no record.
    place.record.unlink(missing_ok=True)
    outcome = steps.run_step(runner, place, steps.setup_step(), environment)
    if not outcome.ok:
        with making.left_out(place):
            making.require_packages(runner, place, environment)
        raise CommandError(
            f"scripts/setup fails on {place.name}",
            hint=f"Look into {place.logs}; the root is made anew next time.",
        )
    files.write_json(place.record, record)


def run_suite(runner: Runner, place: Place, options: argparse.Namespace) -> Findings:
    """Run everything that was asked for in a root; returns what was found."""
    environment = environment_inside(os.environ)
    take_root(runner, place, environment, options)
    if options.kernel is not None:
        steps.bring_kernel(place, options.kernel)
    wanted = steps.steps_of(
        short=options.short,
        kernel=options.kernel is not None,
        kernels=not options.no_quickstart,
        propeller=options.propeller,
    )
    wanted = () if options.prepare else steps.choose(wanted, options.step)
    commit = describe_checkout(runner, CHECKOUT)
    outcomes = tuple(
        replace(steps.run_step(runner, place, step, environment), commit=commit) for step in wanted
    )
    return Findings(
        system=place.name,
        day=datetime.now(UTC).date().isoformat(),
        versions=steps.read_versions(runner, place, environment),
        outcomes=outcomes,
        commit=commit,
    )


def report(place: Place, tested: Findings, options: argparse.Namespace) -> None:
    """Say what was found, and keep it beside the root; with --readme in the checkout too."""
    path = place.folder / "result.json"
    old = from_json(files.read_json(path)) if path.is_file() else None
    tested = merge(old, tested)
    files.write_json(path, to_json(tested))
    if options.readme:
        found = table.remember(CHECKOUT / "docs/tested.json", tested)
        readme = CHECKOUT / "README.md"
        text = table.replace_block(readme.read_text(encoding="utf-8"), table.render_block(found))
        files.write_text(readme, text)
    shown = table.render_table([tested])
    if options.json:
        shown = json.dumps(to_json(tested), indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(shown)


def main(words: Sequence[str]) -> int:
    """Do what the command line asks; returns the exit code."""
    options = parse_arguments(words)
    try:
        require_own_namespace(os.environ)
        place = place_of(options.suite, options.roots or roots_folder(os.environ), options.llvm)
        runner = LocalRunner(env=dict(read_facts().environment), logs=place.logs)
        with held(place):
            tested = run_suite(runner, place, options)
            report(place, tested, options)
    except PkgafdoError as error:
        lines = (error.message, error.details, error.hint)
        sys.stderr.write("test-modern: " + "\n".join(line for line in lines if line) + "\n")
        return error.exit_code
    return 0 if tested.ok else CommandError.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
