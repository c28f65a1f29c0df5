"""Activities of the annual collection: its window, registering who was enrolled last year, reminders, the list."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from temporalio import activity

from activities.assessment import Packs
from activities.failures import translated
from activities.imports import Reporting
from activities.ports import Notices
from domain.bilingual import Text
from domain.campaigns import (
    CampaignAsked,
    CampaignCounts,
    CampaignPage,
    CampaignWindow,
    PageDone,
    Renewal,
    Unpaid,
)
from domain.errors import ContractError, Refused, Unavailable
from domain.money import yuan
from policy.campaigns import areas_apart, collecting, collection
from policy.pack_library import NotStated

SENDER = "campaign"
AT_ONCE = 8
PATIENT_ATTEMPTS = 20


class CampaignLedger(Protocol):
    """The registry's side of a collection. All raise Unavailable."""

    async def renewals(self, page: CampaignPage) -> list[Renewal]:
        """A page of those who were enrolled last year and are to be registered anew."""

    async def unpaid(self, page: CampaignPage) -> list[Unpaid]:
        """A page of those who have not paid."""

    async def counts(self, page: CampaignPage) -> CampaignCounts:
        """How the collection stands."""

    async def list_not_enrolled(self, campaign: str, page: CampaignPage) -> tuple[int, str]:
        """Write down a page of the people who are enrolled nowhere; how many, and where the page ended."""

    async def forget(self, campaign: str) -> None:
        """A list that is made anew begins empty."""


@dataclass(frozen=True)
class CampaignActivities:
    packs: Packs
    ledger: CampaignLedger
    notices: Notices
    report: Reporting

    @activity.defn(name="campaigns.window")
    async def window(self, asked: CampaignAsked) -> CampaignWindow:
        """The window, as the packs in force today state it, with every extension that was decided by now."""
        with translated():
            _, library = await self.packs.current("")
        if asked.plan_year is None:
            found = collecting(library, asked.area, asked.on)
        else:
            found = collection(library, asked.area, asked.plan_year, asked.on)
        if isinstance(found, NotStated):
            return CampaignWindow(because=found.because)
        return CampaignWindow(
            plan_year=found.plan_year,
            opens=found.opens,
            closes=found.closes,
            extended=found.extended,
            apart=areas_apart(library, asked.area, found.plan_year, asked.on),
        )

    @activity.defn(name="campaigns.register")
    async def register(self, page: CampaignPage) -> PageDone:
        """Register a page of those who were enrolled last year (续保); their lives have the levies issued.

        Who was registered in an interrupted attempt is found no more, or said again, which changes nothing.
        """
        with translated():
            people = await self.ledger.renewals(page)
        places = asyncio.Semaphore(AT_ONCE)
        silent: list[Unavailable] = []
        done = PageDone(after=people[-1].person if people else "")

        async def of_one(renewal: Renewal) -> None:
            async with places:
                try:
                    receipt = await self.report(renewal.person, _registration(renewal, page), SENDER)
                except (Refused, ContractError):
                    done.refused += 1
                except Unavailable as error:
                    silent.append(error)
                else:
                    done.done += receipt.refused is None
                    done.refused += receipt.refused is not None
                activity.heartbeat(renewal.person)

        async with asyncio.TaskGroup() as group:
            for renewal in people:
                group.create_task(of_one(renewal))
        # Whoever is silent is registered with the next reminder; but where nobody answers, the workers are away.
        if silent and len(silent) == len(people) and activity.info().attempt < PATIENT_ATTEMPTS:
            with translated():
                raise silent[0]
        return done

    @activity.defn(name="campaigns.remind")
    async def remind(self, page: CampaignPage) -> PageDone:
        """Remind a page of those who have not paid; who paid since the last page is not among them.

        A reminder has a name, so an attempt that was interrupted says none twice.
        """
        assert page.closes is not None
        with translated():
            people = await self.ledger.unpaid(page)
            owed: dict[str, int] = {}
            for unpaid in people:
                if unpaid.person:
                    owed[unpaid.person] = owed.get(unpaid.person, 0) + unpaid.amount
            for person, amount in owed.items():
                key = f"{person}:campaign/{page.area}/{page.plan_year}/{page.on}"
                await self.notices.send(key, person, _reminder(amount, page, page.closes), correction=False)
                activity.heartbeat(person)
                await asyncio.sleep(1 / page.per_second)
        return PageDone(after=people[-1].key if people else "", done=len(owed))

    @activity.defn(name="campaigns.counts")
    async def counts(self, page: CampaignPage) -> CampaignCounts:
        """How the collection stands."""
        with translated():
            return await self.ledger.counts(page)

    @activity.defn(name="campaigns.list_not_enrolled")
    async def list_not_enrolled(self, page: CampaignPage) -> PageDone:
        """Write down a page of the people of the area who are enrolled nowhere (全民参保计划库)."""
        campaign = f"{page.area}/{page.plan_year}"
        with translated():
            if not page.after:
                await self.ledger.forget(campaign)
            done, after = await self.ledger.list_not_enrolled(campaign, page)
        return PageDone(after=after, done=done)


def _registration(renewal: Renewal, page: CampaignPage) -> str:
    """Last year's registration, said for this year: what the person chose then goes on, a newborn is one no more."""
    before: dict[str, Any] = json.loads(renewal.registration)
    goes_on: dict[str, Any] = {name: before[name] for name in ("tier", "supplementary", "household") if name in before}
    if before.get("capacity") == "student":
        goes_on["capacity"] = "student"
    fact = {
        "type": "registered",
        "id": f"campaign:{page.area}/{page.plan_year}",
        "scheme": "resident",
        "area": renewal.area,
        "plan_year": page.plan_year,
        "on": page.on.isoformat(),
        **goes_on,
    }
    return json.dumps(fact, ensure_ascii=False)


def _reminder(amount: int, page: CampaignPage, closes: date) -> str:
    because = Text(
        f"{page.plan_year}年度居民医保费(应缴{yuan(amount)}元)尚未缴清,请于{closes}前缴费",
        f"the premium for {page.plan_year} ({yuan(amount)} yuan in all) is not paid in full; pay it by {closes}",
    )
    content = {"to": "person", "matter": "payment_due", "on": closes.isoformat(), "zh": because.zh, "en": because.en}
    return json.dumps(content, ensure_ascii=False)
