"""Whether a text may be sent: the list of words first, and then the hook."""

from dataclasses import dataclass
from typing import Literal

from persistence.messages.texts import fault_of, trimmed
from persistence.screening.hook import BeforeSendHook, Failed
from persistence.screening.store import Facts
from persistence.screening.verdicts import Allowed, Held, Rejected, Rewritten, Unavailable, Unchecked, Verdict
from persistence.screening.words import BlockedWords

OnFailure = Literal["open", "hold", "closed"]
WORDS = "this message contains a word that is not allowed here"


@dataclass(frozen=True)
class Screen:
    """`hook` and `words` may be missing; without both there is no screen at all. `flags`: a blocked word is not
    refused, moderators look at it."""

    hook: BeforeSendHook | None
    words: BlockedWords | None
    on_failure: OnFailure = "open"
    flags: bool = False

    async def judge(self, facts: Facts, text: str, media_url: str | None, *, opaque: bool) -> Verdict:
        """A rewrite is valid as any text is, or counts as a failure."""
        has_word = self.words is not None and not opaque and self.words.stands_in(text)
        if has_word and not self.flags:
            return Rejected(WORDS)
        if self.hook is None:
            return Allowed(flagged=has_word)
        found = await self.hook.ask({**facts.known, "text": text, "mediaUrl": media_url})
        if isinstance(found, Rewritten):
            found = _valid(found, opaque=opaque, beside_file=media_url is not None)
        if isinstance(found, Failed):
            return self._failed()
        return Allowed(flagged=has_word) if isinstance(found, Allowed) else found

    def _failed(self) -> Verdict:
        if self.on_failure == "closed":
            return Unavailable()
        return Held("unchecked") if self.on_failure == "hold" else Unchecked()


def _valid(found: Rewritten, *, opaque: bool, beside_file: bool) -> Rewritten | Failed:
    text = trimmed(found.text)
    fault = fault_of(text, opaque=opaque, beside_file=beside_file)
    return Rewritten(text) if fault is None else Failed("error")
