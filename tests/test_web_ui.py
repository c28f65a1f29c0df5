"""What an operator sees in Temporal's Web UI, in a real browser; and that its own form carries an operator's update.

`PICTURES_FOLDER=docs/images` keeps the pictures that the operators' guides show (`./do docs`).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.registry.identities import Identities
from demo.make_samples import id_number
from domain.civil_time import current_day
from domain.identity_documents import IdentityDocument
from domain.life import Hold
from sandbox.processes import free_port
from sandbox.temporal_server import kind_name, temporal_server
from tests.browser import Browser, browser, chromium, gone, says
from tests.codec import OPERATOR, STRANGER, CodecServer, codec_server, endpoint
from tests.facts import KUNMING, YANSHAN, birth, paid, registered
from tests.test_refunds import ASKED, MOVED, SLOT
from tests.world import World, connect_for_tests
from workflows.names import case_workflow_id, person_workflow_id
from workflows.search_attributes import SEARCH_ATTRIBUTES

LEVY = f"levy/resident/{YANSHAN}/2017/basic"


@dataclass
class Window:
    """A world with a Web UI, and where its pictures go."""

    world: World
    address: str
    folder: Path
    codec: CodecServer

    def page(self, workflow_id: str, run_id: str, tab: str) -> str:
        return f"{self.address}/{workflow_id}/{run_id}/{tab}"


@asynccontextmanager
async def _opened(tmp_path: Path, operator: str) -> AsyncIterator[Window]:
    """A window whose Web UI asks the codec server as an operator; as nobody, where none is named."""
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed, and CI must look at the Web UI")
        print("chromium is not installed: nobody looks at the Web UI")
        pytest.skip("chromium is not installed")
    port, web, codec = free_port(), free_port(), free_port()
    with temporal_server(
        port=port,
        ui_port=web,
        codec_endpoint=endpoint(codec, operator) if operator else "",
        log=tmp_path / "temporal.log",
        search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
    ):
        client = await connect_for_tests(f"127.0.0.1:{port}", "default")
        async with World.running(client, tmp_path) as world:
            pictures = Path(os.environ.get("PICTURES_FOLDER", str(tmp_path / "pictures")))
            async with codec_server(world, tmp_path, port=codec, ui=[f"http://127.0.0.1:{web}"]) as server:
                yield Window(world, f"http://127.0.0.1:{web}/namespaces/default/workflows", pictures, server)


@pytest_asyncio.fixture
async def window(tmp_path: Path) -> AsyncIterator[Window]:
    async with _opened(tmp_path, "head-office") as window:
        yield window


@pytest_asyncio.fixture
async def bare_window(tmp_path: Path) -> AsyncIterator[Window]:
    async with _opened(tmp_path, "") as window:
        yield window


async def test_an_operator_finds_and_understands_a_life(window: Window, tmp_path: Path) -> None:
    world = window.world
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    await world.live([registered("2016-11-10", 2017, capacity="ordinary"), paid("2016-11-10", 2017, amount="150")])
    life = person_workflow_id(key)
    run = str((await world.handle(key).describe()).run_id)

    def look(page: Browser) -> None:
        page.open(window.address, life)
        page.photograph(window.folder / "lives.png")
        said = page.open(window.page(life, run, "user-metadata"), "awaiting payment")
        for words in ("已登记待缴费", "150 元", "2017-05-31", "新生儿参保期限 · newborn window"):
            assert words in said
        page.photograph(window.folder / "details.png")
        said = page.open(window.page(life, run, "timeline"), "newborn window 2017-05-31")
        assert "新生儿参保提醒 · newborn reminder 2017-05-16" in said
        assert "2017年度应缴 · levy 2017: 150" in said
        page.photograph(window.folder / "timeline.png")
        said = page.open(window.page(life, run, "search-attributes"), "PoolingArea")
        for words in ("130925", "EnrollmentStatus", "awaiting_payment", "newborn_window", "newborn-2017", key):
            assert words in said

    await _with_browser(tmp_path, look)


async def test_the_form_of_the_web_ui_carries_an_operators_update(window: Window, tmp_path: Path) -> None:
    world = window.world
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    life = person_workflow_id(key)
    run = str((await world.handle(key).describe()).run_id)
    request = {"actor": "head-2", "role": "reviewer", "reason": "paid in cash", "slot": LEVY}

    def operate(page: Browser) -> None:
        page.open(window.page(life, run, "timeline"), "newborn window")
        name, data = "button:has(#update-select)", ".cm-content[contenteditable=true]"
        page.press("More Actions", until=says("Send an Update"))
        page.press("Send an Update", until=says("", name))
        page.write(json.dumps(request), data)
        page.press("Update ID", "label")  # leaving the field puts its content in order, and moves what is below
        for _ in range(10):  # what the page loads late sets the name back to the first
            page.choose("void", name)
            page.photograph(window.folder / "update.png")
            page.press("Submit")
            if page.becomes(gone("", name)):
                break
        page.open(window.page(life, run, "user-metadata"), "已作废 · void")
        page.photograph(window.folder / "void.png")

    await _with_browser(tmp_path, operate)
    await world.settled(key)
    assert (await world.overview(key)).slots[LEVY].held is Hold.VOID
    assert [act.actor for act in await world.ledger.operations(key)] == ["head-2"]


async def test_a_case_is_found_beside_its_life(window: Window, tmp_path: Path) -> None:
    world = window.world
    key = await world.live([*MOVED, ASKED])
    await world.case_stands(key, SLOT, "accepted by the tax bureau")
    await world.move_to(key, date(2021, 12, 9))
    world.bureau.fail_refund(f"{key}/{SLOT}", "account closed")
    await world.pass_days(world.case(key, SLOT), 2)
    await world.case_stands(key, SLOT, "account closed")
    case = case_workflow_id(key, SLOT)
    run = str((await world.case(key, SLOT).describe()).run_id)

    def look(page: Browser) -> None:
        query = f"{window.address}?query=PersonKey%3D%22{key}%22"
        said = page.open(query, case)
        assert person_workflow_id(key) in said
        said = page.open(window.page(case, run, "user-metadata"), "account closed")
        assert "retry" in said
        page.photograph(window.folder / "case.png")
        assert KUNMING in page.open(window.page(case, run, "search-attributes"), "PoolingArea")

    await _with_browser(tmp_path, look)


async def _with_browser(folder: Path, work: Callable[[Browser], None]) -> None:
    def run() -> None:
        with browser(folder) as page:
            work(page)

    await asyncio.to_thread(run)


NUMBER = id_number("1980-04-04", 15)
# What the operator reads in each part of the page.
TABS = {"user-metadata": "150 元", "timeline": "clock_shift_days", "history/events/5": "newborn_window_open"}
# Of details, inputs, results and summaries.
CLEAR = ("李小明", NUMBER, "已登记待缴费", "150 元", "newborn window 2017-05-31", "clock_shift_days", "birth")


async def test_clear_text_is_for_those_who_may_see_it_and_for_nobody_else(bare_window: Window, tmp_path: Path) -> None:
    """The same life in three browsers: without a codec server, as its own operator, as the operator of another area."""
    window, world = bare_window, bare_window.world
    key = await Identities(world.database, world.secret).person([IdentityDocument("id_number", NUMBER)], "李小明")
    world.keys.append(key)
    world.shifts[key] = (date(2017, 3, 1) - current_day()).days
    await world.report(key, birth("2017-03-01"))
    await world.report(key, registered("2017-03-01", 2017))
    await world.settled(key)
    life, run = person_workflow_id(key), str((await world.handle(key).describe()).run_id)

    def look(who: str, codec: str, told: str = "") -> str:
        with browser(tmp_path / who) as page:
            page.open(window.address, life)
            if codec:
                page.remember({"endpoint": codec, "overrideRemoteCodecConfiguration": True})
            said = ""
            for tab, words in TABS.items():
                page.open(window.page(life, run, tab), told or words)
                time.sleep(1)  # for what comes late
                said += page.text()
            return said

    def all_three() -> tuple[str, str, str]:
        port = window.codec.port
        return (
            look("nobody", "", "Start"),
            look("operator", endpoint(port, OPERATOR)),
            look("stranger", endpoint(port, STRANGER), "Codec Server could not connect"),
        )

    nobody, operator, stranger = await asyncio.to_thread(all_three)
    assert [words for words in CLEAR if words not in operator] == []
    assert [words for words in CLEAR if words in nobody] == []
    assert [words for words in CLEAR if words in stranger] == []
    refused = {line.sender for line in await window.codec.audit.lines(person=key) if line.outcome == "refused"}
    assert refused == {STRANGER}
