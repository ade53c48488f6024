"""Close codes, and what each makes a client do.

By band, so that a code which a client does not know still tells it something:
1xxx as in RFC 6455, 4000–4499 reconnect, 4500–4999 do not.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Every code with which Parley closes a socket, or which it reports for one."""

    NORMAL = 1000
    GOING_AWAY = 1001  # bye
    PROTOCOL_ERROR = 1002  # the client broke RFC 6455: mend the client
    NO_STATUS = 1005  # never on the wire: the client's close frame named no code
    ABNORMAL = 1006  # never on the wire: the connection ended without a close frame
    INVALID_TEXT = 1007  # a text that is not UTF-8
    MESSAGE_TOO_BIG = 1009  # a message above maxFrameBytes: sent again, it will fail again
    INTERNAL_ERROR = 1011
    RESTARTING = 1012  # this gateway drains: reconnect, after the hint where one came
    OVERLOADED = 1013  # too many sockets here, or this client reads too slowly: back off, then sync
    TOKEN_REJECTED = 4401  # token missing, bad or expired: reconnect with a fresh one
    NO_PONG = 4408  # nothing was heard within the heartbeat: reconnect
    TOO_MANY_FRAMES = 4429  # reconnect, and send fewer
    ORIGIN_REJECTED = 4501
    USER_BANNED = 4502
    SESSION_REVOKED = 4503
    TOO_MANY_CONNECTIONS = 4504  # of one user


def may_be_received(code: int) -> bool:
    """Whether a peer may put `code` into a close frame.

    RFC 6455 section 7.4 and the IANA registry of close codes: 1004 is reserved, 1005, 1006 and 1015 never cross
    the wire, 1016–2999 are not assigned, and nothing is defined below 1000 or above 4999.
    """
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
