"""Whether a user's driver can be called as ours are: looked at when its device is made, so that no call has to.

A method that overrides one of ours must take the same arguments, in the same order.
"""

import inspect

from iosim.errors import DriverMistake


def check_methods(driver: object) -> None:
    """Raise DriverMistake for the first method of the driver that the I/O manager could not call."""
    for base in type(driver).__mro__:
        if base.__module__.partition(".")[0] != "iosim":
            continue
        for name, ours in vars(base).items():
            if not name.startswith("_") and inspect.isroutine(ours) and getattr(type(driver), name) is not ours:
                _check(driver, name, [*inspect.signature(ours).parameters][1:])


def _check(driver: object, name: str, arguments: list[str]) -> None:
    try:
        inspect.signature(getattr(driver, name)).bind(*arguments)
    except TypeError as error:
        raise DriverMistake(driver, name, f"is called with ({', '.join(arguments)}): {error}") from None
