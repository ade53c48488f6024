"""A session shows a fresh token (`auth`), and may stay for longer."""

from gateway.lookups import Starter
from gateway.session.answers import acknowledge
from gateway.session.commands import Auth
from gateway.session.credentials import Credentials
from gateway.session.expiry import Expiry
from gateway.state.session import Session
from gateway.websocket.codes import CloseCode
from shared.auth import Identity


class FreshTokens:
    def __init__(self, credentials: Credentials, expiry: Expiry, tasks: Starter) -> None:
        self._credentials = credentials
        self._expiry = expiry
        self._tasks = tasks

    def take(self, session: Session, command: Auth) -> None:
        """Answers at once where the token is known; else once it is verified."""
        identity = self._credentials.verifier.verify_cached(command.token)
        if identity is not None:
            self._adopt(session, command, identity)
        else:
            self._tasks.start(self._verify(session, command), name="verify a fresh token")

    async def _verify(self, session: Session, command: Auth) -> None:
        verdict = await self._credentials.verifier.verify(command.token)
        if isinstance(verdict, Identity):
            self._adopt(session, command, verdict)
        else:
            session.send_error("unauthorized", f"Authentication failed: {verdict.text}", command.ref)

    def _adopt(self, session: Session, command: Auth, identity: Identity) -> None:
        if identity.user_id != session.user.user_id:
            session.send_error("unauthorized", "Authentication failed: this is another user's token", command.ref)
        elif self._credentials.revocations.is_revoked(identity.session_id):
            session.connection.close(CloseCode.SESSION_REVOKED, "session revoked")
        elif session.connection.is_open:
            session.session_id = identity.session_id
            self._expiry.extend(session, identity.expires_at)
            acknowledge(session, command)
