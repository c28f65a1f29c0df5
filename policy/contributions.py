"""Contributions of residents: the collection window, its extension, the price in and after it, what payment gives.

Sources: the area's pack. Payment in the window covers the plan year. A notice may extend the window, and says for
what. After it some come in by their own right (exempt people, who leaves the employee scheme); for all others the area
says whether late payment is admitted, at which price and from when it covers.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.assessment import Levy, Matter, Notice
from domain.bilingual import Text
from policy import exemptions, fees, households, students, switching, waiting, windows
from policy.case import Case, Reasoning
from policy.cover_start import beginning, entry_for
from policy.history import History
from policy.outcomes import (
    Judged,
    begin,
    free_of_charge,
    leave_open,
    levy,
    paid_in_full,
    refuse,
)
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    COVER_IN_EXTENSION,
    COVER_IN_WINDOW,
    COVER_LATE,
    EXEMPT,
    GAP_START,
    LATE_ALLOWED,
    LATE_LAST_DAY,
    LATE_PRICE,
    SWITCH_WAIT,
    Parameter,
)
from policy.plan_days import in_plan_year
from policy.relations import Relation, benefit_days, deductions_failed
from policy.values import Price, Start, Starts, WaitRule
from policy.waiting import Beginning


def judge(case: Case, history: History, relation: Relation, earlier: dict[tuple[str, int], Relation]) -> None:
    """Find what follows from one relation under the ordinary rules."""
    reasoning = Reasoning(case, "contributions.window", relation.area, relation.plan_year)
    days = benefit_days(reasoning, relation)
    if days is None:
        return
    relation.period = days = students.until_graduation(reasoning, relation, days)
    judged = Judged(reasoning, history, relation, days)
    free_of_charge(judged)
    _deductions(judged)
    households.judge(reasoning, relation, days[0])
    if students.entry_year(judged):
        return
    closes = windows.collection_end(judged)
    if closes is not None:
        _by_window(judged, closes, earlier)


def _by_window(judged: Judged, closes: date, earlier: dict[tuple[str, int], Relation]) -> None:
    relation, acted = judged.relation, judged.acted
    if acted <= closes or students.continues_paid_years(relation):
        _in_time(judged, closes, COVER_IN_WINDOW, earlier)
        return
    judged.reasoning.tried(
        "window.collect", Text(f"集中参保期已于{closes}结束", f"the collection window closed on {closes}")
    )
    extension = windows.extension(judged, closes)
    if extension is not None:
        payment_end = (
            in_plan_year(extension.last, relation.plan_year) if extension.applies_to != "registration" else None
        )
        _in_time(judged, payment_end, COVER_IN_EXTENSION, earlier)
        return
    exempted = exemptions.exemption(judged.reasoning, judged.history, relation, judged.days[0], acted)
    if exempted is None and relation.paid_on is None:
        registering = exemptions.exemption(
            judged.reasoning, judged.history, relation, judged.days[0], relation.registered.on
        )
        exempted = registering if registering is not None and registering.wrong_place else None
    if exempted is not None and _nearer_rule_for_late(judged, exempted):
        exempted = None
    if exempted is not None and exempted.entry.any_time:
        _exempt(judged, exempted)
        return
    change = switching.switch(judged.reasoning, judged.history, acted)
    if change is not None and _switch(judged, change):
        return
    _late(judged, closes, exempted)


def _deductions(judged: Judged) -> None:
    for failed in deductions_failed(judged.case, judged.relation):
        if judged.relation.paid_on is None or judged.relation.paid_on > failed.on:
            because = Text(
                f"{failed.on}银行扣款未成功,{judged.relation.plan_year}年度保费尚未缴纳",
                f"the bank deduction on {failed.on} failed; the premium for {judged.relation.plan_year} is not paid",
            )
            judged.case.findings.notices.append(Notice("person", Matter.PAYMENT_FAILED, failed.on, because))


def _in_time(
    judged: Judged, closes: date | None, rule: Parameter[Starts], earlier: dict[tuple[str, int], Relation]
) -> None:
    """In the window or its extension: the ordinary price; cover as the area says, after a wait for who missed years."""
    case, relation, days = judged.case, judged.relation, judged.days
    owed = levy(judged, closes)
    if not paid_in_full(case, relation, owed):
        until_zh, until_en = (f",缴费截止{closes}", f"; the premium can be paid until {closes}") if closes else ("", "")
        if closes is not None and closes >= case.as_of:
            because = Text(
                f"{relation.plan_year}年度保费须在{closes}前缴纳",
                f"the premium for {relation.plan_year} is due by {closes}",
            )
            case.remind(Matter.PAYMENT_DUE, closes, because)
        judged.reasoning.decide(
            Text(f"{relation.plan_year}年度已参保登记{until_zh}", f"registered for {relation.plan_year}{until_en}"),
            days[0],
        )
        return
    if relation.months is not None:
        _part_year_unknown(judged)
        return
    because = Text(
        f"{relation.paid_on}按期参保缴费,享受{relation.plan_year}年度待遇",
        f"paid in time on {relation.paid_on}, covered for {relation.plan_year}",
    )
    waited = _wait_of_who_missed_years(judged)
    if waited is not None:
        begin(judged, waited, because)
        return
    entry = entry_for(judged.reasoning, judged.history, relation, rule, days[0])
    if isinstance(entry, NotStated):
        judged.reasoning.park(entry)
        leave_open(judged, days[0], days[1], entry.key)
        judged.reasoning.decide(
            Text(f"享受待遇的起始日没有规定:{entry.key}", f"the start of cover is not stated: {entry.key}"), days[0]
        )
        return
    start = _beginning(judged, entry.value)
    if start.day is not None and start.day == days[0]:
        start = Beginning(students.first_day(judged, earlier) or start.day, start.wait, start.question)
    begin(judged, start, because)


def _wait_of_who_missed_years(judged: Judged) -> Beginning | None:
    """38号: who was not enrolled without a break waits even when he pays in time; exempt people do not."""
    waited = waiting.after_lapse(judged.reasoning, judged.history, judged.relation, judged.days[0])
    if waited is None:
        return None
    exempted = exemptions.exemption(judged.reasoning, judged.history, judged.relation, judged.days[0], judged.acted)
    if exempted is not None and not exempted.unsure:
        judged.reasoning.rely_on(exempted.found)
        judged.reasoning.tried("wait.fixed", Text("不设等待期的人员", "the person is exempt from the wait"))
        return None
    if exempted is not None:
        _park_unsure(judged)
        return Beginning(None, None, EXEMPT.key)
    change = switching.switch(judged.reasoning, judged.history, judged.days[0])
    if change is not None and change.kind == "within_gap":
        judged.reasoning.tried(
            "wait.fixed", Text("职工医保中断未超过规定期限", "the gap after the employee scheme is short")
        )
        return None
    return waited


def _exempt(judged: Judged, exempted: exemptions.Exempted) -> None:
    """Somebody who may come at any time, or who does not wait: the price, and cover from the day the area says."""
    entry, relation = exempted.entry, judged.relation
    judged.reasoning.rely_on(exempted.found)
    if exempted.wrong_place:
        _wrong_place(judged)
        return
    # Who is not held to the window pays what is paid in it; of whom that is not certain, the late price holds.
    owed = _late_levy(judged, entry.price or (None if exempted.unsure else "individual"))
    if not paid_in_full(judged.case, relation, owed):
        if exempted.until is not None and exempted.until >= judged.case.as_of:
            text = Text(f"在{exempted.until}前缴费", f"to be paid by {exempted.until}")
            judged.case.remind(Matter.PAYMENT_DUE, exempted.until, text)
        judged.reasoning.decide(
            Text(
                f"{relation.plan_year}年度可不受集中参保期限制参保", f"may enrol for {relation.plan_year} at any time"
            ),
            judged.days[0],
        )
        return
    start = entry.start
    if exempted.unsure or start is None:
        veteran = bool(entry.events) and set(entry.events) <= {"discharged", "discharged_family"}
        question = "veteran.cover_start" if veteran and not exempted.unsure else EXEMPT.key
        if exempted.unsure:
            _park_unsure(judged)
        else:
            judged.case.park(
                question,
                Text("来源没有规定从哪一天起享受待遇", "the source does not say from which day they are covered"),
            )
        leave_open(judged, max(judged.days[0], relation.paid_on or judged.days[0]), judged.days[1], question)
        judged.reasoning.decide(Text("享受待遇的起始日没有规定", "the start of cover is not stated"), judged.days[0])
        return
    day = beginning(judged.reasoning, judged.history, start, relation, judged.days[0], marks=entry.groups)
    because = Text(
        f"不受集中参保期和等待期限制,自{day.day}起享受待遇",
        f"neither held to the window nor to the wait, covered from {day.day}",
    )
    begin(judged, day, because)


def _wrong_place(judged: Judged) -> None:
    """An entry that only the bureau of the household register's place may make."""
    because = Text("只能在户籍地经办机构办理", "only the bureau where the household register is may do this")
    judged.case.findings.refuse(judged.relation.registered, because)
    for payment in judged.relation.payments:
        judged.case.findings.refuse(payment.fact, because)
    judged.relation.outcome = "refused"
    judged.reasoning.decide(because, judged.days[0])


def _switch(judged: Judged, change: switching.Switch) -> bool:
    """From the employee scheme; False where the ordinary rules for late payers decide."""
    relation, days = judged.relation, judged.days
    if change.kind == "few_years":
        return False
    if change.kind == "over_gap" and change.wait_months is None:
        if isinstance(judged.reasoning.look_up(LATE_ALLOWED, days[0]), Stated):
            return False
        judged.reasoning.park(_not_stated(SWITCH_WAIT, "中断超过规定期限的等待期", "the wait after a longer gap"))
    entry = entry_for(judged.reasoning, judged.history, relation, GAP_START, judged.acted)
    owed = _late_levy(judged, entry.value.price if isinstance(entry, Stated) else None)
    if not paid_in_full(judged.case, relation, owed):
        judged.reasoning.decide(
            Text("由职工医保转入,尚未缴费", "comes from the employee scheme and has not paid yet"), days[0]
        )
        if change.kind == "within_gap":
            limit = switching.gap_limit(judged.reasoning, change.ended, judged.acted)
            if limit is not None:
                text = Text(f"在{limit}前缴费不设等待期", f"no wait for who pays by {limit}")
                judged.case.remind(Matter.GAP_ENDS, limit, text)
        return True
    if change.kind == "within_gap":
        _after_short_gap(judged, change, entry)
    else:
        _after_long_gap(judged, change)
    return True


def _after_short_gap(judged: Judged, change: switching.Switch, entry: Stated[Start] | NotStated) -> None:
    if isinstance(entry, NotStated):
        judged.reasoning.park(entry)
        leave_open(judged, max(judged.days[0], change.ended), judged.days[1], entry.key)
        return
    start = _beginning(judged, entry.value)
    because = Text(
        f"职工医保至{change.ended},中断未超过规定期限,自{start.day}起享受居民待遇",
        f"employee cover until {change.ended} and a short gap: covered as a resident from {start.day}",
    )
    begin(judged, start, because)


def _after_long_gap(judged: Judged, change: switching.Switch) -> None:
    days = judged.days
    if change.wait_months is None:
        leave_open(judged, max(days[0], judged.acted), days[1], SWITCH_WAIT.key)
        judged.reasoning.decide(Text("等待期没有规定", "the wait is not stated"), days[0])
        return
    start = Beginning(max(days[0], judged.acted))
    if change.wait_months:
        rule = WaitRule(fixed=change.wait_months)
        start = waiting.after_wait(judged.reasoning, judged.history, judged.relation, days[0], rule)
    because = Text(
        f"职工医保至{change.ended},中断超过规定期限,自{start.day}起享受居民待遇",
        f"employee cover until {change.ended} and a longer gap: covered as a resident from {start.day}",
    )
    begin(judged, start, because)


def _late(judged: Judged, closes: date, exempted: exemptions.Exempted | None) -> None:
    """After the window: whether late payment is admitted, at which price, from when it covers."""
    case, relation, days = judged.case, judged.relation, judged.days
    allowed = judged.reasoning.look_up(LATE_ALLOWED, days[0])
    if isinstance(allowed, NotStated):
        judged.reasoning.park(allowed)
        levy(judged, closes)
        if relation.paid_on is not None:
            leave_open(judged, max(days[0], relation.paid_on), days[1], allowed.key)
        judged.reasoning.decide(
            Text("集中参保期后能否参保没有规定", "whether late enrolment is admitted is not stated"), days[0]
        )
        return
    if not allowed.value or _too_late(judged):
        refuse(judged, closes)
        return
    entry = entry_for(judged.reasoning, judged.history, relation, COVER_LATE, days[0])
    owed = _late_levy(judged, entry.value.price if isinstance(entry, Stated) else None)
    if not paid_in_full(case, relation, owed):
        _remind_of_last_day(judged)
        judged.reasoning.decide(
            Text(
                f"{relation.plan_year}年度集中参保期已过,按中途参保缴费",
                f"late for {relation.plan_year}: the late price is owed",
            ),
            days[0],
        )
        return
    if relation.months is not None and owed.basis != "remaining_months":
        _part_year_unknown(judged)
        return
    start = _late_beginning(judged, entry, exempted)
    if _short_of_subsidy(relation, owed):
        # Only the individual part is on record where the whole was asked for, and nobody says how much that is.
        quoted = fees.quote(judged.reasoning, relation, days[0], "individual_plus_subsidy")
        case.park(LATE_PRICE.key, quoted.because or Text("补缴金额没有来源", "the late price is not stated"))
        leave_open(judged, start.day or days[0], days[1], LATE_PRICE.key)
        judged.reasoning.decide(
            Text(
                "只缴纳了个人部分,补缴金额没有来源",
                "only the individual part was paid, and the late price is not stated",
            ),
            days[0],
        )
        return
    because = Text(
        f"{relation.paid_on}中途参保缴费,自{start.day}起享受待遇",
        f"paid late on {relation.paid_on}, covered from {start.day}",
    )
    begin(judged, start, because)


def _beginning(judged: Judged, entry: Start) -> Beginning:
    return beginning(
        judged.reasoning,
        judged.history,
        entry.start,
        judged.relation,
        judged.days[0],
        wait=entry.wait,
        marks=entry.groups,
    )


def _late_levy(judged: Judged, price: Price | None) -> Levy:
    """What a late payer owes; without an amount, and parked while unpaid, where nobody has said which price holds."""
    if price is None:
        found = judged.reasoning.look_up(LATE_PRICE, judged.days[0])
        if isinstance(found, NotStated):
            return _unpriced_levy(judged, found)
        price = found.value
    return levy(judged, None, price)


def _unpriced_levy(judged: Judged, missing: NotStated) -> Levy:
    relation = judged.relation
    if relation.free_from is not None:
        return levy(judged, None)
    if not relation.payments:
        judged.reasoning.park(missing)
    because = Text(f"{relation.plan_year}年度中途参保,价格未规定", f"late for {relation.plan_year}, price not stated")
    owed = Levy("resident", relation.area, relation.plan_year, "individual", because)
    judged.case.findings.levies.append(owed)
    return owed


def _nearer_rule_for_late(judged: Judged, exempted: exemptions.Exempted) -> bool:
    """Whether the area itself speaks of such late comers, where the exemption is that of a wider area."""
    late = entry_for(judged.reasoning, judged.history, judged.relation, COVER_LATE, judged.days[0])
    if isinstance(late, NotStated) or not (late.value.events or late.value.groups):
        return False
    return not judged.relation.area.startswith(_stem(exempted.found.pack)) or len(_stem(late.pack)) > len(
        _stem(exempted.found.pack)
    )


def _stem(pack: str) -> str:
    """The digits by which an area's code begins that the areas within it share."""
    area = pack.partition("/")[0]
    return area.removesuffix("0000") if area.endswith("0000") else area.removesuffix("00")


def _late_beginning(
    judged: Judged, entry: Stated[Start] | NotStated, exempted: exemptions.Exempted | None
) -> Beginning:
    if isinstance(entry, NotStated):
        judged.reasoning.park(entry)
        return Beginning(None, None, entry.key)
    if exempted is None or entry.value.start != "after_wait":
        return _beginning(judged, entry.value)
    # Not held to the wait, which is all that the nation says; from when such a late payer is covered it does not say.
    judged.reasoning.rely_on(exempted.found)
    because = Text("不设等待期,享受待遇的起始日没有规定", "not held to the wait; the start of cover is not stated")
    judged.case.park("veteran.cover_start", because)
    return Beginning(None, None, "veteran.cover_start")


def _remind_of_last_day(judged: Judged) -> None:
    last = judged.reasoning.value(LATE_LAST_DAY, judged.days[0])
    if last is not None:
        day = in_plan_year(last, judged.relation.plan_year)
        text = Text(f"中途参保缴费至{day}截止", f"late payment is admitted until {day}")
        judged.case.remind(Matter.PAYMENT_DUE, day, text)


def _too_late(judged: Judged) -> bool:
    last = judged.reasoning.value(LATE_LAST_DAY, judged.days[0])
    paid = judged.relation.paid_on or judged.case.as_of
    return last is not None and paid > in_plan_year(last, judged.relation.plan_year)


def _short_of_subsidy(relation: Relation, owed: Levy) -> bool:
    return (
        owed.basis == "individual_plus_subsidy"
        and owed.person is None
        and bool(relation.payments)
        and all(payment.fact.kind == "individual" for payment in relation.payments)
    )


def _part_year_unknown(judged: Judged) -> None:
    question = "student.part_fee" if judged.relation.registered.capacity == "student" else LATE_PRICE.key
    judged.case.park(
        question,
        Text(
            f"{judged.relation.plan_year}年度只缴纳了{judged.relation.months}个月,该地没有按月缴费的规定",
            f"{judged.relation.months} months were paid for {judged.relation.plan_year}; "
            "no source speaks of paying by months here",
        ),
    )
    leave_open(judged, judged.days[0], judged.days[1], question)


def _park_unsure(judged: Judged) -> None:
    judged.reasoning.park(
        _not_stated(
            EXEMPT, "哪些特殊群体不设等待期由各省规定", "which special groups do not wait is left to the provinces"
        )
    )


def _not_stated(parameter: Parameter[Any], zh: str, en: str) -> NotStated:
    return NotStated(parameter.key, Text(f"{zh}没有规定", f"not stated: {en}"))
