"""Runs the commands of a page: every block marked ```sh or ```python, from top to bottom, in an empty folder.

A block in ```sh is one script for bash; a server that it starts in the background lives until the last block is done.
Blocks in any other language are not run. The page's first two commands build and test the whole project, which
.ci/run does itself; they stand in a block marked ```console.
"""

import pathlib
import re
import shutil
import subprocess
import sys


def blocks(page: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(sh|python)\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)


def main() -> int:
    page, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    fixtures = pathlib.Path("tests/fixtures").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "fixtures").symlink_to(fixtures)
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    found = blocks(page.read_text())
    for number, (language, text) in enumerate(found):
        if language == "python":
            (folder / f"block{number}.py").write_text(text)
            text = f"python3 block{number}.py\n"
        script += [f"echo '-- block {number + 1}'", text]
    if not found:
        print(f"{page} has no commands", file=sys.stderr)
        return 1
    return subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
