"""No file of the device reads, makes or uses a private key of the release roles."""

import re

import pytest

from tests.source_tree import PROJECT, name_of, python_files

DEVICE = ("signing/", "device-agent/")
PRIVATE = re.compile(
    r"private_key|PrivateKey|CryptoSigner|from_priv_key|\bSigner\b|NoEncryption|\.sign\(|pkcs11"
)

# The key of the device's own certificate, which it makes itself and which signs no release; and the
# keys of one session of a terminal, which sign nothing.
OF_DEVICES = {
    "device-agent/edge_agent/est.py",
    "device-agent/edge_agent/factory/own_key.py",
    "device-agent/edge_agent/terminal/device_key.py",
    "signing/edge_signing/terminal/handshake.py",
}


@pytest.mark.parametrize("folder", DEVICE)
def test_device_packages_hold_no_code_for_private_keys(folder: str) -> None:
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in python_files()
        if name_of(path).startswith(folder) and name_of(path) not in OF_DEVICES
        for match in PRIVATE.finditer(path.read_text())
    ]

    assert found == []


# Keys of TLS certificates and of a factory line, which sign no release.
CERTIFICATES = {
    "edge/certificates/issuing.py",
    "edge/console/enrolment/authority.py",
    "edge/console/simulate/identities.py",
    "edge/factory/identity/sealing.py",
    "edge/factory/steps/identifying.py",
}


def test_on_the_host_only_the_package_of_keys_reads_private_keys() -> None:
    reads = re.compile(r"load_pem_private_key|PrivateKey\.generate|generate_private_key")
    found = {
        name_of(path)
        for path in python_files()
        if name_of(path).startswith("edge/") and reads.search(path.read_text())
    }

    assert found >= CERTIFICATES
    assert {(PROJECT / name).parent.name for name in found - CERTIFICATES} == {"keys"}
