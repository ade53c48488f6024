"""How much one page of any list may hold."""

from typing import Annotated

from msgspec import Meta

MAX_PAGE = 100


PageSize = Annotated[int, Meta(ge=1, description=f"at most {MAX_PAGE}: more counts as {MAX_PAGE}")]
