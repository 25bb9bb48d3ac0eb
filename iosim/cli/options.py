"""Options and small habits that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from iosim.clock import NAMES

if TYPE_CHECKING:
    from iosim.scenario import Scenario

F = TypeVar("F", bound=Callable[..., Any])


def with_set(command: F) -> F:
    """`--set PATH=VALUE`, as often as needed."""
    return click.option(
        "--set",
        "changes",
        metavar="PATH=VALUE",
        multiple=True,
        help="Change one value, by the file's own rules; may be repeated.",
    )(command)


def with_run(command: F) -> F:
    """`--seed`, `--replications`, `--jobs`, `--clock`: how often and how it is run."""
    options = (
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            metavar="N",
            help="Start of all random streams, instead of the scenario's.",
        ),
        click.option(
            "--replications",
            type=click.IntRange(min=1),
            metavar="N",
            help="Independent runs, instead of the scenario's.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="Worker processes; the results are the same bytes.",
        ),
        click.option(
            "--clock",
            type=click.Choice(NAMES),
            help="The event engine [the fastest]; the results are the same bytes.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def with_format(*formats: str) -> Callable[[F], F]:
    """`--format`, the first being the default."""
    return click.option("--format", "form", type=click.Choice(formats), default=formats[0], show_default=True)


def with_quiet(command: F) -> F:
    """`--quiet`."""
    return click.option("--quiet", is_flag=True, help="No talk on stderr, only the results.")(command)


def with_results(command: F) -> F:
    """All that verbs which simulate take alike: what is changed, how it is run, where results go and in which form."""
    out = click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results go [iosim-out/SCENARIO]."
    )
    return with_set(with_run(out(with_format("table", "json", "csv")(with_quiet(command)))))


def load_scenario(name: str, changes: tuple[str, ...]) -> "Scenario":
    """The scenario with its overrides; raises WrongInput."""
    from iosim.errors import Mistake, WrongInput
    from iosim.scenario import load
    from iosim.scenario.overrides import parse_assignment

    pairs: list[tuple[str, object]] = []
    mistakes: list[Mistake] = []
    for change in changes:
        try:
            pairs.append(parse_assignment(change))
        except WrongInput as error:
            mistakes += error.mistakes
    try:
        scenario = load(name, set=pairs)
    except WrongInput as error:
        raise WrongInput([*mistakes, *error.mistakes]) from None
    if mistakes:
        raise WrongInput(mistakes)
    return scenario
