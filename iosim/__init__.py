"""iosim: a discrete-event simulator and teaching model of the Windows NT I/O manager and its completion ports.

    import iosim
    result = iosim.run(iosim.load("thread-thrashing", set={"ports.main.concurrency": 4}), seed=7, study=False)
    result.summary["throughput_per_s"]

Importing the package loads neither numpy nor simpy nor matplotlib: names are fetched when they are first used.
"""

from importlib import import_module
from typing import Any

from iosim import compiled
from iosim.version import VERSION as __version__

compiled.install()  # before anything is imported that may be compiled

_HOMES = {
    "load": "iosim.scenario.loader",
    "run": "iosim.experiment",
    "sweep": "iosim.studies",
    "compare": "iosim.comparison",
    "plan": "iosim.planning",
    "Scenario": "iosim.scenario.loader",
    "Result": "iosim.results",
    "Driver": "iosim.device_stack",
    "Drive": "iosim.drives.drive",
    "IosimError": "iosim.errors",
    "WrongInput": "iosim.errors",
    "LawBroken": "iosim.errors",
}

__all__ = [
    "Drive",
    "Driver",
    "IosimError",
    "LawBroken",
    "Result",
    "Scenario",
    "WrongInput",
    "__version__",
    "compare",
    "load",
    "plan",
    "run",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'iosim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
