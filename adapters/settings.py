"""Every setting of Canbao, with its default and unit. `docs/configuration.md` is made from this model.

Each is read from the environment as CANBAO_<NAME>. How to reach Temporal is not set here: the standard TEMPORAL_*
environment and temporal.toml profiles hold, as for Temporal's own tools.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.keys.ciphers import Cipher, KeyedHash
from domain.errors import ConfigurationError

PREFIX = "CANBAO_"


class Settings(BaseSettings):
    """What a process of Canbao is told from outside."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path = Field(
        default=Path(".canbao"),
        description="数据目录 · folder of the registry, the notice log and the key secret",
    )
    database_url: str = Field(
        default="",
        description="登记库地址,空则为数据目录中的 SQLite · address of the registry, postgresql://USER@HOST/NAME or "
        "sqlite:///FILE; empty: SQLite in the data folder",
    )
    tax_address: str = Field(
        default="http://127.0.0.1:8650",
        pattern=r"^https?://",
        description="税务系统地址 · address of the tax bureau's service",
    )
    tax_calls_per_second: Annotated[float, Field(gt=0)] = Field(
        default=50,
        description="税务队列每秒活动数上限(整个集群) · activities of the tax queue per second, cluster-wide (number)",
    )
    key_ring: str = Field(
        default="",
        description="密钥环:空为数据目录中的文件(首次启动时建立);文件路径(密钥库挂载);env:变量名;vault:挂载点/密钥名 · "
        "the key ring: empty for a file in the data folder, made at first start; a file that a secret store mounts; "
        "env:NAME for a variable; vault:MOUNT/KEY for HashiCorp Vault transit by VAULT_ADDR and VAULT_TOKEN",
    )
    cipher: Cipher = Field(
        default=Cipher.AES,
        description="加密算法:AES-256-GCM 或国密 SM4-GCM · cipher of payloads and of the registry's personal columns",
    )
    identity_hash: KeyedHash = Field(
        default=KeyedHash.SHA256,
        description="证件号码的带密钥散列:HMAC-SHA-256 或国密 HMAC-SM3 · keyed hash by which identity documents are "
        "found",
    )
    plain_payloads: bool = Field(
        default=False,
        description="接受未加密的 Temporal 消息,仅限开发与从未加密版本升级期间 · read messages in Temporal that are "
        "not encrypted; for development, and while runs of a release that did not encrypt go on",
    )
    senders: Path = Field(
        default=Path("samples"),
        description="报送单位目录 · folder with a folder per sender: sender.yaml and mapping.yaml",
    )
    operators: Path = Field(
        default=Path("operators.yaml"),
        description="经办人员名单,样例见 samples/operators.yaml · file that lists the operators, their roles and areas",
    )
    key_set: str = Field(
        default="",
        description="验证令牌的公钥集(JWKS),文件或网址,空则为开发签发者的公钥 · keys by which tokens are "
        "checked (JWKS), a file or an https address; empty: those of the development issuer in the data folder",
    )
    token_issuer: str = Field(
        default="http://127.0.0.1:8670",
        description="令牌签发者 · issuer whose tokens are accepted (claim iss)",
    )
    token_audience: str = Field(
        default="canbao", min_length=1, description="令牌受众 · audience that tokens must name (claim aud)"
    )
    answer_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=5,
        description="接口等待回执的时间,秒,超过则答复 202 · how long the HTTP API waits for a receipt, before it "
        "answers 202 (seconds)",
    )
    metrics_address: str = Field(
        default="127.0.0.1:9464",
        description="指标地址,空则不提供 · where metrics are served (Prometheus), host:port; empty for none",
    )
    shifted_clocks: bool = Field(
        default=False,
        description="允许时钟偏移,仅限演示与测试 · serve lives whose clock is shifted; demonstrations and tests",
    )
    cached_lives: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="内存中的个人流程数 · lives held in memory (number)"
    )
    shutdown_seconds: Annotated[int, Field(ge=0)] = Field(
        default=30, description="停止前完成在办事项的时间,秒 · time to finish what is in hand after SIGTERM (seconds)"
    )
    activity_slots: Annotated[int, Field(ge=1)] = Field(
        default=20, description="每个队列同时办理数 · activities at once per task queue (number)"
    )
    build_id: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="发布版本号,空则不分版本 · build id of this release, e.g. a commit; empty: lives are not versioned",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="日志级别 · least level that is logged"
    )

    @property
    def registry_address(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'registry.db'}"

    @property
    def notice_file(self) -> Path:
        return self.data / "notices.jsonl"

    @property
    def push_secret_file(self) -> Path:
        return self.data / "tax-push.secret"

    @property
    def issuer_key_file(self) -> Path:
        return self.data / "dev-issuer.secret"

    @property
    def key_set_address(self) -> str:
        return self.key_set or str(self.data / "dev-issuer.jwks.json")

    @property
    def key_ring_file(self) -> Path:
        return self.data / "key-ring.json"

    @property
    def secret_file(self) -> Path:
        return self.data / "person-key.secret"


def load_settings() -> Settings:
    """The settings from the environment.

    Raises ConfigurationError for a value that does not fit and for a CANBAO_* variable that is no setting.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigurationError(
            f"{unknown[0]} is not a setting; the settings are {', '.join(sorted(known))}",
            f"没有{unknown[0]}这一设置;全部设置为:{', '.join(sorted(known))}",
        )
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise ConfigurationError(
            f"{name} cannot be used: {first['msg']}", f"设置{name}无法使用:{first['msg']}"
        ) from None
