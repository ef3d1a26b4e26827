"""Protobuf messages for tests: classes made from .proto texts, as a producer's build would make them."""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from stream_rcf.kafka.schema_registry_protobuf_files import known_files
from stream_rcf.kafka.schema_registry_protoc import compile_texts


class Producer:
    """The classes of one .proto text and those it refers to, by message name; nested ones are attributes."""

    def __init__(self, text: str, **references: str) -> None:
        self.files: list[FileDescriptorProto] = compile_texts(text, references, known_files())
        pool = descriptor_pool.DescriptorPool()
        for file in self.files:
            pool.Add(file)
        self._pool = pool

    def message(self, name: str) -> Any:
        """The class of a message, by its full name."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))

    def serialized(self, index: int = -1) -> str:
        """A file as registries keep it in its binary form."""
        return base64.b64encode(self.files[index].SerializeToString()).decode()
