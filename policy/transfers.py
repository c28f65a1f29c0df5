"""Transfers between pooling areas (转移接续): who may apply, and by which working day each side must be done.

Sources: 医保办发〔2021〕43号 (ten working days out, five in; residents in principle not within the same year; employees
once the old side stopped and the new one enrolled), 社会保险法 art. 32 (years add up), and the area.
"""

from __future__ import annotations

from datetime import date

from domain.assessment import Matter, Notice
from domain.bilingual import Text
from domain.facts import TransferCompleted, TransferRequested, TransferSheetReceived
from policy import working_days
from policy.case import Case, Reasoning
from policy.counting import DAY
from policy.employee import Employee
from policy.pack_library import NotStated
from policy.parameters import POOLING, TRANSFER_IN, TRANSFER_OUT, TRANSFER_RESIDENT_YEAR
from policy.relations import Relation

RULE = "transfers"


def judge(case: Case, relations: list[Relation], working: Employee) -> None:
    """Find the deadlines of each transfer, and refuse those that the rules do not admit."""
    for request in case.of(TransferRequested):
        reasoning = Reasoning(case, RULE, request.from_area, request.on.year)
        because = _not_admitted(reasoning, relations, working, request)
        if because is not None:
            case.findings.refuse(request, because)
            reasoning.value(TRANSFER_OUT, request.on)
            reasoning.decide(because, request.on)
            continue
        _watch(reasoning, request)


def working_days_after(day: date, count: int) -> tuple[date, bool]:
    """The day that lies `count` working days after a day, which is not counted; and whether that is provisional."""
    provisional = False
    for _ in range(count):
        found = working_days.on_or_after(day + DAY)
        day, provisional = found.day, provisional or found.provisional
    return day, provisional


def _not_admitted(
    reasoning: Reasoning, relations: list[Relation], working: Employee, request: TransferRequested
) -> Text | None:
    if _same_pooling_area(reasoning, request):
        return Text("同一统筹地区内不办理转移接续", "no transfer within one pooling area")
    if request.scheme == "resident":
        return _resident(reasoning, relations, request)
    stopped = not any(
        job.area == request.from_area and (job.ended is None or job.ended > request.on) and job.began <= request.on
        for job in working.jobs
    )
    if not stopped:
        return Text("原参保地尚未停保", "the relation in the old area has not been stopped")
    return None


def _same_pooling_area(reasoning: Reasoning, request: TransferRequested) -> bool:
    """After pooling at city level two counties of one city are one area."""
    if request.from_area == request.to_area:
        return True
    if request.from_area[:4] != request.to_area[:4]:
        return False
    return reasoning.value(POOLING, request.on) == "city"


def _resident(reasoning: Reasoning, relations: list[Relation], request: TransferRequested) -> Text | None:
    """Not within the same year: who has joined the next year's scheme at the new place may apply."""
    allowed = reasoning.look_up(TRANSFER_RESIDENT_YEAR, request.on)
    if isinstance(allowed, NotStated) or allowed.value:
        return None
    joined = [
        relation
        for relation in relations
        if relation.area == request.to_area and relation.plan_year > _year_at_home(relations, request)
    ]
    if joined and joined[0].registered.on <= request.on:
        return None
    return Text(
        "居民医保当年度原则上不办理转移接续,参加转入地下一年度居民医保后可申请",
        "residents are in principle not transferred within the year; "
        "who has joined the next year's scheme at the new place may apply",
    )


def _year_at_home(relations: list[Relation], request: TransferRequested) -> int:
    years = [
        relation.plan_year
        for relation in relations
        if relation.area == request.from_area and relation.registered.on <= request.on
    ]
    return max(years, default=request.on.year - 1)


def _watch(reasoning: Reasoning, request: TransferRequested) -> None:
    """Each side has its working days: out from the application, in from the sheet (《信息表》)."""
    case = reasoning.case
    sheet = next((fact for fact in case.of(TransferSheetReceived) if _same(fact, request)), None)
    done = next((fact for fact in case.of(TransferCompleted) if _same(fact, request)), None)
    if done is not None:
        reasoning.value(TRANSFER_OUT, request.on)
        reasoning.decide(Text(f"{done.on}转移接续办结", f"the transfer was completed on {done.on}"), request.on)
        return
    if sheet is None:
        term, area, matter, start = TRANSFER_OUT, request.from_area, Matter.TRANSFER_OUT, request.on
    else:
        term, area, matter, start = TRANSFER_IN, request.to_area, Matter.TRANSFER_IN, sheet.on
    side = Reasoning(case, RULE, area, start.year)
    count = side.look_up(term, start)
    if isinstance(count, NotStated):
        side.park(count)
        return
    ends, provisional = working_days_after(start, count.value)
    doubt = (
        Text("(节假日安排未公布,暂定)", " (rest days not published yet, provisional)") if provisional else Text("", "")
    )
    because = Text(
        f"{area}须在{count.value}个工作日内办结,即{ends}{doubt.zh}",
        f"{area} has {count.value} working days, until {ends}{doubt.en}",
    )
    if ends >= case.as_of:
        case.remind(matter, ends, because, to="area")
    else:
        case.findings.notices.append(Notice("area", Matter.TRANSFER_OVERDUE, ends + DAY, because))
    side.decide(because, start)


def _same(fact: TransferSheetReceived | TransferCompleted, request: TransferRequested) -> bool:
    ours = (request.scheme, request.from_area, request.to_area)
    return (fact.scheme, fact.from_area, fact.to_area) == ours and fact.on >= request.on
