"""Certificates of the test's own authority, made by ``openssl`` when they are needed and valid for a day."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.machine import MissingPartError

VALID_DAYS = "1"


class Authority:
    """A certificate authority in a folder: its own certificate (``ca_file``), and those it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file, self._key = folder / "ca.pem", folder / "ca.key"
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", VALID_DAYS]
        subject = ["-subj", "/CN=stream-rcf test authority"]
        openssl(*request, *subject, "-keyout", str(self._key), "-out", str(self.ca_file))

    def issue(self, name: str, addresses: str = "", password: str = "") -> tuple[Path, Path]:
        """A certificate for the common name ``name``, and its key (PKCS #8), encrypted where there is a password.

        :param addresses: who it is good for, as in ``IP:127.0.0.1,DNS:broker``
        """
        certificate, key, request = (self.folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        secret = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        openssl(
            *("req", "-newkey", "rsa:2048", *secret, "-subj", f"/CN={name}"),
            *("-keyout", str(key), "-out", str(request)),
        )
        key.chmod(0o600)
        extension = self.folder / f"{name}.extension"
        extension.write_text(f"subjectAltName={addresses}\n" if addresses else "", encoding="ascii")
        openssl(
            *("x509", "-req", "-in", str(request), "-days", VALID_DAYS, "-out", str(certificate)),
            *("-CA", str(self.ca_file), "-CAkey", str(self._key), "-CAcreateserial"),
            *("-extfile", str(extension)),
        )
        return certificate, key


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """Run ``openssl`` and return what it prints; fails with its own words."""
    program = shutil.which("openssl")
    if program is None:
        raise MissingPartError(
            "no 'openssl' on the PATH; as root on Debian: apt-get install -y --no-install-recommends openssl"
        )
    done = subprocess.run([program, *arguments], input=given, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed:\n{done.stderr.decode(errors='replace')}")
    return done.stdout
