"""The operator's page of a life in the Web UI: what an assessment found, in Chinese and English, as Markdown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from domain.assessment import MATTER_NAMES, Assessment, Coverage
from domain.bilingual import Text
from domain.money import yuan
from domain.status import STATUS_NAMES, Status

# The page of a long life shows what is recent; the ledger has the rest.
_RECENT_YEARS = 2
_REASONS = 2


def latest_reasons(because: Text) -> Text:
    """Why days hold; of many years that follow one another the latest reasons."""
    zh, en = because.zh.split(";"), because.en.split("; ")
    if len(zh) <= _REASONS or len(zh) != len(en):
        return because
    return Text("…;" + ";".join(zh[-_REASONS:]), "…; " + "; ".join(en[-_REASONS:]))


def describe_assessment(whole: Assessment, status: Status, area: Text, today: date) -> str:
    """Status and area first, then cover, what is owed, what falls due, and what a person must decide."""
    found = _recent(whole, today)
    lines = [f"## {STATUS_NAMES[status].both()} — {area.both()}"]
    for title, items in (
        (Text("待遇享受期", "Cover"), _cover(found)),
        (Text("等待期", "Waiting periods"), [f"{wait.start} → {wait.end or '?'}" for wait in found.waits]),
        (Text("待遇暂停", "Suspended"), [_days(item.start, item.end, item.because) for item in found.suspensions]),
        (Text("关系终止", "Terminated"), [f"{item.on}: {item.because.both()}" for item in found.terminations]),
        (Text("应缴", "Levies"), _levies(found)),
        (Text("退费", "Refunds"), _refunds(found)),
        (Text("扣减财政补助", "Subsidy deducted"), [item.because.both() for item in found.clawbacks]),
        (Text("期限", "Deadlines"), [f"{item.on}: {MATTER_NAMES[item.matter].both()}" for item in found.deadlines]),
        (Text("不予受理", "Refused"), [item.because.both() for item in found.refused]),
        (Text("需要人工决定", "To be decided"), [f"`{item.question}` {item.because.both()}" for item in found.parked]),
    ):
        if items:
            lines.append(f"\n**{title.both()}**\n")
            lines.extend(f"- {item}" for item in items)
    return "\n".join(lines)


def _recent(found: Assessment, today: date) -> Assessment:
    since = today.year - _RECENT_YEARS

    def ends_late(end: date | None) -> bool:
        return end is None or end.year >= since

    return replace(
        found,
        coverage=[item for item in found.coverage if ends_late(item.end)],
        waits=[item for item in found.waits if ends_late(item.end)],
        undetermined=[item for item in found.undetermined if ends_late(item.end)],
        suspensions=[item for item in found.suspensions if ends_late(item.end)],
        terminations=[item for item in found.terminations if ends_late(item.on)],
        levies=[item for item in found.levies if item.plan_year >= since],
        refunds=[item for item in found.refunds if item.plan_year >= since],
        clawbacks=[item for item in found.clawbacks if item.plan_year >= since],
    )


def _days(start: date, end: date | None, because: Text) -> str:
    return f"{start} → {end or '…'}: {latest_reasons(because).both()}"


def _cover(found: Assessment) -> list[str]:
    days = [_share(span) + _days(span.start, span.end, span.because) for span in found.coverage]
    return days + ["? " + _days(span.start, span.end, span.because) for span in found.undetermined]


def _share(span: Coverage) -> str:
    """What is paid of the benefits, where it is not all of them."""
    part = f"{span.share:%} " if span.share != 1 else ""
    return part + {None: "", "inpatient": "住院 · in-patient ", "outpatient": "门诊 · out-patient "}[span.service]


def _refunds(found: Assessment) -> list[str]:
    return [
        f"{item.plan_year}: {yuan(item.amount) + ' 元' if item.amount is not None else '?'} {item.because.both()}"
        for item in found.refunds
    ]


def _levies(found: Assessment) -> list[str]:
    return [
        f"{levy.plan_year}: {yuan(levy.person) + ' 元' if levy.person is not None else '?'}"
        + (f" (≤ {levy.due})" if levy.due else "")
        for levy in found.levies
    ]
