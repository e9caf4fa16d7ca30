from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, CommandError
from pkgafdo.kernel import fetch_git
from pkgafdo.runner.command import Command, Result
from tests.fakes import kernel_tree
from tests.fakes.runner import FakeRunner

URL = "https://example.org/linux.git"
ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40


def git(refs: str, clone: Result | None = None) -> FakeRunner:
    def answer(command: Command) -> Result:
        if clone is not None:
            return clone
        kernel_tree.make_tree(Path(command.argv[-1]))
        return Result(returncode=0)

    return FakeRunner(answers={"ls-remote": Result(returncode=0, stdout=refs), "clone": answer})


@pytest.mark.parametrize(
    ("text", "commit"),
    [
        (f"{ONE}\trefs/heads/base\n", ONE),
        (f"{ONE}\tHEAD\n", ONE),
        (f"{ONE}\trefs/tags/v7.2\n", ONE),
        (f"{ONE}\trefs/tags/v7.2\n{TWO}\trefs/tags/v7.2^{{}}\n", TWO),
        (f"{ONE}\trefs/tags/x\n{TWO}\trefs/tags/x^{{}}\n{THREE}\trefs/heads/x\n", THREE),
        ("", None),
        ("warning: redirecting\n", None),
    ],
)
def test_the_commit_behind_a_branch_or_tag_is_found(text, commit):
    assert fetch_git.parse_ls_remote(text) == commit


def test_a_branch_is_cloned_without_history_and_without_a_password_prompt(tmp_path):
    command = fetch_git.clone_command(URL, "6.12/base-autofdo", tmp_path)
    assert command.argv == (
        "git", "-c", "advice.detachedHead=false", "clone", "--depth", "1", "--single-branch",
        "--branch", "6.12/base-autofdo", "--", URL, str(tmp_path),
    )  # fmt: skip
    assert command.env["GIT_TERMINAL_PROMPT"] == "0"


def test_a_commit_is_cloned_once(tmp_path):
    runner = git(f"{ONE}\trefs/heads/base\n")
    first = fetch_git.from_git(runner, URL, "base", cache=tmp_path)
    second = fetch_git.from_git(runner, URL, "base", cache=tmp_path)
    assert first == second
    assert (first.digest, first.kind, first.origin) == (ONE, "git", f"{URL}#base")
    assert len(runner.ran) == 1


def test_the_default_branch_is_asked_for_by_head(tmp_path):
    runner = git(f"{ONE}\tHEAD\n")
    found = fetch_git.from_git(runner, URL, "", cache=tmp_path)
    assert runner.queried[0].argv[-1] == "HEAD"
    assert "--branch" not in runner.ran[0].argv
    assert found.origin == URL


def test_an_unknown_branch_is_refused_before_cloning(tmp_path):
    runner = git("")
    with pytest.raises(ArtifactError, match="no branch or tag “nope”") as caught:
        fetch_git.from_git(runner, URL, "nope", cache=tmp_path)
    assert f"git ls-remote --heads --tags {URL}" in caught.value.hint
    assert not runner.ran


def test_a_failed_clone_leaves_nothing(tmp_path):
    runner = git(f"{ONE}\tHEAD\n", Result(returncode=128, stderr="early EOF"))
    with pytest.raises(CommandError):
        fetch_git.from_git(runner, URL, "", cache=tmp_path)
    assert list((tmp_path / "sources").iterdir()) == []
