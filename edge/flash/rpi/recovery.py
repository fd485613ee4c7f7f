"""Write the EEPROM of a Raspberry Pi in USB boot, by the recovery program of Raspberry Pi.

Its ROM starts that program in place of a second stage; it then asks for the image and for its hash,
and writes it. It can burn a key hash too, which nothing takes back.

Source: raspberrypi/usbboot, secure-boot-recovery/README.md, as facts.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from edge.errors import EdgeError, LinkError, UntrustedError
from edge.flash.protocols.rpiboot import Served
from edge.flash.rpi import eeprom, signature
from edge.flash.rpi.eeprom import Eeprom

IMAGE: Final = "pieeprom.bin"
IMAGE_SIGNATURE: Final = "pieeprom.sig"
CONFIG: Final = "config.txt"
UPDATE: Final = "EEPROM_UPDATE"
SUCCESS: Final = "success"
HASH: Final = "EEPROM_HASH"


@dataclass(frozen=True, slots=True)
class Burning:
    """What is burnt into the chip, for ever: it starts only what is signed with this key then.

    Attributes:
        key_hash: In hex.
    """

    key_hash: str


def files(image: Eeprom, time_s: int, *, burns: bool = False) -> dict[str, bytes | None]:
    """Return what the recovery program is given.

    Args:
        image: To be written.
        time_s: What its signature says it was made at.
        burns: Have the hash of the key in the image burnt.
    """
    lines = ["recovery_reboot=1", "recovery_metadata=1", *(["program_pubkey=1"] if burns else [])]
    return {
        IMAGE: image.data,
        IMAGE_SIGNATURE: signature.signed(image.data, time_s).text().encode(),
        CONFIG: "".join(f"{line}\n" for line in lines).encode(),
    }


def questions() -> dict[str, bytes | None]:
    """Return what the recovery program is given to tell of the board, and write nothing."""
    lines = "recovery_reboot=1\nrecovery_metadata=1\n"
    return {IMAGE: None, IMAGE_SIGNATURE: None, CONFIG: lines.encode()}


def holds(served: Served, image: Eeprom) -> bool | None:
    """Return whether the board says that its EEPROM is this image; None when it does not say."""
    said = served.metadata.get(HASH)
    return None if said is None else said.lower() == hashlib.sha256(image.data).hexdigest()


def require_written(served: Served) -> None:
    """Check that the image was taken, and written as far as the board says.

    Raises:
        LinkError: It did not ask for the image.
        EdgeError: It says that it did not write it.
    """
    if IMAGE not in served.files:
        asked = ", ".join((*served.files, *served.absent)) or "nothing"
        raise LinkError(
            f"the board did not ask for {IMAGE}, but for {asked}",
            hint="--boot-files has to name a folder with the recovery program as bootcode4.bin"
            " or bootcode5.bin: recovery or recovery5 of usbboot",
        )
    said = served.metadata.get(UPDATE)
    if said is not None and said != SUCCESS:
        raise EdgeError(f"the board did not write its EEPROM: {said}")


def burning(image: Eeprom, public: rsa.RSAPublicKey) -> Burning:
    """Check that an image starts once the hash of a key is burnt; return what would be.

    Raises:
        UntrustedError: Its settings are not signed with this key, or it holds another one.
    """
    found = image.files
    if found.get(eeprom.PUBLIC_KEY, b"") != signature.public_blob(public):
        raise UntrustedError(
            f"{eeprom.PUBLIC_KEY} in the EEPROM is another key: the board would never start again",
            hint="edge rpi eeprom set IMAGE --key KEY -o SIGNED puts it there",
        )
    text = found.get(eeprom.CONFIG_SIGNATURE, b"").decode("ascii", "replace")
    made = signature.parse(text, eeprom.CONFIG_SIGNATURE)
    config = found.get(eeprom.CONFIG, b"")
    signature.verify(config, made, public, what=eeprom.CONFIG)
    return Burning(signature.key_hash(public))
