"""`hematon portal ... --help` shows how each command is called, and what it shows is right."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from hematon.portal.commands import portal
from hematon.portal.examples import EXAMPLES

SHOWN = sorted(name for name, command in portal.commands.items() if not command.hidden)


def test_every_command_has_examples_and_no_example_is_of_none() -> None:
    """A new command fails here until somebody writes how it is called."""
    assert sorted(EXAMPLES) == SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_help_shows_examples_that_can_be_copied(name: str) -> None:
    """One a line, each with options that the command has."""
    said = CliRunner().invoke(portal, [name, "--help"], terminal_width=200)
    assert said.exit_code == 0
    for line in EXAMPLES[name]:
        assert f" hematon portal {line}\n" in said.output
        words = shlex.split(line)
        words = words[words.index(name) + 1 :]
        command = portal.commands[name]
        context = click.Context(command, info_name=name)
        _, left, _ = command.make_parser(context).parse_args(words)
        assert left == [], f"{line}: {left} is left over"


def test_the_groups_help_names_one_of_each() -> None:
    """As lines, not as one paragraph."""
    said = CliRunner().invoke(portal, ["--help"], terminal_width=200).output
    for name in SHOWN:
        assert f" hematon portal {EXAMPLES[name][0]}\n" in said + "\n"
