"""`iosim schema`: the JSON schema of scenario files, for editors."""

import json

import click

from iosim.cli.talk import data


@click.command("schema", short_help="Print the JSON schema of scenario files.")
def command() -> None:
    """Print the JSON schema of scenario files (for editors: completion, descriptions, checks)."""
    from iosim.scenario.schema import ScenarioModel

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScenarioModel.model_json_schema()}
    schema["title"] = "iosim scenario"
    schema["required"] = ["version"]  # whatever else is needed may come from the scenario that is extended
    data(json.dumps(schema, indent=2, sort_keys=True))
