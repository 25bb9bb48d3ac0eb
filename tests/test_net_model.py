"""A service under random clients and paths that lose frames: requests end once, each ns has its cause, nothing is left."""

import random
from collections.abc import Callable

import pytest
from tiny_service import DELAY, Asker, TinyService

from iosim.application import Step
from iosim.net_service import Service
from iosim.net_steps import AcceptStep, DisconnectStep, SendStep, TakeStep
from iosim.tcp import TcpParams
from iosim.variates import Variate


class Scattered(Variate):
    """Sizes that depend on the request alone."""

    def value(self, index: int) -> int:
        return (1, 300, 1460, 5000, 20_000)[index % 5]


class Clients:
    """What random clients do, and what is due to them."""

    def __init__(self, seed: int, *, hard: bool) -> None:
        chance = self.chance = random.Random(seed)
        rate = chance.choice((0.0, 0.02, 0.1))
        losses = {number for number in range(100_000) if chance.random() < rate}
        self.zero_byte = chance.random() < 0.3
        self.disconnects = chance.random() < 0.3
        self.tiny = TinyService(
            workers=chance.choice((1, 3)),
            processors=chance.choice((1, 2)),
            tcp=TcpParams(initial_window=chance.choice((1, 10)), data_tries=40, connect_tries=40),
            losses=losses,
            size=chance.choice((100, 4096)),
            posted=chance.choice((1, 3)),
            zero_byte=self.zero_byte,
            skip_on_success=chance.choice((False, True)),
            send_buffer=chance.choice((0, 1000, 65536)),
            no_delay=chance.choice((False, True)),
            accepts=16,  # else clients that connect and ask nothing hold all AcceptEx that wait for data
            first=chance.choice((0, 1000)),
            reuse=chance.choice((False, True)),
            backlog=1000,
        )
        self.tiny.handler(*self.steps())
        self.tiny.service.listen(80)
        self.hard = hard
        self.clients: list[Asker] = []
        self.asked = 0
        self.refused = 0

    def steps(self) -> list[Callable[[Service], Step]]:
        """A random handler."""
        chance, tiny = self.chance, self.tiny
        found: list[Callable[[Service], Step]] = [AcceptStep, *([TakeStep] if self.zero_byte else [])]
        found.append(lambda it: tiny.compute(chance.choice((100, DELAY))))
        if chance.random() < 0.3:
            found.append(lambda it: SendStep(it, Scattered(), False, False))
        if chance.random() < 0.9:
            found.append(lambda it: SendStep(it, Scattered(), False, True))
        if chance.random() < 0.3:
            found.append(lambda it: tiny.compute(100))
        if self.disconnects:
            found.append(DisconnectStep)
        return found

    def step(self) -> None:
        """One thing."""
        chance = self.chance
        act = chance.choice(("new", "ask", "ask", "ask", "wait", "wait", "close", "abort"))
        if act == "new" and len(self.clients) < 8:
            self.clients.append(self.tiny.connecting() if chance.random() < 0.7 else self.tiny.joined())
        elif act == "wait" or not self.clients:
            self.tiny.pass_time(chance.choice((1, DELAY, 10 * DELAY)))
        elif act == "ask":
            chance.choice(self.clients).ask(self.asked, chance.choice((1, 100, 3000)))
            self.asked += 1
        elif act == "close" and (self.hard or not self.disconnects):
            self.leave(self.clients.pop(chance.randrange(len(self.clients))), gently=True)
        elif act == "abort" and self.hard:
            self.leave(self.clients.pop(chance.randrange(len(self.clients))), gently=False)

    def leave(self, client: Asker, *, gently: bool) -> None:
        """A client that closes gently waits for its answers, unless it is a hard one."""
        if not gently:
            client.abort()
            return
        for _ in range(10_000):
            if self.hard or not any(request in self.tiny.open for request in client.pending):
                break
            self.tiny.pass_time(1000 * DELAY)
        client.connection.finish()

    def finish(self) -> None:
        """Everybody leaves, and all that has begun comes to its end."""
        for client in self.clients:
            self.leave(client, gently=True)
        for client in self.clients:
            client.connection.finish()
        self.tiny.run()


def run(seed: int, *, hard: bool) -> Clients:
    clients = Clients(seed, hard=hard)
    for _ in range(60):
        clients.step()
    clients.finish()
    return clients


@pytest.mark.parametrize("seed", range(30))
def test_every_request_of_clients_that_wait_is_answered(seed: int) -> None:
    clients = run(seed, hard=False)
    tiny = clients.tiny
    assert tiny.open == {}
    assert tiny.leaks() == dict.fromkeys(tiny.leaks(), 0)
    if not clients.disconnects:
        assert len(tiny.served()) == clients.asked


@pytest.mark.parametrize("seed", range(60))
def test_every_request_of_clients_that_leave_ends_once(seed: int) -> None:
    """A reset that is lost, which nobody repeats, leaves a client waiting for ever."""
    clients = run(seed, hard=True)
    tiny = clients.tiny
    open = len(tiny.open) if tiny.out.losses else 0
    assert len(tiny.open) == open
    assert len(tiny.ended) + open == clients.asked
    assert {**tiny.leaks(), "requests": open} == {**dict.fromkeys(tiny.leaks(), 0), "requests": open}
