"""Certificate authorities for programs that speak plain HTTP on loopback and still have to name some."""

from __future__ import annotations

from pathlib import Path

import certifi

END = "-----END CERTIFICATE-----"


def one_authority(folder: Path) -> Path:
    """A file with a single authority in `folder`, for `PREFECT_API_SSL_CERT_FILE`.

    Prefect reads its file of authorities for every client that it makes, a flow run makes dozens of them, and the file
    it reads when none is named holds more than a hundred. On loopback no authority is ever asked.
    """
    path = folder / "authority.pem"
    first, _, _ = Path(certifi.where()).read_text().partition(END)
    path.write_text(f"{first}{END}\n")
    return path
