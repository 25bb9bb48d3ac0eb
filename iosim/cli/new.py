"""`iosim new`: a commented scenario to start from."""

from pathlib import Path

import click

from iosim.cli.talk import talk
from iosim.errors import Mistake, WrongInput

STARTER = """\
# yaml-language-server: $schema=iosim.schema.json
# (for an editor's help with the keys: iosim schema > iosim.schema.json)
#
# Try:  iosim check ./{name}.yaml
#       iosim run ./{name}.yaml
#       iosim run ./{name}.yaml --set ports.main.concurrency=1
#       iosim explain ./{name}.yaml      (every value, and where it comes from)
version: 1
scenario: {name}
description: A small server on one completion port; change one thing at a time and see what moves.

machine:
  cores_per_node: 4               # one NUMA node of four cores
  dispatcher: {{quantum: server}}   # or client, or a time

disks:
  disk0: {{preset: nvme-datacentre-flash}}
volumes:
  data: {{disk: disk0}}
files:
  content: {{volume: data, size: 64 GiB}}

ports:
  main: {{concurrency: 0}}          # 0: as many running threads as processors
pools:
  workers: {{port: main, threads: 2/processor}}

handlers:
  request:                        # what a worker does with one request
    - compute: {{time: 15 us, touching: 64 KiB}}
    - read: {{file: content, size: 16 KiB, offset: random}}
    - compute: {{exponential: 10 us}}

workload:
  web: {{kind: open, port: main, handler: request, rate: 20000/s}}

run: {{duration: 500 ms, seed: 1, replications: 10}}
expect:
  - latency_ns.p99 < 5 ms
"""


@click.command("new", short_help="Write a scenario to start from.")
@click.argument("name")
def command(name: str) -> None:
    """Write a commented scenario NAME.yaml to start from."""
    path = Path(name if name.endswith(".yaml") else f"{name}.yaml")
    stem = path.stem
    if not (stem[:1].isalpha() and stem.isascii() and stem.replace("-", "").replace("_", "").isalnum()):
        raise _refused(name, "a scenario's name has letters, digits, '-' and '_', and begins with a letter")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER.format(name=stem))
    except FileExistsError:
        raise _refused(str(path), "exists already; nothing was written") from None
    except OSError as error:
        raise _refused(str(path), f"cannot be written: {error.strerror or error}") from None
    talk(f"wrote {path}; next: iosim check {path if path.parent != Path() else f'./{path}'}")


def _refused(source: str, message: str) -> WrongInput:
    return WrongInput([Mistake(source, 0, 0, "", message)])
