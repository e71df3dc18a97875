"""What whoever runs the desk sets: read from the environment, then from a file, checked once, printed by `config`.

The environment's names begin with REFUND_DESK_ (and DATABASE_URL); the file is TOML with the same names in lower case,
without the beginning: `refund-desk.toml` beside the program, or the file that REFUND_DESK_CONFIG names. What managers
set on the desk's own page is something else and lies in the store.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "REFUND_DESK_"
FILE_VARIABLE = "REFUND_DESK_CONFIG"
PROJECT = Path(__file__).resolve().parents[1]
FILE = PROJECT / "refund-desk.toml"
MASK = "(set, not shown)"


class ConfigurationError(ValueError):
    """A setting that cannot be; the sentence says which, and what is wanted."""


class Configuration(BaseSettings):
    """The settings of the program, each with what it does."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    data: Path = Field(PROJECT / "data" / "desk", description="folder of the store, its evidence and its backups")
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="another store than the file in it",
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8501, ge=0, le=65535, description="port to listen on; 0: any free one")
    behind_tls_proxy: str = Field("", description="host name under which a proxy in front speaks HTTPS; *: any")
    tls_cert: Path | None = Field(None, description="certificate with which the desk speaks HTTPS itself")
    tls_key: Path | None = Field(None, description="its key")
    log: Literal["text", "json"] = Field("text", description="how the log is written: text, or a JSON object a line")
    metrics_token: SecretStr | None = Field(
        None, description="what a scraper of /metrics shows; unset: /metrics is closed"
    )
    session_idle_minutes: int = Field(60, ge=1, le=720, description="a session that nobody used for so long ends")
    session_hours: int = Field(12, ge=1, le=24, description="a session ends so long after it began")
    keep_backups: int = Field(14, ge=1, le=10_000, description="backups that are kept")
    keep_evidence_days: int = Field(
        0, ge=0, description="files of evidence go so long after a claim is closed; 0: never"
    )
    keep_personal_days: int = Field(0, ge=0, description="personal data goes so long after a claim is closed; 0: never")
    uploads_mb: int = Field(150, ge=1, le=10_000, description="megabytes of uploads that one person's pages may hold")
    smtp_host: str = Field("", description="server by which mails go out; unset: none do")
    smtp_port: str = Field("", description="its port")
    smtp_security: str = Field("", description="starttls, tls or none")
    smtp_user: str = Field("", description="name to sign in there")
    smtp_password: SecretStr | None = Field(None, description="password to sign in there")
    smtp_ca: str = Field("", description="file of certificates to trust it by")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file."""
        del settings_cls, init_settings, dotenv_settings, file_secret_settings
        return env_settings, _File(cls)


class _File(PydanticBaseSettingsSource):
    """The settings of the file."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002 - the protocol's own
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All that the file says."""
        return of_file(file())


@dataclass(frozen=True)
class Setting:
    """One setting as it holds, for people."""

    name: str
    value: str
    source: str
    what: str


def file() -> Path | None:
    """The file of settings; None where there is none. Raises `ConfigurationError` for a named one that is missing."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise ConfigurationError(f"{FILE_VARIABLE} names {named}, and there is no such file.")
        return Path(named)
    return FILE if FILE.is_file() else None


def of_file(path: Path | None) -> dict[str, Any]:
    """What a file of settings says. Raises `ConfigurationError` for one that cannot be read or has a strange name."""
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise ConfigurationError(f"{path} cannot be read: {wrong}.") from wrong
    if strange := sorted(found.keys() - Configuration.model_fields.keys()):
        known = ", ".join(Configuration.model_fields)
        raise ConfigurationError(f"{path}: there is no setting called {strange[0]}. There are: {known}.")
    return found


def load() -> Configuration:
    """All settings, checked. Raises `ConfigurationError` naming the first that cannot be."""
    try:
        return Configuration()  # type: ignore[call-arg]
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = str(first["loc"][0])
        where = _source(_name(name), os.environ, of_file(file()))
        raise ConfigurationError(f"The setting {_name(name)} ({where}) cannot be: {first['msg']}.") from None


def into_environment() -> None:
    """Have what the file says stand in the environment, where that says nothing: the desk's parts read it there."""
    found = of_file(file())
    for name, value in found.items():
        os.environ.setdefault(variable(name), str(value))


def variable(name: str) -> str:
    """The environment's name of a setting."""
    return "DATABASE_URL" if name == "database_url" else PREFIX + name.upper()


def told() -> Iterator[Setting]:
    """Every setting with where it came from; secrets are not shown. Raises `ConfigurationError`."""
    now, said = load(), of_file(file())
    for name, field in Configuration.model_fields.items():
        value = getattr(now, name)
        shown = MASK if isinstance(value, SecretStr) else "" if value is None else str(value)
        yield Setting(name, shown, _source(name, os.environ, said), field.description or "")


def _name(loc: str) -> str:
    return "database_url" if loc == "DATABASE_URL" else loc


def _source(name: str, environment: Mapping[str, str], said: Mapping[str, Any]) -> str:
    if environment.get(variable(name)):
        return f"environment, {variable(name)}"
    return f"file, {file()}" if name in said else "default"
