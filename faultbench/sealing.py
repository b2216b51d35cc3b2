"""The sealed half: its answers lie in one file, whose SHA-256 is committed beside it.

    python -m faultbench seal

moves the answers of the sealed half from `answers/` into `sealed.json` and notes the digest in
`sealed.sha256`. The file is opened by scoring, after every tool has answered; a test holds the
digest, so that an answer can't be changed once results are known without a commit that says so.
"""

from __future__ import annotations

import hashlib
import json

from .catalogue import ANSWERS, SEALED, half

DIGEST = SEALED.with_suffix(".sha256")


def digest() -> str:
    """Returns the SHA-256 of the sealed file as it is now."""
    return hashlib.sha256(SEALED.read_bytes()).hexdigest()


def opened() -> str:
    """Returns the sealed answers as JSON: the text of each one's TOML by name.

    Raises:
        ValueError: The file is not the one whose digest is committed.
    """
    if digest() != (committed := DIGEST.read_text(encoding="utf-8").strip()):
        raise ValueError(f"{SEALED.name} is not the file that was sealed (SHA-256 {committed})")
    return SEALED.read_text(encoding="utf-8")


def seal() -> int:
    """Moves answers of the sealed half into the sealed file; returns how many it holds."""
    known = json.loads(opened()) if SEALED.exists() else {}
    paths = [path for path in sorted(ANSWERS.glob("*.toml")) if half(path.stem) == "sealed"]
    known |= {path.stem: path.read_text(encoding="utf-8") for path in paths}
    SEALED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    DIGEST.write_text(digest() + "\n", encoding="utf-8")
    for path in paths:
        path.unlink()
    return len(known)
