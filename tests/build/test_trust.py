"""The set-up trusts what the system trusts: pip does so by itself, npm must be told (companies' proxies)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from seeder.web.tls import self_signed

KNOWS = """
const { X509Certificate } = require('node:crypto'), { getCACertificates } = require('node:tls')
const wanted = new X509Certificate(require('node:fs').readFileSync(process.env.WANTED)).fingerprint256
const trusted = getCACertificates('default').map(pem => new X509Certificate(pem).fingerprint256)
process.exit(trusted.includes(wanted) ? 0 : 3)
"""


def test_npm_and_node_trust_a_certificate_of_the_system(root: Path, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "proxy.example.org").cert
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    # What the system's trust is, as OpenSSL is told.
    environ |= {"SSL_CERT_FILE": str(certificate), "WANTED": str(certificate)}
    script = f"import bundle; bundle.run('node', '-e', {KNOWS!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root / "scripts", env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
