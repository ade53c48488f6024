"""Which tracing a process gets. What it needs is an extra, and is not even imported where tracing is off."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from shared.settings import SettingError, Settings
from shared.tracing import NoTracing, Tracing


@asynccontextmanager
async def tracing(settings: Settings, service: str) -> AsyncIterator[Tracing]:
    """Enter it first, leave it last: what ends with the process is traced, too. Raises SettingError, for the extra."""
    if not settings.is_traced:
        yield NoTracing()
        return
    try:
        from services.otel import exporting
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise SettingError("TRACE_SAMPLE, TRACE_PARENT: tracing is not installed (requirements/tracing.txt)") from None
    async with AsyncExitStack() as stack:
        honours_parent = settings.trace_parent == "honour"
        try:
            made = await stack.enter_async_context(
                exporting(service, settings.trace_sample, honours_parent=honours_parent)
            )
        except ValueError as error:
            raise SettingError(f"a variable OTEL_… is malformed: {error}") from None
        yield made
