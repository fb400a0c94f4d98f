"""Certificates good and bad: one authority to trust, and a server context for every way a certificate can fail."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1")


class Certificates:
    """`contexts` by kind: good, expired, hostname (of another), untrusted; `ca_file` vouches for all but the last."""

    def __init__(self, folder: Path) -> None:
        authority, stranger = trustme.CA(), trustme.CA()
        now = datetime.now(UTC)
        begun, over = now - timedelta(days=90), now - timedelta(days=30)
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.not_after = now.replace(microsecond=0) + timedelta(days=60)
        self.contexts = {
            "good": _context(authority.issue_cert(*NAMES, not_after=self.not_after)),
            "expiring": _context(authority.issue_cert(*NAMES, not_after=now + timedelta(days=5))),
            "expired": _context(authority.issue_cert(*NAMES, not_before=begun, not_after=over)),
            "hostname": _context(authority.issue_cert("elsewhere.example")),
            "untrusted": _context(stranger.issue_cert(*NAMES)),
        }


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
