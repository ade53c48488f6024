"""An interpreter that is confined as the image's processes are: what compose and Kubernetes ask for, without Docker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleet import ROOT
from tests.support.tools import require_tool

PACKAGES = ("services", "shared", "gateway", "persistence", "pusher", "webhooks", "media")
"""What the Dockerfile copies."""
USER = "10001"

# A file system of its own, in which nothing can be written: the machine's programs, this interpreter, our packages.
# Then another user, without any capability and without a way to get one; the process id stays the same all along.
_SCRIPT = """
set -eu
root=$1 home=$2 venv=$3 source=$4; shift 4
mount -t tmpfs -o size=1m,mode=755 none "$root"
show() { mkdir -p "$root$2"; mount --rbind "$1" "$root$2"; mount -o remount,bind,ro "$root$2" 2>/dev/null || true; }
for path in /usr /etc /proc "$home" "$venv"; do show "$path" "$path"; done
for path in /bin /lib /lib64 /sbin; do
    if [ -L "$path" ]; then ln -s "$(readlink "$path")" "$root$path"; elif [ -d "$path" ]; then show "$path" "$path"; fi
done
for package in %s; do show "$source/$package" "/app/$package"; done
mkdir -p "$root/dev" "$root/tmp"
for device in null zero urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mount -o remount,ro "$root"
exec chroot "$root" /usr/bin/setpriv --reuid %s --regid %s --clear-groups --no-new-privs --bounding-set=-all \\
    --inh-caps=-all /usr/bin/env -C /app PYTHONDONTWRITEBYTECODE=1 "$@"
"""


def confined(directory: Path) -> list[str]:
    """The command of a Python in /app that may do nothing; its arguments follow. `directory` is any empty folder.

    Skips where this process may not do it: it takes a root that may mount.
    """
    unshare = [require_tool("unshare", "util-linux"), "--mount", "--propagation", "private"]
    allowed = os.geteuid() == 0 and subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0
    if not allowed:
        pytest.skip("only a root that may mount can confine a process")
    venv = Path(sys.prefix).resolve()
    script = _SCRIPT % (" ".join(PACKAGES), USER, USER)
    folders = [str(directory), sys.base_prefix, str(venv), str(ROOT)]
    return [*unshare, "bash", "-c", script, "confined", *folders, str(venv / "bin/python")]
