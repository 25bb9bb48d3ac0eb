"""What goes wrong with disks and network cards, and when."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Tag, model_validator

from iosim.scenario.quantities import Flag, PositiveSize, PositiveTime, Ratio, Size, Time
from iosim.scenario.reading import Json, Section, by_tag, key, mistake_at


class Striking(Section):
    """A fault that strikes commands, by chance or by their address."""

    disk: str = key(..., "name of the disk")
    rate: Ratio | None = key(None, "share of the commands that it strikes, drawn for each; or give 'offset' and 'size'")
    offset: Size | None = key(None, "where on the disk it begins to strike every command")
    size: PositiveSize | None = key(None, "bytes from there")
    commands: Literal["reads", "writes", "both"] = key(
        "both", "which commands it strikes", source="a choice", sure="assumed"
    )

    @model_validator(mode="after")
    def _by_chance_or_address(self) -> "Striking":
        by_address = self.offset is not None and self.size is not None
        partly = (self.offset is None) != (self.size is None)
        if partly or by_address == (self.rate is not None):
            raise mistake_at((), "strikes either by chance ('rate') or at an address ('offset' and 'size')")
        return self


class MediaError(Striking):
    """The drive can't read or write: STATUS_DEVICE_DATA_ERROR."""

    kind: Literal["media_error"] = key(..., "a sector that can't be read or written")
    healed_by_rewrite: Flag = key(
        False,
        "bytes at the address that are written are good again (the drive has spare sectors); needs 'commands: reads'",
        source="a choice",
        sure="assumed",
    )

    @model_validator(mode="after")
    def _can_heal(self) -> "MediaError":
        if self.healed_by_rewrite and (self.rate is not None or self.commands != "reads"):
            raise mistake_at(
                ("healed_by_rewrite",), "only an address whose reads fail ('commands: reads') can be healed"
            )
        return self


class NoAnswer(Striking):
    """The drive never ends a command: the disk is reset when its time is up."""

    kind: Literal["no_answer"] = key(..., "commands that are never answered")


class Removal(Section):
    """The disk is pulled out."""

    kind: Literal["removal"] = key(..., "the disk is pulled out")
    disk: str = key(..., "name of the disk")
    at: Time = key(..., "when, from the start of the run (warm-up included)")


class CardFault(Section):
    """Of a network card."""

    nic: str = key(..., "name of the network card")
    at: Time = key(..., "when, from the start of the run (warm-up included)")


class LinkDown(CardFault):
    """The cable is pulled, and plugged in again: what is on its way, and what is sent meanwhile, is lost."""

    kind: Literal["link_down"] = key(..., "the cable is pulled")
    duration: PositiveTime | None = key(None, "how long until it is plugged in again; left out, for ever", alias="for")


class NicReset(CardFault):
    """The card is started anew: what lies in its receive rings is lost, too."""

    kind: Literal["nic_reset"] = key(..., "the card is started anew")
    duration: PositiveTime = key(
        "100 ms", "how long its link is down", source="a choice: negotiation takes longer", sure="assumed", alias="for"
    )


_KINDS = ("media_error", "no_answer", "removal", "link_down", "nic_reset")


def _fault_tag(value: Json) -> str | None:
    kind = value.get("kind")
    return f":{kind}" if kind in _KINDS else None


DiskFault: TypeAlias = MediaError | NoAnswer | Removal
Fault: TypeAlias = Annotated[
    Annotated[MediaError, Tag(":media_error")]
    | Annotated[NoAnswer, Tag(":no_answer")]
    | Annotated[Removal, Tag(":removal")]
    | Annotated[LinkDown, Tag(":link_down")]
    | Annotated[NicReset, Tag(":nic_reset")],
    by_tag(_fault_tag, f"a fault needs 'kind': one of {', '.join(_KINDS)}"),
]
