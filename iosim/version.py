"""The version of the package and of the model: results are the same bytes only within one version."""

VERSION = "0.1.0"
