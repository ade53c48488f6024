"""What a client is told of its frames."""

from gateway.session.commands import Command
from gateway.state.session import Session


def acknowledge(session: Session, command: Command) -> None:
    """A frame without a ref wants no answer."""
    if command.ref is not None:
        session.answer("ack", command.ref)
