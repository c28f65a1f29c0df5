"""Where a life stands, in one word that stays true across days on which nothing is due."""

from __future__ import annotations

from enum import StrEnum

from domain.bilingual import Text


class Status(StrEnum):
    """参保状态. `enrolled` says that a year is paid for, not that today is covered: the dates say that."""

    UNREGISTERED = "unregistered"
    NEWBORN_WINDOW_OPEN = "newborn_window_open"
    AWAITING_PAYMENT = "awaiting_payment"
    ENROLLED = "enrolled"
    WAITING = "waiting"
    UNDETERMINED = "undetermined"
    NOT_ENROLLED = "not_enrolled"
    DECEASED = "deceased"


STATUS_NAMES: dict[Status, Text] = {
    Status.UNREGISTERED: Text("未登记", "unregistered"),
    Status.NEWBORN_WINDOW_OPEN: Text("新生儿待参保", "newborn window open"),
    Status.AWAITING_PAYMENT: Text("已登记待缴费", "awaiting payment"),
    Status.ENROLLED: Text("已参保", "enrolled"),
    Status.WAITING: Text("待遇等待期", "waiting period"),
    Status.UNDETERMINED: Text("待人工决定", "undetermined"),
    Status.NOT_ENROLLED: Text("未参保", "not enrolled"),
    Status.DECEASED: Text("已死亡", "deceased"),
}
