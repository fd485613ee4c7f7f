"""Schemathesis reads the document of the API, and finds no answer that contradicts it."""

import subprocess
import sys
from pathlib import Path

from tests.fakes.console import Console

# Whether a name, a filter or a bundle means something no schema can say.
LEFT_OUT = "positive_data_acceptance"


def test_no_answer_contradicts_the_document(site: Console, tmp_path: Path) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    command = (
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{site.api_url}/api/v1/openapi.json",
        f"--url={site.api_url}",
        f"--tls-verify={site.site.authority}",
        f"--header=Authorization: Bearer {site.token}",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=2",
        f"--exclude-checks={LEFT_OUT}",
        "--generation-deterministic",
        "--request-timeout=20",
        "--no-color",
    )

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " generated, " in done.stdout
