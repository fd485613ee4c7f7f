"""How a board is flashed, other than by a card: the part `flash` of its profile."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from edge.strict.formats import matching
from edge.strict.model import StrictModel, wrong

MOST_ADDRESS: Final = (1 << 40) - 1
DeviceType = Literal["virtio", "mmc", "usb", "nvme", "scsi"]


class SerialFlash(StrictModel):
    """How the board is flashed through the console of its U-Boot.

    `load_mib` from `load_addr` on is memory that nothing else uses meanwhile. `stop` is what keeps
    U-Boot from starting the system, Ctrl-C unless it wants something else. The disk is that of
    `boot.script` unless it is named.
    """

    load_addr: Annotated[int, Field(ge=0, le=MOST_ADDRESS)]
    load_mib: int = Field(default=32, ge=4, le=1024)
    devtype: DeviceType | None = None
    devnum: int | None = Field(default=None, ge=0, le=15)
    baud: int = Field(default=115200, ge=1200, le=4_000_000)
    prompt: Annotated[str, Field(min_length=2, max_length=40)] = "=> "
    stop: Annotated[str, Field(min_length=1, max_length=40)] = "\x03"


class RpibootFlash(StrictModel):
    """A Raspberry Pi whose boot ROM takes a second stage by USB, and which becomes a disk then."""

    chip: Literal["2835", "2710", "2711", "2712"]


class FastbootReadBack(StrictModel):
    """How a U-Boot that runs commands (`oem run`) reads its disk back, to be compared.

    1 MiB and 8 bytes of memory from `load_addr` on is what nothing else uses meanwhile.
    """

    devtype: DeviceType
    devnum: int = Field(ge=0, le=15)
    load_addr: Annotated[int, Field(ge=0, le=MOST_ADDRESS)]


class FastbootFlash(StrictModel):
    """A boot loader with fastboot: what it calls its whole disk, and itself (`product`)."""

    disk: Annotated[str, matching(r"[!-9;-~]{1,40}", "a name of fastboot", "no colon, no space")]
    product: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    read_back: FastbootReadBack | None = None


class DfuFlash(StrictModel):
    """A boot loader with DFU: the name of the place that is its whole disk."""

    place: Annotated[str, Field(min_length=1, max_length=60)]


class SdpFlash(StrictModel):
    """An i.MX whose boot ROM takes a boot loader by USB, which then speaks fastboot."""

    chip: Annotated[str, matching(r"i\.MX[0-9A-Z]+", "a chip of i.MX", "like i.MX6ULL")]


class Flash(StrictModel):
    """How the board is flashed, other than by a card."""

    serial: SerialFlash | None = None
    rpiboot: RpibootFlash | None = None
    fastboot: FastbootFlash | None = None
    dfu: DfuFlash | None = None
    sdp: SdpFlash | None = None

    @model_validator(mode="after")
    def _sdp_by_fastboot(self) -> "Flash":
        if self.sdp is not None and self.fastboot is None:
            raise wrong("flash.sdp needs flash.fastboot: what its boot loader speaks")
        return self
