"""The .proto files that any schema may import without registering them, as descriptors."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto

# The modules are named here one by one: what is imported must not hang on a name in a schema.
_PROTOBUF = (
    "any",
    "source_context",
    "type",
    "api",
    "descriptor",
    "duration",
    "empty",
    "field_mask",
    "struct",
    "timestamp",
    "wrappers",
)
_TYPE = (
    "calendar_period",
    "color",
    "date",
    "dayofweek",
    "decimal",
    "expr",
    "fraction",
    "interval",
    "latlng",
    "money",
    "month",
    "quaternion",
    "timeofday",
)
_MODULES = (
    *(f"google.protobuf.{name}_pb2" for name in _PROTOBUF),
    *(f"google.type.{name}_pb2" for name in _TYPE),
    "confluent_kafka.schema_registry.confluent.meta_pb2",
    "confluent_kafka.schema_registry.confluent.type.decimal_pb2",
)


@lru_cache(maxsize=1)
def known_files() -> Mapping[str, FileDescriptorProto]:
    """Return Protobuf's own files, Google's common types and the registry's, by the name to import."""
    found: dict[str, FileDescriptorProto] = {}
    for module in _MODULES:
        with warnings.catch_warnings(action="ignore"):  # the client's package loads others that grow old
            descriptor: Any = importlib.import_module(module).DESCRIPTOR
        file = FileDescriptorProto()
        descriptor.CopyToProto(file)
        found[file.name] = file
    return found
