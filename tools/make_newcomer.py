"""Make the newcomer's path in the README anew: what the demo prints, and pictures of its pages.

    python tools/make_newcomer.py

Runs `assay demo` and `assay check` on the bundled script, writes the shortened output between the
README's marks, and takes docs/images/check.png and trial.png in headless Chromium (`make browser`
installs it where it can). Takes about a minute.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
IMAGES = ROOT / "docs" / "images"
BEGIN, END = "<!-- demo-output: made by tools/make_newcomer.py -->\n", "<!-- /demo-output -->"
LEFT_OUT = re.compile(r"  (silence|more|saved) {2,}|(record|page|trial): ")
WIDTH = 1200


def assay(*words: str) -> str:
    """What a command of ours prints."""
    env = {**os.environ, "COLUMNS": "100", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "assay", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stderr


def shortened(text: str, folder: str) -> str:
    """Without folders, ways on, and the end of the first report."""
    text = re.sub(rf"(?<=[-+]{{3}} [ab]){re.escape(folder)}", "", text)
    text = text.replace(folder + os.sep, "")
    intro, report, trial = re.split(r"^(?=── )", text, flags=re.M)
    report, _, rest = report.partition("\n\n168 steps")
    progress = rest[rest.index("\nassay: ") :] if "\nassay: " in rest else ""
    trial = trial.partition("\nNow you")[0]
    whole = f"{intro}{report}\n\n[...]\n{progress}{trial}"
    kept = [line.rstrip() for line in whole.splitlines() if not LEFT_OUT.match(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def pictures(pages: dict[str, str]) -> None:
    """The first screen of each page, by its address."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        sys.exit("no Chromium on this machine: `make browser` installs it where it can")
    IMAGES.mkdir(exist_ok=True)
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=alone)
        for name, address in pages.items():
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.goto(address)
            page.wait_for_timeout(1000)
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


def main() -> None:
    """Writes the README's block and the pictures."""
    print("running assay demo (half a minute) ...", file=sys.stderr)
    text = assay("demo")
    found = re.search(r"assay demo: (\S+) trains", text)
    assert found, "the demo names its script first"
    script = Path(found[1])
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    block = f"```text\n$ assay demo\n{shortened(text, str(script.parent))}\n```\n"
    README.write_text(f"{before}{BEGIN}{block}{END}{after}", encoding="utf-8")
    with tempfile.TemporaryDirectory() as runs:
        assay("check", "--run-dir", runs, str(script))
        trial = next(script.parent.glob("trials/**/report.html"))
        run = next(Path(runs).glob("**/report.html"))
        pictures({"check": run.as_uri(), "trial": f"{trial.as_uri()}#trial"})
    shutil.rmtree(script.parent)


if __name__ == "__main__":
    main()
