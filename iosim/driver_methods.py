"""Whether a user's driver or drive can be called as ours are: looked at when its device is made, so that no call has to.

It is a subclass of ours, and a method that overrides one of ours must take the same arguments, in the same order.
"""

import inspect

from iosim.errors import DriverMistake


def check_part(part: object, base: type) -> None:
    """Raise DriverMistake unless the part is a `base` whose methods can all be called as those of `base`."""
    if not isinstance(part, base):
        raise DriverMistake(part, "__bases__", f"it has to be a subclass of iosim.{base.__name__}")
    check_methods(part)


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
