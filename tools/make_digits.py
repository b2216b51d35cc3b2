"""Write src/assay/demo/digits.u8.gz from scikit-learn's copy of the UCI handwritten digits.

Needed only to make the file again: assay itself never imports scikit-learn.

    pip install scikit-learn
    python tools/make_digits.py            write the file
    python tools/make_digits.py --check    compare the bundled file with the source

Format, after gzip: 1,797 rows of 65 unsigned bytes: 64 pixels (0..16, row by row), then a label.
The gzip header carries no time and no name, so the same zlib writes the same bytes; --check
compares the contents, which do not depend on the zlib.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "src" / "assay" / "demo" / "digits.u8.gz"


def rows() -> bytes:
    from sklearn.datasets import load_digits

    digits = load_digits()
    assert digits.data.shape == (1797, 64)
    assert digits.data.min() == 0
    assert digits.data.max() == 16
    pixels = digits.data.astype("uint8")
    assert (pixels == digits.data).all()
    return b"".join(
        bytes(image) + bytes([label])
        for image, label in zip(pixels.tolist(), digits.target.tolist(), strict=True)
    )


def main(args: list[str]) -> int:
    if args not in ([], ["--check"]):
        print(f"usage: make_digits.py [--check], got {' '.join(args)}", file=sys.stderr)
        return 2
    if args:
        same = TARGET.exists() and gzip.decompress(TARGET.read_bytes()) == rows()
        print(f"{TARGET.name}: {'same as the source' if same else 'differs from the source'}")
        return 0 if same else 1
    TARGET.write_bytes(gzip.compress(rows(), compresslevel=9, mtime=0))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
