"""The same study on real Dask: a scheduler and workers on the loopback interface, one of them killed in the middle."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tiny_server import TEXT

import iosim
from iosim import studies
from iosim.cluster import Cluster
from iosim.errors import WrongInput
from iosim.study_store import StudyStore

pytest.importorskip("distributed", reason="needs Dask: the extra iosim[cluster]")

ROOT = Path(iosim.__file__).parent.parent
LONGER = TEXT.replace("rate: 1000/s", "rate: 20000/s").replace("duration: 10 ms", "duration: 100 ms, warm_up: 10 ms")
VARY = {"pools.workers.threads": [*range(1, 13)]}


@contextmanager
def started(*arguments: str, at: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's that ends with the test, whatever happens."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DAEMON": "True"}
    with open(at / f"{arguments[0]}-{time.monotonic_ns()}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments], cwd=at, env=variables, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


def worker(address: str, at: Path) -> Any:
    """Without a nanny: who is killed stays dead."""
    options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
    return started("worker", address, *options, at=at)


@contextmanager
def cluster(at: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    address = f"tcp://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        options = ("--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1], "--no-dashboard")
        stack.enter_context(started("scheduler", *options, at=at))
        answers(address)
        yield address, [stack.enter_context(worker(address, at)) for _ in range(workers)]


def answers(address: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the scheduler did not start")


def text_of(study: Any) -> str:
    return json.dumps(study.document(), sort_keys=True)


def test_a_worker_killed_in_the_middle_changes_no_byte_of_the_study(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(LONGER)
    scenario = studies.with_study(iosim.load(tmp_path / "s.yaml"), VARY)
    with cluster(tmp_path, 2) as (address, workers), StudyStore() as store:

        def kill_one(done: int, total: int, what: str) -> None:
            if done == 3:
                workers[0].send_signal(signal.SIGKILL)

        with Cluster(address) as executor:
            executor.client.wait_for_workers(2, timeout=30)
            found = studies.study(scenario, store, executor=executor, progress=kill_one)
            assert workers[0].wait(10) == -signal.SIGKILL
            assert len(executor.client.nthreads()) == 1
    assert (len(found.rows), found.failed) == (12, [])
    assert text_of(found) == text_of(iosim.sweep(iosim.load(tmp_path / "s.yaml"), VARY, jobs=1))


def test_a_scheduler_that_does_not_answer_is_told_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(WrongInput, match=r"--cluster tcp://127\.0\.0\.1:\d+: no Dask scheduler answers there") as found:
        Cluster(f"tcp://127.0.0.1:{free_port()}")
    assert found.value.exit_status == 2
    with pytest.raises(WrongInput, match="no Dask scheduler answers there"):
        iosim.sweep(iosim.load("head-of-line"), {"run.seed": [1]}, cluster=f"tcp://127.0.0.1:{free_port()}")
    assert time.monotonic() - began < 5


def test_something_else_that_answers_is_told_within_a_bounded_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iosim.cluster.REACHED", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(WrongInput, match="no Dask scheduler answers there"):
            Cluster(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - began < 10


def test_a_scheduler_without_workers_is_told_and_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iosim.cluster.MANNED", 0.2)
    with (
        cluster(tmp_path, 0) as (address, _),
        pytest.raises(WrongInput, match=f"it has no workers; start one with 'dask worker {address}'"),
    ):
        Cluster(address)


@pytest.mark.parametrize("address", ["here", "tcp://", "http://127.0.0.1:8786", "tcp://127.0.0.1:many"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(WrongInput, match=r"write tcp://HOST:PORT"):
        Cluster(address)


def test_a_scheduler_that_goes_away_ends_the_study_with_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(LONGER)
    scenario = studies.with_study(iosim.load(tmp_path / "s.yaml"), VARY)
    with StudyStore() as store, ExitStack() as stack:
        running = ExitStack()
        stack.enter_context(running)
        address, _ = running.enter_context(cluster(tmp_path, 1))

        def stop(done: int, total: int, what: str) -> None:
            if done == 2:
                running.close()

        executor = stack.enter_context(Cluster(address))
        with pytest.raises(WrongInput, match="the scheduler is gone; what has ended is kept"):
            studies.study(scenario, store, executor=executor, progress=stop)
        assert 2 <= len(store.held) < 12
