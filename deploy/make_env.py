"""Make an installation's .env from the example, with a fresh encryption key."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path


def main(example: Path, target: Path) -> None:
    """Write ``target``, readable by its owner only; an existing file is never touched."""
    if target.exists():
        return
    key = base64.b64encode(os.urandom(32)).decode()
    lines = example.read_text(encoding="utf-8").splitlines()
    filled = [f"ENCRYPTION_KEY={key}" if line == "ENCRYPTION_KEY=" else line for line in lines]
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(filled) + "\n")
    sys.stderr.write(f"Made {target} with a fresh encryption key. Keep it, and keep it secret.\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
