"""The words of agency files, in Chinese and English, and the wire names that they stand for."""

from __future__ import annotations

# Column headings. What stands here twice is one column under two names.
COLUMNS: dict[str, str] = {
    "事件编号": "id",
    "event_id": "id",
    "身份证号": "id_number",
    "id_number": "id_number",
    "出生医学证明编号": "birth_certificate",
    "birth_certificate": "birth_certificate",
    "姓名": "name",
    "name": "name",
    "统筹区": "area",
    "area": "area",
    "事项": "type",
    "fact": "type",
    "发生日期": "on",
    "on": "on",
    "收到日期": "recorded_on",
    "recorded_on": "recorded_on",
    "险种": "scheme",
    "scheme": "scheme",
    "年度": "plan_year",
    "plan_year": "plan_year",
    "参保身份": "capacity",
    "capacity": "capacity",
    "缴费类型": "kind",
    "kind": "kind",
    "到账日期": "arrived_on",
    "arrived_on": "arrived_on",
    "金额": "amount",
    "amount": "amount",
    "登记姓名": "name_used",
    "name_used": "name_used",
    "学段": "level",
    "level": "level",
}

# What a cell may say, by the field it stands in.
WORDS: dict[str, dict[str, str]] = {
    "type": {
        "出生": "birth",
        "参保登记": "registered",
        "缴费": "paid",
        "更新信息": "identity_updated",
        "死亡": "died",
        "入学": "school_entered",
        "离校": "school_left",
    },
    "scheme": {"居民": "resident", "职工": "employee"},
    "capacity": {"普通": "ordinary", "新生儿": "newborn", "学生": "student", "灵活就业": "flexible", "单位": "unit"},
    "kind": {"个人": "individual", "全额": "full"},
    "name_used": {"本人": "own", "父母": "parent", "虚拟号": "virtual"},
    "level": {"大学": "college", "中小学": "school", "幼儿园": "kindergarten"},
}

# A field of a file whose wire name another field of the file has already.
WIRE_NAMES = {"name_used": "name"}
# Which document a fact was made on follows from the columns that are filled.
DOCUMENT_COLUMNS = ("id_number", "birth_certificate")
