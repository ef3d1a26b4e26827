"""The settings about the schema registry: where it is, and how it knows us."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from stream_rcf.settings.base import Number, Section, WholeSentenceError

MAX_TIMEOUT_SECONDS = 60  # one question must leave the group's member time to stay in the group


class SchemaRegistrySettings(Section):
    """Where the schemas of ``events.format`` other than json are."""

    url: str = Field(
        default="",
        description="address of the schema registry; Apicurio's ends in /apis/ccompat/v7",
        json_schema_extra={"allowed": "an address such as https://registry:8081"},
    )
    username: str = Field(default="", description="name for HTTP basic authentication; empty for none")
    password: SecretStr = Field(
        default=SecretStr(""), description="password of that name", json_schema_extra={"secret": True}
    )
    ca_file: str = Field(
        default="", description="file with the certificates to trust for https; empty for the usual ones"
    )
    timeout_seconds: Number = Field(
        default=5.0, gt=0, le=MAX_TIMEOUT_SECONDS, description="the longest wait for one answer"
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if "@" in url:  # addresses are logged, and so would this complaint show it
            raise WholeSentenceError(
                "schema_registry.url holds a name or a password before its @: "
                "use schema_registry.username and schema_registry.password",
                "schema_registry.url",
            )
        if not url:
            return url
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not url.isprintable() or " " in url:
            raise ValueError("must be an address such as https://registry:8081")
        if parts.query or parts.fragment:
            raise ValueError("must end with a path, without ? or #")
        return url.rstrip("/")

    @field_validator("password")
    @classmethod
    def _check_password(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        if password.get_secret_value() and not info.data.get("username"):
            raise ValueError("needs schema_registry.username beside it")
        return password
