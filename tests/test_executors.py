"""Worker processes: what goes wrong with one item stays that item's, and a killed process costs one retry."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from iosim.errors import BugCheck, DriverMistake, IosimError, LawBroken, Mistake, WorkerDied, WrongInput
from iosim.executors import Executor, Failure, Outcome, Processes, Serial, apart, local


def double(item: int) -> int:
    return 2 * item


def refuse(item: int) -> int:
    if item == 1:
        raise LawBroken("time was lost")
    return item


def die(how: tuple[Path, int]) -> int:
    """Killed by the first item, as often as its file still allows."""
    place, item = how
    deaths = place / f"deaths-{item}"
    if deaths.exists() and (left := int(deaths.read_text())):
        deaths.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return item


class Unsendable(Exception):
    """What no other process can make."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raise_unsendable(item: int) -> int:
    raise Unsendable(item, item)


@pytest.fixture(params=[Serial(), Processes(2)], ids=["serial", "processes"])
def executor(request: pytest.FixtureRequest) -> Executor:
    it: Executor = request.param
    return it


def by_place(outcomes: Any) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: outcome.place)


def test_every_item_comes_home_with_its_place(executor: Executor) -> None:
    assert [it.get() for it in by_place(executor.outcomes(double, range(9)))] == [*range(0, 18, 2)]


def test_what_one_item_raises_is_its_outcome_and_stops_no_other(executor: Executor) -> None:
    found = by_place(executor.outcomes(refuse, range(4)))
    assert [it.value for it in found] == [0, None, 2, 3]
    with pytest.raises(LawBroken, match="time was lost"):
        found[1].get()
    assert found[1].failure is not None
    assert "in refuse" in found[1].failure.trace


def test_an_error_that_can_not_travel_comes_as_its_text(executor: Executor) -> None:
    """As another kind; but once Dask was imported, whose helpers make every error travel."""
    (found,) = executor.outcomes(raise_unsendable, [3])
    assert found.failure is not None
    assert found.failure.text.removeprefix("RuntimeError: ") == "Unsendable: 3 and 3"


@pytest.mark.parametrize(
    "error",
    [
        WrongInput([Mistake("a.yaml", 1, 2, "b", "c")]),
        BugCheck("IRQL", 3, "d"),
        DriverMistake(object(), "read", "e"),
        LawBroken("f"),
    ],
)
def test_our_own_errors_travel_as_they_are(error: IosimError) -> None:
    import pickle

    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__)


def test_a_killed_worker_costs_one_retry_of_what_it_may_have_held(tmp_path: Path) -> None:
    (tmp_path / "deaths-2").write_text("1")
    found = by_place(Processes(2).outcomes(die, [(tmp_path, item) for item in range(8)]))
    assert [it.value for it in found] == [*range(8)]
    assert (tmp_path / "deaths-2").read_text() == "0"


def test_an_item_that_kills_its_worker_twice_has_failed_and_the_others_have_not(tmp_path: Path) -> None:
    (tmp_path / "deaths-2").write_text("9")
    found = by_place(Processes(2).outcomes(die, [(tmp_path, item) for item in range(8)]))
    assert [it.value for it in found] == [0, 1, None, 3, 4, 5, 6, 7]
    assert isinstance(found[2].failure, Failure)
    assert isinstance(found[2].failure.error, WorkerDied)
    assert (tmp_path / "deaths-2").read_text() == "7"


KILLED = """
import os, signal, time
from iosim.executors import Processes

if __name__ == "__main__":
    executor = Processes(2)
    for outcome in executor.outcomes(time.sleep, [0, 90, 90]):
        print(*executor._pool()._processes, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process can't be killed like that here")
def test_workers_leave_when_whoever_started_them_is_killed(tmp_path: Path) -> None:
    """At once, not after the 90 s of their work. They hold the pipe, too: it ends when the last of them has gone."""
    (tmp_path / "killed.py").write_text(KILLED)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "killed.py")], stdout=subprocess.PIPE, check=False, timeout=60
    )
    assert (done.returncode, len(done.stdout.split())) == (-signal.SIGKILL, 2)


def block(item: int) -> int:
    """For ever."""
    while True:
        threading.Event().wait()


def test_what_has_not_ended_in_time_is_ended() -> None:
    """However long it would go on: its process is killed. The executor serves the next list all the same."""
    executor = Processes(2)
    assert [it.get() for it in by_place(executor.outcomes(double, range(2), time.monotonic() + 60))] == [0, 2]
    with pytest.raises(TimeoutError):
        list(executor.outcomes(block, [0, 1, 2, 3], time.monotonic() + 1))
    assert [it.get() for it in by_place(executor.outcomes(double, range(2)))] == [0, 2]


def test_nothing_comes_of_a_time_that_is_over() -> None:
    with pytest.raises(TimeoutError):
        list(Processes(1).outcomes(block, [1], time.monotonic()))


def test_one_job_apart_is_a_process_too() -> None:
    assert (apart(1).workers, apart(3).workers) == (1, 3)


def test_no_more_processes_than_items_and_none_for_one() -> None:
    assert isinstance(local(1, 100), Serial)
    assert isinstance(local(None, 1), Serial)
    assert local(3, 2).workers == 2


def test_whoever_stops_early_leaves_no_process_at_work(executor: Executor) -> None:
    outcomes = executor.outcomes(double, range(9))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert len(list(executor.outcomes(double, range(3)))) == 3


def test_a_users_own_use_of_joblib_in_the_same_process_goes_on() -> None:
    """As in a notebook: iosim's processes first, then joblib's."""
    import joblib

    assert [it.get() for it in by_place(local(2, 4).outcomes(double, range(2)))] == [0, 2]
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(value) for value in (-3, -4)) == [3, 4]
