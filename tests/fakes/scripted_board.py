"""A board whose U-Boot we talk to, as a port on a clock of the test: nothing waits for real."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.uboot_shell import Shell
from tests.fakes.ymodem_receiver import Receiver

BANNER = b"\r\n\r\nU-Boot 2025.01-3 (Jun 24 2026 - 09:07:15 +0000)\r\n\r\nDRAM:  512 MiB\r\n"


@dataclass
class Faults:
    """What goes wrong.

    Attributes:
        autoboot: False: the system starts without asking.
        mute: Nothing is ever said.
        babbles: Text without end, and no prompt.
        right_baud: At another rate, what is said is no text.
        stall_at: The board hangs at the first command that begins so.
    """

    autoboot: bool = True
    mute: bool = False
    babbles: bool = False
    right_baud: int | None = None
    stall_at: str | None = None


@dataclass
class ScriptedBoard:
    """U-Boot on a board with one disk and 32 MiB of memory for us.

    Attributes:
        disk: Its content.
        commands: What was typed, each once.
        files: What its network gives; None: it has no network.
        at_prompt: False: it is off, and `power` switches it on.
    """

    disk: bytearray
    prompt: bytes = b"=> "
    at_prompt: bool = True
    faults: Faults = field(default_factory=Faults)
    files: Callable[[str], bytes | None] | None = None
    baud: int = 115200
    stop: bytes = b"\x03"

    def __post_init__(self) -> None:
        self.now_s = 0.0
        self.commands: list[str] = []
        self.bauds: list[int] = []
        self.said = bytearray()
        self.shell = Shell(self.disk, self.files)
        self._typed = bytearray()
        self._waiting = bytearray()
        self._events: list[tuple[float, Callable[[], None]]] = []
        self._receiver: Receiver | None = None
        self._after: list[str] = []
        self._address = 0
        self._state = "prompt" if self.at_prompt else "off"
        self._switch: tuple[int, bytes] | None = None
        self.closed = False

    # --- the port

    def write(self, data: bytes) -> None:
        """Take what is typed or sent."""
        if self.faults.right_baud not in (None, self.baud):
            return
        if self._receiver is not None and not self._switch:
            self._say(self._receiver.take(data, self.now_s))
            self._after_transfer()
            return
        for byte in data:
            self._key(byte)

    def read(self, timeout_s: float) -> bytes:
        """Return what was said; else let the time pass."""
        if not self.said:
            self._pass(timeout_s)
        data = bytes(self.said)
        self.said.clear()
        if data and self.faults.right_baud not in (None, self.baud):
            return bytes((byte * 73 + 128) & 0xFF | 0x80 for byte in data)
        return data

    def set_baud(self, baud: int) -> None:
        """Change the rate of the host."""
        self.baud = baud
        self.bauds.append(baud)

    def fileno(self) -> int:
        """Have no descriptor."""
        raise OSError

    def close(self) -> None:
        """Let the host go."""
        self.closed = True

    def clock_s(self) -> float:
        """Return the time of the test."""
        return self.now_s

    @property
    def is_at_prompt(self) -> bool:
        """Whether it waits for a command, with nothing typed."""
        return self._state == "prompt" and self._receiver is None and not self._typed

    # --- the board

    def power(self) -> None:
        """Switch it off and on."""
        self._receiver = None
        self._switch = None
        self._typed.clear()
        self._state = "starting"
        self._say(BANNER)
        if self.faults.autoboot:
            self._at(0.5, self._ask)
        else:
            self._at(0.5, self._start_system)

    def power_later(self, after_s: float) -> None:
        """Let somebody switch it off and on in a while."""
        self._at(after_s, self.power)

    def _ask(self) -> None:
        self._state = "autoboot"
        self._typed.clear()
        self._say(b"Hit any key to stop autoboot:  2 ")
        self._at(2.0, lambda: self._start_system() if self._state == "autoboot" else None)

    def _start_system(self) -> None:
        self._state = "system"
        self._say(b"\r\nStarting kernel ...\r\n\r\n[    0.000000] Booting Linux on CPU 0x0\r\n")

    def _at(self, after_s: float, what: Callable[[], None]) -> None:
        self._events.append((self.now_s + after_s, what))
        self._events.sort(key=lambda event: event[0])

    def _pass(self, time_s: float) -> None:
        """Let time pass until something is said, `time_s` at most."""
        end_s = self.now_s + time_s
        while not self.said and self.now_s < end_s:
            next_s = min([end_s, self.now_s + 0.1, *(at_s for at_s, _what in self._events[:1])])
            self.now_s = max(next_s, self.now_s)
            while self._events and self._events[0][0] <= self.now_s:
                self._events.pop(0)[1]()
            if self.faults.babbles:
                self._say(b"usb 1-1: reset high-speed USB device\r\n")
            if self._receiver is not None and not self._switch:
                self._say(self._receiver.tick(self.now_s))
                self._after_transfer()

    def _say(self, data: bytes) -> None:
        if not self.faults.mute:
            self.said += data

    def _key(self, byte: int) -> None:
        if self._switch is not None:
            self._answer_switch(byte)
        elif self._state == "autoboot":
            self._typed.append(byte)
            if self._typed.endswith(self.stop):
                self._typed.clear()
                self._state = "prompt"
                self._say(b"\x08\x08\x08 0 \r\n" + self.prompt)
        elif self._state != "prompt" or self.faults.babbles:
            return
        elif byte == 0x03:
            self._typed.clear()
            self._say(b"<INTERRUPT>\r\n" + self.prompt)
        elif byte == 0x0D:
            line = self._typed.decode()
            self._typed.clear()
            self._say(b"\r\n")
            self.commands.append(line)
            self._run(re.split(r"; ", line))
        elif byte >= 0x20:
            self._typed.append(byte)
            self._say(bytes([byte]))

    def _run(self, parts: list[str], status: int = 0) -> None:
        while parts:
            part = parts.pop(0)
            if self.faults.stall_at and part.startswith(self.faults.stall_at):
                self._state = "hung"
                return
            if part.startswith("loady"):
                self._after = parts
                self._load(part.split())
                return
            for word in part.split(" && "):
                if status := self._obey(word, status):
                    break
        self._say(self.prompt)

    def _obey(self, text: str, before: int) -> int:
        if text.startswith("echo "):
            self._print(text[5:].replace("$?", str(before)))
            return 0
        if text == "reset":
            self.power()
            return 0
        status, said = self.shell.run(text)
        if said:
            self._print(said)
        return status

    def _print(self, text: str) -> None:
        self._say(text.rstrip("\n").replace("\n", "\r\n").encode() + b"\r\n")

    # --- transfers

    def _load(self, words: list[str]) -> None:
        self._address = int(words[1], 16)
        self._receiver = Receiver()
        if len(words) > 2:
            self._ask_for_rate(int(words[2]), b"\r", "ENTER")
        else:
            self._begin()

    def _ask_for_rate(self, baud: int, key: bytes, name: str) -> None:
        self._print(f"## Switch baudrate to {baud} bps and press {name} ...")
        self._switch = (baud, key)

    def _answer_switch(self, byte: int) -> None:
        assert self._switch is not None
        baud, key = self._switch
        if self.baud == baud and byte == key[0]:
            self._switch = None
            if self._receiver is not None and not self._receiver.done:
                self._begin()
            else:
                self._end()

    def _begin(self) -> None:
        self._print(f"## Ready for binary (ymodem) download to {self._address:#X} at 115200 bps...")
        if self._receiver is not None:
            self._say(self._receiver.tick(self.now_s))

    def _after_transfer(self) -> None:
        receiver = self._receiver
        if receiver is None or not receiver.done:
            return
        if not receiver.cancelled:
            self.shell.store(self._address, receiver.data)
            self._print(f"## Total Size      = {len(receiver.data):#010x}")
        if self.baud != 115200:
            self._ask_for_rate(115200, b"\x1b", "ESC")
        else:
            self._end()

    def _end(self) -> None:
        cancelled = self._receiver is not None and self._receiver.cancelled
        self._receiver = None
        self._run(self._after, int(cancelled))
