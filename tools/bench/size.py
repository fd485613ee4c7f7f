"""What the download of a disk image costs, part by part, compressed with zstd -19 --long=27.

    tools/bench/size.py BUILD

BUILD is a build of examples/minimal.yml for rpi4. The whole disk image is what a person
downloads; each part is also compressed alone, so the parts add up to a little more.
"""

import argparse
import io
import tempfile
from pathlib import Path

from edge import process, toolbox
from edge.image import gpt, manifest
from edge.image.plan import DiskPlan

TARGET_BYTES = 35_000_000  # LinuxKit's headline of 2017, which has no update agent
MB = 1_000_000


def compressed_bytes(path: Path) -> int:
    """Return the length of a file after zstd -19."""
    words = [*toolbox.tool("zstd"), "-19", "--long=27", "-T1", "-q", "-c", str(path)]
    return len(process.run(words).stdout)


def cut_out(disk: Path, layout: DiskPlan, name: str, output: Path) -> Path:
    """Copy one partition, holes left out at the end."""
    part = layout.partition(name)
    with disk.open("rb") as stream:
        stream.seek(part.offset_bytes)
        output.write_bytes(stream.read(part.size_bytes))
    return output


def services(build: Path, folder: Path) -> list[tuple[str, int, int]]:
    """Return each container's share of the root: raw and compressed, shared files counted once."""
    image = build / "slot" / "rootfs.img"
    process.run([*toolbox.tool("fsck.erofs"), f"--extract={folder}", "--force", image])
    seen: set[int] = set()
    rows = []
    base = folder / "containers" / "services"
    shares = [("init, runtime, modules", folder)] + [
        (path.name, path) for path in sorted(base.iterdir(), key=lambda path: path.name != "time")
    ]
    for name, place in shares:
        data = io.BytesIO()
        for file in sorted(place.rglob("*")):
            if name.startswith("init") and base in file.parents:
                continue
            if file.is_file() and not file.is_symlink() and file.stat().st_ino not in seen:
                seen.add(file.stat().st_ino)
                data.write(file.read_bytes())
        whole = folder.parent / "share"
        whole.write_bytes(data.getvalue())
        rows.append((name, len(data.getvalue()), compressed_bytes(whole)))
    return rows


def row(name: str, raw_bytes: int, packed_bytes: int) -> str:
    """Return one line of the table."""
    return f"{name:32}{raw_bytes / MB:>10.2f}{packed_bytes / MB:>12.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("build", type=Path)
    build = parser.parse_args().build
    facts = manifest.read(build)
    disk = build / "disk.img"
    with disk.open("rb") as stream:
        layout = gpt.read(stream, disk_bytes=disk.stat().st_size)
    whole_bytes = compressed_bytes(disk)
    print(f"{facts['system']} for {facts['board']}, MB (1,000,000 bytes)")
    print(f"{'part':32}{'raw':>10}{'zstd -19':>12}")
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        scratch = Path(name)
        firmware = cut_out(disk, layout, "firmware", scratch / "firmware")
        used = len(firmware.read_bytes().rstrip(b"\0"))
        print(row("firmware and boot loader", used, compressed_bytes(firmware)))
        for file in ("Image", "initrd.img"):
            path = build / "slot" / file
            print(row(f"slot: {file}", path.stat().st_size, compressed_bytes(path)))
        for service, raw_bytes, packed_bytes in services(build, scratch / "root"):
            print(row(f"root: {service}", raw_bytes, packed_bytes))
    verity = facts["rootfs"]["total_bytes"] - facts["rootfs"]["data_blocks"] * 4096
    print(row("root: hash tree (does not shrink)", verity, verity))
    print(row("whole disk image", disk.stat().st_size, whole_bytes))
    print(f"ratio to {TARGET_BYTES / MB:.0f} MB: {whole_bytes / TARGET_BYTES:.2f}")


if __name__ == "__main__":
    main()
