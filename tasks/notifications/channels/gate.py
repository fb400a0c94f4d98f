"""Sockets for libcurl that connect only where the address policy permits."""

from __future__ import annotations

import socket
from typing import Any

import pycurl

from tasks.guard import AddressPolicy


class Gate:
    """One transfer's OPENSOCKETFUNCTION: judges each address that libcurl is about to connect to.

    That is the address itself, after every lookup and redirect, so that no name can mean one thing to the guard and
    another to the connection. `refusal` says why the transfer got no socket; it is empty as long as it got one.
    """

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._opened = False
        self._refusal = ""

    @property
    def refusal(self) -> str:
        """Why nothing could be connected to, where every address was refused."""
        return "" if self._opened else self._refusal

    def open(self, _purpose: int, address: Any) -> socket.socket | int:
        """A socket for the address, or libcurl's word for none."""
        family, kind, protocol, place = address
        if family not in (socket.AF_INET, socket.AF_INET6):
            self._refusal = "only internet addresses may be connected to"
            return pycurl.SOCKET_BAD
        refusal = self._policy.refusal(place[0], place[1])
        if refusal:
            self._refusal = refusal
            return pycurl.SOCKET_BAD
        self._opened = True
        return socket.socket(family, kind, protocol)
