"""Whom TLS trusts: the system's certificate authorities, and those that the operator adds."""

from __future__ import annotations

import ssl

import certifi


def authority_files(ca_file: str) -> list[str]:
    """PEM files; `ca_file` is the operator's own, or empty. A system that has none is helped out with Mozilla's."""
    system = ssl.get_default_verify_paths().cafile or certifi.where()
    return [system, ca_file] if ca_file else [system]
