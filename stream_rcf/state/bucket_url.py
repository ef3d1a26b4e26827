"""URLs of buckets: ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``az://container/prefix``."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from stream_rcf.errors import UsageError

SCHEMES = ("s3", "gs", "az")
# What any of the three clouds allows in the name of a bucket or container; each is stricter in its own way.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}[A-Za-z0-9]")
_ENVIRONMENT = "credentials come from the cloud's usual environment variables or the machine's role"


class BucketUrl(NamedTuple):
    """A bucket and the prefix below which everything is kept; ``""`` is the bucket's root."""

    scheme: str  # one of SCHEMES
    bucket: str
    prefix: str  # decoded, without slashes around it

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def parse_bucket_url(url: str, option: str = "checkpoint.url") -> BucketUrl:
    """Take the URL of a bucket apart that ``option`` gave. Raises ``UsageError`` for anything else.

    What might be a credential is refused, and no refusal repeats a part of the URL but its scheme: a password with
    a stray character in it can look like any part.
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in SCHEMES:
        raise UsageError(f"{option}: a bucket's URL begins with one of {', '.join(SCHEMES)}")
    advice = f"write {scheme}://{'container' if scheme == 'az' else 'bucket'}/prefix"
    try:
        parts = urlsplit(url)
    except ValueError:
        # urllib's error quotes the URL, and would stay attached to one raised from here.
        parts = None
    if parts is None:
        raise UsageError(f"{option} ({scheme}:) is not a URL: {advice}")
    if "@" in parts.netloc:
        raise UsageError(f"{option} ({scheme}:) has something before an @: {advice}; {_ENVIRONMENT}")
    if "?" in url or "#" in url:
        raise UsageError(
            f"{option} ({scheme}:) has a query or a fragment (a ? or #): {advice}; {_ENVIRONMENT}"
        )
    if not url[len(scheme) + 1 :].startswith("//") or not parts.netloc:
        raise UsageError(f"{option} ({scheme}:) names no bucket: {advice}")
    if not _BUCKET.fullmatch(parts.netloc):
        raise UsageError(
            f"{option} ({scheme}:): the name of a bucket has 3 or more letters, digits, dots, hyphens "
            f"and underscores, and nothing else: {advice}; {_ENVIRONMENT}"
        )
    prefix = unquote(parts.path).strip("/")
    if not prefix.isprintable() or any(step in ("", ".", "..") for step in prefix.split("/") if prefix):
        raise UsageError(
            f"{option} ({scheme}:): the prefix has an empty step, a step of dots or a character "
            f"that cannot be printed: {advice}"
        )
    return BucketUrl(scheme, parts.netloc, prefix)
