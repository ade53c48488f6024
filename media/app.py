"""Every route of media, given what they work on."""

from media.downloads import DownloadQuery, Downloads
from media.persistence_client import PersistenceAway
from media.storage.port import Storage, StorageAway
from media.uploads import CONTENT_TYPE, TUS, Uploads
from shared.http.cost import FLAT
from shared.http.endpoint import Endpoint, Nothing
from shared.http.health import Health

TAG = "attachments"
PATH = "/api/attachments/{attachment}"
CONTENT = f"{PATH}/content"

OUTAGES: tuple[type[Exception], ...] = (StorageAway, PersistenceAway)
"""What a handler lets through while a part is away; answered 503."""


def endpoints(uploads: Uploads, downloads: Downloads) -> list[Endpoint]:
    """The routes for apps, `/health` not among them."""
    return [
        Endpoint(
            method="GET",
            path=PATH,
            name="downloadAttachment",
            handler=downloads.get,
            summary="Fetch a file, or its thumbnail",
            description="For who sees the message that has it, asked at each use. One range at a time. `link` stands"
            " for a token. Only some types by their bytes are shown in place, all others are downloads.",
            tag=TAG,
            query=DownloadQuery,
            cost=FLAT,
            response=Nothing,
            statuses=(200, 206, 304),
            errors=(404, 416),
            produces="*/*",
            headers=("Range", "If-None-Match", "If-Range"),
        ),
        Endpoint(
            method="HEAD",
            path=CONTENT,
            always=TUS,
            name="getUploadOffset",
            handler=uploads.head,
            summary="Ask how far an upload has come",
            tag=TAG,
            cost=FLAT,
            response=Nothing,
            errors=(404, 410, 412),
            headers=("Tus-Resumable",),
        ),
        Endpoint(
            method="PATCH",
            path=CONTENT,
            always=TUS,
            name="uploadAttachment",
            handler=uploads.patch,
            summary="Send bytes of a file",
            description="tus 1.0. 409 with another offset than the upload has, 423 while another request writes, 410"
            " once it has ended.",
            tag=TAG,
            cost=FLAT,
            response=Nothing,
            statuses=(204,),
            errors=(404, 408, 409, 410, 412, 413, 415, 423),
            consumes=CONTENT_TYPE,
            headers=("Tus-Resumable", "Upload-Offset"),
        ),
        Endpoint(
            method="DELETE",
            path=CONTENT,
            always=TUS,
            name="deleteAttachment",
            handler=uploads.delete,
            summary="Take an upload back",
            description="Also one that is ready, as long as no message has it: then 409.",
            tag=TAG,
            cost=FLAT,
            response=Nothing,
            statuses=(204,),
            errors=(404, 409, 412),
            headers=("Tus-Resumable",),
        ),
        Endpoint(
            method="OPTIONS",
            path=CONTENT,
            always=TUS,
            name="getUploadOptions",
            handler=uploads.options,
            summary="Ask what of tus is spoken here",
            tag=TAG,
            public=True,
            cost=FLAT,
            response=Nothing,
            statuses=(204,),
        ),
    ]


def health(storage: Storage) -> Health:
    """It serves while its storage takes writes."""
    return Health("media", vital={"storage": storage.check}, outages=(StorageAway,))
