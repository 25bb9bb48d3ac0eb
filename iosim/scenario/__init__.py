"""Scenario files: the schema, YAML with positions, overrides, and every mistake at once."""

from iosim.scenario.loader import Scenario, load

__all__ = ["Scenario", "load"]
