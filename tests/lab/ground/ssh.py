"""SSH servers by what they offer: banner and key exchange lists."""

import socket
from collections.abc import Iterator
from dataclasses import replace

from services.scanner.ssh.facts import Algorithms
from tests.lab.acceptor import Talk, read_until, silent
from tests.lab.lab import Lab
from tests.lab.truth import Case, ids
from tests.scanner.ssh.servers import GOOD, kexinit

_ALL = ids(
    "ssh.protocol.v1 ssh.kex.weak ssh.hostkey.weak ssh.cipher.weak ssh.mac.weak ssh.terrapin"
    " ssh.kex.pqc_missing"
)
_CHACHA = "chacha20-poly1305@openssh.com"
_WITHOUT_CHACHA = ("aes256-gcm@openssh.com", "aes256-ctr")
_OLD = Algorithms(
    kex=("diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"),
    host_keys=("ssh-rsa", "ssh-dss"),
    ciphers_in=("aes128-cbc", "3des-cbc", "arcfour"),
    ciphers_out=("aes128-cbc", "3des-cbc", "arcfour"),
    macs_in=("hmac-md5", "hmac-sha1"),
    macs_out=("hmac-md5", "hmac-sha1"),
    compressions=("none",),
)


def _speaking(
    offer: Algorithms, banner: bytes = b"SSH-2.0-OpenSSH_9.9", before: bytes = b""
) -> Talk:
    def talk(client: socket.socket) -> None:
        client.sendall(before + banner + b"\r\n")
        if not read_until(client, b"\n").startswith(b"SSH-"):
            client.sendall(b"Invalid SSH identification string.\r\n")
            return
        client.sendall(kexinit(offer))
        silent(client)

    return talk


def _ciphers(*names: str) -> Algorithms:
    return replace(GOOD, ciphers_in=names, ciphers_out=names)


def _macs(ciphers: tuple[str, ...], *names: str) -> Algorithms:
    return replace(_ciphers(*ciphers), macs_in=names, macs_out=names)


def _servers() -> Iterator[tuple[str, str, Talk, int]]:
    yield "good", "", _speaking(GOOD), 22
    yield "banner-lines-first", "", _speaking(GOOD, before=b"Authorised use only\r\n"), 22
    yield "at-2222", "", _speaking(GOOD), 2222
    yield (
        "old",
        "ssh.kex.weak ssh.hostkey.weak ssh.cipher.weak ssh.mac.weak ssh.kex.pqc_missing",
        _speaking(_OLD, b"SSH-2.0-OpenSSH_5.3"),
        22,
    )
    yield "v1", "ssh.protocol.v1", _says(b"SSH-1.5-OpenSSH_3.4\n"), 22
    yield "v1-and-2", "ssh.protocol.v1", _speaking(GOOD, b"SSH-1.99-OpenSSH_4.3"), 22
    last = replace(GOOD, kex=(*GOOD.kex, "diffie-hellman-group1-sha1"))
    yield "weak-kex-last", "ssh.kex.weak", _speaking(last), 22
    exchange = replace(GOOD, kex=(*GOOD.kex, "diffie-hellman-group-exchange-sha1"))
    yield "group-exchange-sha1", "ssh.kex.weak", _speaking(exchange), 22
    yield "rsa-sha1-alone", "ssh.hostkey.weak", _speaking(replace(GOOD, host_keys=("ssh-rsa",))), 22
    beside = replace(GOOD, host_keys=("rsa-sha2-512", "ssh-rsa"))
    yield "rsa-sha1-beside-sha2", "", _speaking(beside), 22
    yield (
        "dss",
        "ssh.hostkey.weak",
        _speaking(replace(GOOD, host_keys=("ssh-ed25519", "ssh-dss"))),
        22,
    )
    yield (
        "cbc",
        "ssh.cipher.weak",
        _speaking(_macs((*_WITHOUT_CHACHA, "aes256-cbc"), "hmac-sha2-256")),
        22,
    )
    yield "arcfour", "ssh.cipher.weak", _speaking(_ciphers(*_WITHOUT_CHACHA, "arcfour128")), 22
    yield (
        "md5-mac",
        "ssh.mac.weak",
        _speaking(_macs(("aes256-ctr",), "hmac-sha2-256", "hmac-md5")),
        22,
    )
    yield "md5-mac-unused", "", _speaking(_macs(("aes256-gcm@openssh.com",), "hmac-md5")), 22
    unpatched = tuple(name for name in GOOD.kex if not name.startswith("kex-strict"))
    yield "terrapin", "ssh.terrapin", _speaking(replace(GOOD, kex=unpatched)), 22
    etm = replace(
        _macs(("aes256-ctr", "aes128-cbc"), "hmac-sha2-256-etm@openssh.com"), kex=unpatched
    )
    yield "terrapin-by-etm", "ssh.terrapin ssh.cipher.weak", _speaking(etm), 22
    safe = replace(_macs(("aes256-ctr",), "hmac-sha2-256-etm@openssh.com"), kex=unpatched)
    yield "unpatched-without-target", "", _speaking(safe), 22
    classic = tuple(name for name in GOOD.kex if "mlkem" not in name)
    yield "no-pqc", "ssh.kex.pqc_missing", _speaking(replace(GOOD, kex=classic)), 22


def _says(greeting: bytes) -> Talk:
    def talk(client: socket.socket) -> None:
        client.sendall(greeting)
        silent(client)

    return talk


def cases(lab: Lab) -> Iterator[Case]:
    for name, must, talk, port in _servers():
        address = lab.address()
        lab.listen(address, port, talk)
        wanted = ids(must)
        yield Case(f"ssh-{name}", address, wanted, _ALL - wanted)
