"""Write `.env` from `.env.example` with a fresh random secret for every name that the example leaves empty."""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
from pathlib import Path

EXAMPLE = Path(".env.example")
TARGET = Path(".env")


def main() -> None:
    """Write the file, readable only by its owner; keep an existing one, because the databases use its passwords."""
    text = re.sub(r"^(\w+)=$", lambda line: f"{line[1]}={_secret(line[1])}", EXAMPLE.read_text(), flags=re.MULTILINE)
    try:
        descriptor = os.open(TARGET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.exit(f"{TARGET} exists and is not changed, because the databases use its passwords.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    print(f"Wrote {TARGET} (readable only by you). Next: docker compose up --build --detach")  # noqa: T201 - a command


def _secret(name: str) -> str:
    if name.endswith("FERNET_KEY"):
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(64 if name.endswith("JWT_SECRET") else 32)


if __name__ == "__main__":
    main()
