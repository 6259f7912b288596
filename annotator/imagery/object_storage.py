"""Scenes in S3-compatible storage: only what the operator's settings allow, with the operator's own credentials."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from annotator.imagery.cog import Progress
from annotator.imagery.problems import DownloadFailed, NoSpaceLeft, SourceRefused

_SILENCE_SECONDS = 30
_TOLD_EVERY_SECONDS = 0.1
# Room that is left to the database and to what is made of the file.
_SPARE_BYTES = 64 * 2**20


def is_object(source: str) -> bool:
    """Whether the source reads ``s3://bucket/key``."""
    return source.lower().startswith("s3://")


def fetch_object(source: str, destination: Path, on_progress: Progress) -> None:
    """Brings ``s3://bucket/key`` to ``destination``, in parts, so that memory does not grow with the file.

    ``on_progress`` is told meanwhile, and ends it by raising.

    The bucket has to be one of ``settings.S3_BUCKETS``, and the storage is that of ``settings.S3_ENDPOINT``: no
    address that a person gives is ever called. Credentials come from the worker's environment as boto3 reads them
    and are stored nowhere. Raises SourceRefused, NoSpaceLeft or DownloadFailed.
    """
    bucket, key = _named(source)
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError

    try:
        storage = _client()
        size_bytes = storage.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if size_bytes + _SPARE_BYTES > shutil.disk_usage(destination.parent).free:
            raise NoSpaceLeft(
                f"The file has {size_bytes / 1e9:.1f} GB, for which the server has no room. Ask the operator to make "
                "room on the disk of MILPA_MEDIA, then add the scene again."
            )
        _download(
            storage, bucket, key, destination, lambda received: on_progress(received / max(size_bytes, 1))
        )
    except (BotoCoreError, ClientError, Boto3Error, RetriesExceededError, OSError) as error:
        destination.unlink(missing_ok=True)
        raise DownloadFailed(
            f"s3://{bucket}/{key} could not be fetched ({error}). Check the name, and ask the operator whether the "
            "server may read it."
        ) from error
    except BaseException:
        destination.unlink(missing_ok=True)
        raise


def _download(
    storage: Any, bucket: str, key: str, destination: Path, on_received: Callable[[int], None]
) -> None:
    """Parts arrive in threads of their own; what ``on_received`` raises in this one ends them."""
    from boto3.s3.transfer import TransferConfig, create_transfer_manager
    from s3transfer.subscribers import BaseSubscriber

    parts_bytes: list[int] = []

    class Counted(BaseSubscriber):  # type: ignore[misc]
        def on_progress(self, future: Any, bytes_transferred: int, **_: Any) -> None:
            parts_bytes.append(bytes_transferred)

    with create_transfer_manager(storage, TransferConfig()) as manager, destination.open("wb") as file:
        future = manager.download(bucket, key, file, subscribers=[Counted()])
        while not future.done():
            on_received(sum(parts_bytes))
            time.sleep(_TOLD_EVERY_SECONDS)
        future.result()


def _named(source: str) -> tuple[str, str]:
    parts = urlsplit(source)
    bucket, key = parts.netloc, unquote(parts.path.lstrip("/"))
    if bucket not in settings.S3_BUCKETS or not key:
        raise SourceRefused(
            "Objects are taken only from the buckets that the operator names in MILPA_S3_BUCKETS, as "
            "s3://bucket/folder/file.tif. Put the file into one of them, or upload it."
        )
    return bucket, key


def _client() -> Any:
    # It takes a quarter of a second to load, and few scenes come from there.
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    session = boto3.Session()
    signing = {} if session.get_credentials() else {"signature_version": UNSIGNED}
    config = Config(
        connect_timeout=_SILENCE_SECONDS,
        read_timeout=_SILENCE_SECONDS,
        retries={"max_attempts": 3},
        **signing,
    )
    region = session.region_name or "us-east-1"
    return session.client("s3", endpoint_url=settings.S3_ENDPOINT or None, region_name=region, config=config)
