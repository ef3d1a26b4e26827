"""One checkpoint on its way into a folder: first its segment, then the manifest that makes it count."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

from stream_rcf.errors import CheckpointError
from stream_rcf.state.checkpoint_cleanup import remove_superseded
from stream_rcf.state.durable_files import NewFile
from stream_rcf.state.frames import SegmentEncoder
from stream_rcf.state.manifest import (
    Manifest,
    PartitionId,
    Segment,
    encode_manifest,
    manifest_name,
    segment_name,
    segment_number,
)

logger = logging.getLogger(__name__)


class FileSegmentWriter:
    """A ``SegmentWriter`` into a folder that exists.

    ``base_keys`` are the keys of ``base``; ``on_published`` receives the new checkpoint and its own keys;
    ``now`` gives epoch seconds.
    """

    def __init__(
        self,
        folder: Path,
        partition: PartitionId,
        fingerprint: str,
        base: Manifest | None,
        number: int,
        *,
        base_keys: Callable[[Manifest], set[str]],
        on_published: Callable[[Manifest, set[str]], None],
        now: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._partition = partition
        self._fingerprint = fingerprint
        self._base = base
        self._number = number
        self._base_keys = base_keys
        self._on_published = on_published
        self._now = now
        self._keys: set[str] = set()
        self._segment: NewFile | None = (
            None  # created with the first frame: a checkpoint without change has none
        )
        self._encoder: SegmentEncoder | None = None
        self._manifest_visible = False
        self._ended = False

    def append(self, key: str, payload: bytes) -> None:
        """Add one key's state; see ``SegmentWriter``."""
        if self._ended:
            raise ValueError("this checkpoint has ended")
        if key in self._keys:
            raise ValueError(f"key {key[:40]!r} was already added to this checkpoint")
        try:
            if self._encoder is None:
                self._segment = NewFile(self._folder)
                self._encoder = SegmentEncoder(self._segment.file, self._fingerprint)
            self._encoder.append(key, payload)
        except OSError as error:
            raise self._failure(error) from error
        self._keys.add(key)

    def finish(self, offset: int, keep_segments: bool) -> Manifest:
        """Make the checkpoint durable and visible; see ``SegmentWriter``."""
        if self._ended:
            raise ValueError("this checkpoint has ended")
        try:
            manifest = self._publish(offset, keep_segments)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            self.abandon()  # closes files; after success nothing else
        try:
            remove_superseded(self._folder, self._partition)
        except OSError as error:  # the checkpoint stands; leftovers cost space until the next one tidies up
            logger.warning(
                "old checkpoints could not be removed: %s",
                error,
                extra={"context": {"topic": self._partition.topic, "partition": self._partition.partition}},
            )
        return manifest

    def abandon(self) -> None:
        """Leave no trace. Does nothing after ``finish``."""
        if self._ended:
            return
        self._ended = True
        if self._segment is None:
            return
        try:
            if self._segment.published is not None and not self._manifest_visible:
                self._segment.published.unlink(missing_ok=True)
        except OSError as error:  # the next checkpoint deletes it, since no manifest names it
            logger.warning("%s could not be removed: %s", self._segment.published, error.strerror)
        finally:
            self._segment.close()

    def _publish(self, offset: int, keep_segments: bool) -> Manifest:
        kept = self._kept_segments(keep_segments)
        known = self._base_keys(self._base) if keep_segments and self._base is not None else set()
        manifest = Manifest(
            partition=self._partition,
            number=self._number,
            offset=offset,
            fingerprint=self._fingerprint,
            created_at=int(self._now() * 1000),
            previous=None if self._base is None else self._base.number,
            keys=len(known) + len(self._keys - known),
            segments=(*kept, *self._publish_segment()),
        )
        document = NewFile(self._folder)
        try:
            document.file.write(encode_manifest(manifest))
            document.sync()
            document.publish(self._folder / manifest_name(self._number))
        except FileExistsError as error:
            raise CheckpointError(
                f"checkpoint {self._number} of {self._partition} exists already:"
                f" another process writes it too"
            ) from error
        finally:
            self._manifest_visible = document.published is not None
            document.close()
        known |= self._keys
        self._on_published(manifest, known)
        return manifest

    def _kept_segments(self, keep_segments: bool) -> tuple[Segment, ...]:
        if not keep_segments:
            return ()
        if self._base is None or self._base.fingerprint != self._fingerprint:
            raise ValueError("only a checkpoint of the same settings can be continued")
        for segment in self._base.segments:
            path = self._folder / segment.name
            if not path.exists():
                raise CheckpointError(
                    f"{path} is gone, so checkpoint {self._base.number} cannot be continued"
                )
        return self._base.segments

    def _publish_segment(self) -> tuple[Segment, ...]:
        if self._segment is None or self._encoder is None:
            return ()
        summary = self._encoder.finish()
        self._segment.sync()
        numbers = (segment_number(name) for name in os.listdir(self._folder))
        number = max((number for number in numbers if number is not None), default=0) + 1
        while self._segment.published is None:
            try:
                self._segment.publish(self._folder / segment_name(number))
            except FileExistsError:
                number += 1  # another writer was quicker
        return (Segment(segment_name(number), *summary),)

    def _failure(self, error: OSError) -> CheckpointError:
        hint = ""
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOLCK):
            hint = " (the file system must support hard links and locks)"
        return CheckpointError(
            f"checkpoint {self._number} of {self._partition} could not be written to {self._folder}:"
            f" {error.strerror}{hint}"
        )
