"""Services told apart by the first bytes they send. Pure: bytes in, a name out."""

import re
from dataclasses import dataclass

from services.scanner.net.facts import UNKNOWN_SERVICE
from services.scanner.text import clean

BANNER_LIMIT = 256
_MOST_BYTES = 1024

# The first match names the service. Quantifiers are bounded: this runs on hostile input (TGT-4).
_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL | re.IGNORECASE))
    for name, pattern in (
        ("ssh", rb"SSH-\d{1,2}\.\d{1,2}-"),
        # MongoDB answers HTTP with this hint on its native port.
        ("mongodb", rb"(?=HTTP/1\.)(?=.{0,600}access MongoDB over HTTP on the native)"),
        ("http", rb"HTTP/[12]\.\d "),
        ("rtsp", rb"RTSP/1\.\d "),
        ("ftp", rb"(?:220|421|530)[ -](?=.{0,600}(?:FTP|FileZilla|Serv-U))"),
        ("smtp", rb"(?:220|421|554)[ -](?=[^\n]{0,200}(?:SMTP|mail|Postfix|Exim))"),
        # RFC 5321 4.2: the greeting of a mail server begins with its domain.
        ("smtp", rb"220[ -][a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9}[ \r\n]"),
        ("nntp", rb"20[01] [^\n]{0,200}(?:NNTP|InterNetNews|news)"),
        ("pop3", rb"\+OK[ \r]"),
        ("imap", rb"\* (?:OK|PREAUTH|BYE)[ \r]"),
        ("vnc", rb"RFB \d{3}\.\d{3}\n"),
        ("mysql", rb".{3}\x00\x0a[0-9a-z.+~_-]{3,80}\x00"),
        ("mysql", rb".{3}\x00\xff.{2}(?:#.{5})?(?:Host |Too many connections)"),
        ("redis", rb"-(?:NOAUTH|DENIED|ERR (?:unknown command|wrong number of arg|Protocol))"),
        ("memcached", rb"ERROR\r\n"),
        ("amqp", rb"AMQP[\x00-\x03]"),
        ("rsync", rb"@RSYNCD: \d"),
        ("sieve", rb'"IMPLEMENTATION" "'),
        ("xmpp", rb"(?:<\?xml[^>]{0,80}>\s{0,4})?<stream:(?:stream|error)"),
        ("irc", rb"(?::[^ \n]{1,80} )?(?:NOTICE (?:\*|AUTH)|020 \*|ERROR :)"),
        ("telnet", rb"\xff[\xfb-\xfe]."),
    )
)
LOGIN_PROMPT = re.compile(
    rb"(?:^|[\r\n])[ -~]{0,64}(?:login|username|user name|password) ?: {0,2}\Z", re.IGNORECASE
)
"""What a terminal that negotiates nothing ends its greeting with."""
_SERVER_HEADER = re.compile(rb"\r?\nServer:[ \t]{0,8}([^\r\n]{1,200})", re.IGNORECASE)
_MYSQL_VERSION = re.compile(rb".{5}([0-9a-zA-Z.+~_-]{3,80})\x00", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Banner:
    """What the first bytes tell: who speaks, and the line worth showing."""

    service: str
    text: str


def read_banner(said: bytes) -> Banner:
    """``unknown`` with its first line for what no sign fits."""
    said = said[:_MOST_BYTES]
    service = next((name for name, sign in _SIGNS if sign.match(said)), UNKNOWN_SERVICE)
    if service == UNKNOWN_SERVICE and LOGIN_PROMPT.search(said):
        service = "telnet"
    return Banner(service, _line(service, said))


def _line(service: str, said: bytes) -> str:
    if service == "http" and (server := _SERVER_HEADER.search(said)):
        return clean(server[1].strip(), BANNER_LIMIT)
    if service == "mysql" and (version := _MYSQL_VERSION.match(said)):
        return clean(version[1], BANNER_LIMIT)
    if service == "telnet":
        return ""  # option bytes, not text
    return clean(said.strip().partition(b"\n")[0].rstrip(), BANNER_LIMIT)
