"""The words of agency files, in Chinese and English, and the wire names that they stand for."""

from __future__ import annotations

from domain.identity_documents import Kind

# Columns of facts: the wire name of a field, and what else its column may be called.
_FACT_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("事件编号", "event_id"),
    "type": ("事项", "fact"),
    "on": ("发生日期",),
    "recorded_on": ("收到日期",),
    "area": ("统筹区",),
    "corrects": ("更正编号",),
    "withdrawn": ("撤销",),
    "scheme": ("险种",),
    "plan_year": ("年度",),
    "capacity": ("参保身份",),
    "tier": ("缴费档次",),
    "supplementary": ("补充保险",),
    "household": ("户号",),
    "channel": ("渠道",),
    "kind": ("缴费类型",),
    "months": ("缴费月数",),
    "years": ("预缴年数",),
    "from_month": ("起始月",),
    "to_month": ("终止月",),
    "arrived_on": ("到账日期",),
    "amount": ("金额",),
    "repairs_year": ("修复年度",),
    "payer": ("缴费人",),
    "identity": ("登记证件",),
    "name_used": ("登记姓名",),
    "guardian_covered": ("监护人参保",),
    "mother_covered": ("母亲参保",),
    "move": ("迁移类型",),
    "form": ("就业形式",),
    "first_time": ("首次就业",),
    "level": ("学段",),
    "out_of_city": ("市外就学",),
    "leaving": ("离校原因",),
    "group": ("身份标识",),
    "relative": ("随军家属",),
    "premium_paid_until": ("政府代缴至",),
    "all_enrolled": ("全家参保",),
    "since": ("起始日期",),
    "usual_residence": ("常住地",),
    "continuous_months": ("连续月数",),
    "paid_up": ("已缴清",),
    "can_pay_now": ("可即时缴费",),
    "full_time": ("全日制",),
    "keep_area": ("保留地",),
    "commitment": ("书面承诺",),
    "from_area": ("转出地",),
    "to_area": ("转入地",),
    "serious_illness": ("大病",),
    "quota_used": ("已用限额",),
    "discharged_on": ("出院日期",),
}

# Columns of documents, by kind; a newborn without papers is known by mother, day and order.
DOCUMENT_COLUMNS: dict[str, Kind] = {
    "id_number": "id_number",
    "birth_certificate": "birth_certificate",
    "residence_card": "residence_card",
    "passport": "passport",
    "provisional": "provisional",
}
MOTHER, BORN, ORDER = "mother_id_number", "born", "birth_order"
_PERSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("姓名",),
    "id_number": ("身份证号",),
    "birth_certificate": ("出生医学证明编号",),
    "residence_card": ("永久居留证号",),
    "passport": ("护照号",),
    "provisional": ("临时编号",),
    MOTHER: ("母亲身份证号",),
    BORN: ("出生日期",),
    ORDER: ("胎次",),
}

COLUMNS: dict[str, str] = {
    title: column
    for columns in (_FACT_COLUMNS, _PERSON_COLUMNS)
    for column, titles in columns.items()
    for title in (column, *titles)
}
"""Every title of a column, and the column that it stands for."""
CHINESE: dict[str, str] = {
    column: titles[0] for columns in (_FACT_COLUMNS, _PERSON_COLUMNS) for column, titles in columns.items()
}

# What a cell may say, by the column it stands in.
WORDS: dict[str, dict[str, str]] = {
    "type": {
        "出生": "birth",
        "参保登记": "registered",
        "缴费": "paid",
        "更新信息": "identity_updated",
        "死亡": "died",
        "入学": "school_entered",
        "离校": "school_left",
        "落户": "hukou_registered",
        "迁移": "moved",
        "就业": "employment_started",
        "离职": "employment_ended",
        "停保申请": "stop_requested",
        "身份认定": "group_granted",
        "身份终止": "group_ended",
        "退役": "discharged",
        "重复参保": "also_enrolled",
        "扣款失败": "deduction_failed",
    },
    "scheme": {"居民": "resident", "职工": "employee"},
    "capacity": {"普通": "ordinary", "新生儿": "newborn", "学生": "student", "灵活就业": "flexible", "单位": "unit"},
    "kind": {"个人": "individual", "全额": "full", "修复": "repair", "一次性": "lump_sum"},
    "payer": {"个人": "person", "单位": "employer", "政府": "government", "家庭": "family"},
    "name_used": {"本人": "own", "父母": "parent", "虚拟号": "virtual"},
    "level": {"大学": "college", "中小学": "school", "幼儿园": "kindergarten"},
    "leaving": {"毕业": "graduated", "退学": "left"},
    "move": {"户籍": "hukou", "居住": "residence", "回国": "returned_from_abroad", "刑满释放": "released"},
    "group": {
        "建档立卡": "poor_registered",
        "低保": "low_income",
        "五保": "five_guarantee",
        "特困": "five_guarantee",
        "孤儿": "orphan",
        "重点优抚": "entitled_group",
        "退役军人": "veteran",
    },
}

# A column whose wire name another column has already.
WIRE_NAMES = {"name_used": "name", "move": "kind", "leaving": "reason"}

# What a cell of a document says where there is none: nothing equals it.
NO_DOCUMENT = frozenset({"", "无", "没有", "空", "0", "-", "/", "none", "null", "n/a", "na", "nil"})

DATES = frozenset({"on", "recorded_on", "arrived_on", "premium_paid_until", "since", "discharged_on"})
YEARS = frozenset({"plan_year", "repairs_year"})
NUMBERS = frozenset({"tier", "months", "years", "continuous_months"})
TRUTHS = frozenset(
    {
        *("withdrawn", "supplementary", "guardian_covered", "mother_covered", "first_time", "out_of_city", "relative"),
        *("all_enrolled", "usual_residence", "paid_up", "can_pay_now", "full_time", "commitment", "serious_illness"),
        "quota_used",
    }
)
YES = frozenset({"是", "有", "已", "true", "yes", "y", "1"})
NO = frozenset({"否", "无", "未", "false", "no", "n", "0"})
