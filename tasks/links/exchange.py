"""Who takes the mail of a domain, as the DNS says: its MX records, or the domain itself (RFC 5321, 5.1)."""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from tasks.links.resolve import Lookup, Unfound
from tasks.links.verdict import Reason

# For the MX, and as long again for each kind of address where there is none.
LONGEST_S = 5.0

# Before a domain that is looked up for its mail; no host's name begins so.
MAIL = "@"


def both(hosts: Lookup, mail: Lookup) -> Lookup:
    """One lookup for the names of hosts and, behind MAIL, for domains of mail."""
    return lambda name: mail(name.removeprefix(MAIL)) if name.startswith(MAIL) else hosts(name)


def system_exchangers(
    domain: str, servers: Sequence[dns.nameserver.Nameserver] = (), longest_s: float = LONGEST_S
) -> Sequence[str]:
    """The hosts that take mail for a domain, or its own addresses. Raises Unfound.

    Asks these name servers, or else the system's: they are read anew each time, as they change while a worker runs.
    """
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
        resolver.lifetime = longest_s
        if servers:
            resolver.nameservers = list(servers)
        return _exchangers(resolver, domain)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        raise Unfound(Reason.DNS_NXDOMAIN, _MISSING[type(error)]) from error
    except dns.exception.Timeout as error:
        raise Unfound(Reason.DNS_TIMEOUT, "no name server answered in time") from error
    except dns.resolver.NoResolverConfiguration as error:
        raise Unfound(Reason.CHECKER_ERROR, "this machine has no name servers") from error
    except dns.exception.DNSException as error:
        raise Unfound(Reason.DNS_SERVFAIL, "the name servers failed") from error


_MISSING: dict[type[Exception], str] = {
    dns.resolver.NXDOMAIN: "the domain does not exist",
    dns.resolver.NoAnswer: "no mail server: neither MX nor address",
}


def _exchangers(resolver: dns.resolver.Resolver, domain: str) -> Sequence[str]:
    found = resolver.resolve(domain, "MX", raise_on_no_answer=False)
    hosts = [record.exchange for record in found.rrset or ()]
    if not hosts:
        return list(resolver.resolve_name(domain).addresses())
    named = [host.to_text(omit_final_dot=True) for host in hosts if host != dns.name.root]
    if not named:
        raise Unfound(Reason.DNS_NXDOMAIN, "takes no mail, by its own word (null MX)")
    return named
