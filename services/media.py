"""The composition root of a media process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from media.access import Access
from media.app import endpoints, health
from media.collector import Collector
from media.downloads import Downloads
from media.gate import MediaGate
from media.nursery import Nursery
from media.persistence_client import PersistenceClient
from media.processing import Processing
from media.scan import Scanner
from media.storage.folder import FolderStorage
from media.storage.port import Storage
from media.storage.s3 import Bucket, S3Storage, store_of
from media.uploads import Uploads
from services import openings
from shared.auth import TokenVerifier
from shared.http.endpoint import Endpoint
from shared.http.health import Health
from shared.http.strangers import Strangers
from shared.lifecycle import Stop, Tasks
from shared.settings import Settings

CLAIM_SECONDS = 5.0
COLLECT_SECONDS = 10.0


@dataclass(frozen=True)
class Media:
    """A running media, for whoever serves its routes."""

    endpoints: list[Endpoint]
    gate: MediaGate
    health: Health


@asynccontextmanager
async def media(settings: Settings, stop: Stop, verifier: TokenVerifier, strangers: Strangers) -> AsyncIterator[Media]:
    """Looks at files and collects them until it is left."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(openings.http_session())
        storage, folder = storage_of(settings), media_dir(settings)
        persistence = PersistenceClient(session, settings.persistence_url or "", settings.service_token or "")
        nursery = Nursery(most_pixels=settings.image_pixels)
        stack.push_async_callback(nursery.close)
        tasks = await stack.enter_async_context(Tasks("media", stop))
        access = Access(persistence, tasks, monotonic)
        scanner = Scanner(session, settings.scan_url)
        processing = Processing(storage, persistence, nursery, scanner, folder / "work", tasks)
        tasks.spawn(access.run(), name="access")
        tasks.periodically(CLAIM_SECONDS, processing.sweep, name="claim")
        tasks.periodically(COLLECT_SECONDS, Collector(storage, persistence).sweep, name="collect")
        routes = endpoints(
            Uploads(storage, persistence, processing),
            Downloads(storage, access, redirects=settings.media_redirect == "on"),
        )
        gate = MediaGate(verifier, settings.link_key, strangers, settings.rate_limit_address)
        yield Media(routes, gate, health(storage))


def media_dir(settings: Settings) -> Path:
    return Path(settings.media_dir or Path(settings.data_dir) / "media").absolute()


def storage_of(settings: Settings) -> Storage:
    """Raises SettingError where a setting of S3 is missing."""
    if not settings.has_s3:
        return FolderStorage(media_dir(settings))
    settings.require("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
    bucket = Bucket(
        settings.s3_endpoint,
        settings.s3_bucket or "",
        settings.s3_region,
        settings.s3_access_key_id or "",
        settings.s3_secret_access_key or "",
    )
    return S3Storage(store_of(bucket))
