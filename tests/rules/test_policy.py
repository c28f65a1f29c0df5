"""The policy core's parts: counting, knowledge, packs, YAML, and what holds for any facts at all."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from domain.bilingual import Text
from domain.errors import ContractError, PackError
from domain.facts import Fact, parse_fact, wire
from domain.yaml_reader import Document, YamlError
from policy.assess import assess
from policy.case_files import mismatches, read_cases
from policy.counting import Duration, add_months, first_of_month, last_day
from policy.knowledge import known
from policy.pack_files import read_pack
from policy.pack_library import PACK_FOLDER, NotStated, PackLibrary, Stated, library, load_library
from policy.pack_words import differences, in_words, past_review, resolve
from policy.parameters import FEE, NEWBORN_WINDOW, PARAMETERS
from policy.working_days import on_or_after
from tests.facts import JIANGXI, NANNING, QINHUANGDAO, YANSHAN, birth, paid, registered

DAYS = st.dates(date(2016, 1, 1), date(2026, 12, 31))


# -- counting -------------------------------------------------------------------------------------------------------


@given(DAYS, st.integers(0, 40))
def test_months_are_those_of_the_calendar(day: date, months: int) -> None:
    assert add_months(day, months) == day + relativedelta(months=months)
    assert first_of_month(day, months) == (day + relativedelta(months=months)).replace(day=1)


@given(DAYS, st.integers(1, 400))
def test_the_starting_day_makes_one_day_of_difference(day: date, length: int) -> None:
    days = Duration(length=length, unit="day")
    assert last_day(day, days, start_day_counts=False) == day + timedelta(days=length)
    assert last_day(day, days, start_day_counts=True) == day + timedelta(days=length - 1)


@given(DAYS, st.integers(1, 24))
def test_a_period_of_months_that_counts_its_first_day_never_ends_later(day: date, length: int) -> None:
    months = Duration(length=length, unit="month")
    counted, after = (last_day(day, months, start_day_counts=counts) for counts in (True, False))
    assert counted <= after <= counted + timedelta(days=1)


def test_no_corresponding_day_means_the_last_of_the_month() -> None:
    three_months = Duration(length=3, unit="month")
    assert last_day(date(2024, 11, 30), three_months, start_day_counts=True) == date(2025, 2, 28)
    assert last_day(date(2023, 11, 30), three_months, start_day_counts=False) == date(2024, 2, 29)
    assert last_day(date(2024, 2, 29), Duration(length=1, unit="year"), start_day_counts=False) == date(2025, 2, 28)


def test_rest_days_and_worked_weekends() -> None:
    assert on_or_after(date(2017, 5, 30)).day == date(2017, 5, 31)  # Dragon Boat Festival
    assert on_or_after(date(2017, 5, 27)).day == date(2017, 5, 27)  # a Saturday that was worked
    assert on_or_after(date(2022, 10, 1)).day == date(2022, 10, 8)
    assert not on_or_after(date(2026, 5, 1)).provisional
    assert on_or_after(date(2040, 1, 1)).provisional


# -- knowledge ------------------------------------------------------------------------------------------------------


def _facts(*facts: dict[str, object]) -> list[Fact]:
    return [parse_fact(fact) for fact in facts]


def test_what_is_recorded_later_is_not_known_yet() -> None:
    facts = _facts(birth("2017-03-01"), registered("2017-03-05", 2017, recorded_on="2017-04-01"))
    assert len(known(facts, date(2017, 3, 31)).facts) == 1
    assert len(known(facts, date(2017, 4, 1)).facts) == 2


def test_corrections_replace_and_withdrawals_remove() -> None:
    first = registered("2017-03-05", 2017, id="r1")
    corrected = registered("2017-03-06", 2017, id="r2", corrects="r1")
    withdrawn = registered("2017-03-06", 2017, id="w", corrects="r2", withdrawn=True)
    assert [fact.fact_id for fact in known(_facts(first, corrected), date(2017, 12, 1)).facts] == ["r2"]
    assert known(_facts(first, corrected, withdrawn), date(2017, 12, 1)).facts == ()


def test_two_corrections_of_one_fact_park() -> None:
    facts = _facts(
        registered("2017-03-05", 2017, id="r1"),
        registered("2017-03-06", 2017, id="r2", corrects="r1"),
        registered("2017-03-07", 2017, id="r3", corrects="r1"),
    )
    found = assess(facts, YANSHAN, date(2017, 12, 1), library())
    assert [item.question for item in found.parked] == ["corrections"]
    assert found.levies == []


def test_one_id_with_two_contents_breaks_the_contract() -> None:
    facts = _facts(birth("2017-03-01", id="x"), birth("2017-03-02", id="x"))
    with pytest.raises(ContractError, match="two facts with different content"):
        known(facts, date(2017, 12, 1))


def test_contradictions_park_and_do_not_raise() -> None:
    facts = _facts(birth("2017-03-01"), birth("2017-03-02"), paid("2017-04-01", 2017))
    found = assess(facts, YANSHAN, date(2017, 12, 1), library())
    assert [item.question for item in found.parked] == ["birth", "registered"]


def test_a_part_of_the_premium_is_not_the_premium() -> None:
    facts = _facts(registered("2016-11-10", 2017, capacity="ordinary"), paid("2016-11-11", 2017, amount="100"))
    found = assess(facts, YANSHAN, date(2017, 6, 1), library())
    assert found.coverage == []
    assert [item.question for item in found.parked] == ["payment.amount"]
    rest = _facts(paid("2016-11-12", 2017, amount="50"))
    assert assess([*facts, *rest], YANSHAN, date(2017, 6, 1), library()).coverage


def test_what_is_said_about_other_keys_is_left_to_a_person() -> None:
    facts = _facts(
        {"type": "merged", "other": "k2", "on": "2017-05-01", "area": YANSHAN},
        {"type": "unmerged", "other": "k2", "on": "2017-06-01", "area": YANSHAN},
    )
    found = assess(facts, YANSHAN, date(2017, 7, 1), library())
    assert [item.question for item in found.parked] == ["merged", "unmerged"]


# -- packs ----------------------------------------------------------------------------------------------------------


def test_every_value_of_every_pack_has_a_source() -> None:
    for pack in library().packs:
        assert pack.statements
        assert pack.review_by > date(2026, 11, 21)
        for key, statement in pack.statements.items():
            assert key in PARAMETERS
            assert statement.citation.document
            assert statement.grade in ("A", "B", "C", "convention")


def test_the_nearest_pack_decides_and_only_on_its_days() -> None:
    own = library().look_up(NEWBORN_WINDOW, NANNING, date(2022, 5, 4))
    nation = library().look_up(NEWBORN_WINDOW, "530100", date(2022, 5, 4))
    before = library().look_up(NEWBORN_WINDOW, "530100", date(2020, 12, 31))
    assert isinstance(own, Stated)
    assert own.value == Duration(length=3, unit="month")
    assert isinstance(nation, Stated)
    assert nation.value == Duration(length=90, unit="day")
    assert isinstance(before, NotStated)
    assert isinstance(library().look_up(FEE, YANSHAN, date(2018, 1, 1)), NotStated)


GOOD = (PACK_FOLDER / "130925" / "2017.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("valid_to: 2017-12-31", "valid_to: 2017-12-31\nvalid_to: 2018-12-31"),
            "line 6: the key valid_to stands here twice",
        ),
        (("newborn.act:", "newborn.ackt:"), "newborn.ackt: no parameter has the name newborn.ackt"),
        (("valid_from: 2017-01-01", "valid_from: 2018-01-01"), "misordered"),
        (("first: 2016-10-20, last: 2016-12-20", "first: 2016-12-20, last: 2016-10-20"), "misordered"),
        (("valid_from: 2017-01-01", "valid_from: 2017-02-30"), "not a date of the calendar"),
        (("{length: 90, unit: day}", "{length: 90}"), "unit: Field required"),
        (('  - source: {document: notice, article: "S002:L311"}\n    says:', "  - says:"), "source: Field required"),
        (("      late.allowed: true\n", "      newborn.act: pay\n"), "newborn.act stands here twice"),
        (("silent_on: [newborn.cross_year]", "silent_on: [newborn.act]"), "newborn.act stands here twice"),
        (
            (
                "      cover_start.late: after_wait\n",
                "      cover_start.late: [{start: after_wait}, {start: payment_day}]\n",
            ),
            "an entry that holds for everybody must be the last",
        ),
        (("kind: full, settle: reimbursed", "kind: flat"), "amount is expected for a subsidy of kind flat"),
        (('document: notice, article: "S002:L311"', "document: letter"), "not listed under documents"),
        (('person: "150"', "person: 150.5"), "money is a decimal string"),
        (("valid_to: 2017-12-31", "valid_to: null"), "open_ended_because"),
        (('area: "130925"', 'area: "130926"'), "folder of area 130925"),
        (('area: "130925"', 'area: "139925"'), "GB/T 2260 has no area 139925"),
        (
            (
                "[{start: first_of_next_month}]",
                "[{start: first_of_next_month}, {until: {length: 1, unit: year}, start: ordinary}]",
            ),
            "misordered",
        ),
        (("register_and_pay", "whenever"), "Input should be"),
    ],
)
def test_a_malformed_pack_is_refused_with_its_line_and_key(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in GOOD
    folder = tmp_path / "130925"
    folder.mkdir()
    file = folder / "2017.yaml"
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(PackError) as refusal:
        read_pack(file)
    assert message in str(refusal.value)
    assert str(file) in str(refusal.value)


def _library_of(tmp_path: Path, **texts: str) -> PackLibrary:
    folder = tmp_path / "130925"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_library(tmp_path)


def test_overlaps_and_gaps_between_packs_are_refused(tmp_path: Path) -> None:
    later = GOOD.replace("from: 2017-01-01", "from: 2019-01-01").replace("valid_to: 2017", "valid_to: 2019")
    reasoned = later.replace("review_by", "gap_before_because: nothing was published\nreview_by")
    with pytest.raises(PackError, match="overlap"):
        _library_of(tmp_path / "overlap", first=GOOD, second=GOOD)
    with pytest.raises(PackError, match="a gap since 2017-12-31"):
        _library_of(tmp_path / "gap", first=GOOD, second=later)
    assert len(_library_of(tmp_path / "reasoned", first=GOOD, second=reasoned).packs) == 2


def test_yaml_is_that_of_version_1_2() -> None:
    value = Document("on: no\ny: yes\nflag: true\nnothing: null\nday: 2017-03-01\ncode: 0123\n").value
    assert value == {"on": "no", "y": "yes", "flag": True, "nothing": None, "day": date(2017, 3, 1), "code": "0123"}
    with pytest.raises(YamlError, match="twice"):
        Document("a: 1\na: 2")


# -- case files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: a\nfacts: []\n", "field as_of"),
        ("id: a\nas_of: 2017-01-01\nfacts: [{type: birth}]\n", "line 3, case a, field facts: fact 1: field on"),
        ("id: a\nas_of: 2017-01-01\nfacts: [{type: nonsense, on: 2017-01-01}]\n", "not part of the contract"),
        ("id: a\nas_of: 2017-01-01\nfacts: []\nexpect: {covrage: []}\n", "no list covrage"),
        ("id: a\nas_of: 2017-01-01\nfacts: []\nextra: 1\n", "no such field"),
        ("id: a\nas_of: 2017-01-01\nfacts: []\narea: 130925\n", "quoted GB/T 2260 code"),
        ("- just text\n", "a mapping"),
        ("a: [1\n", "line 2"),
    ],
)
def test_a_case_file_that_breaks_the_contract_is_refused_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as refusal:
        read_cases(file)
    assert message in str(refusal.value)
    assert str(file) in str(refusal.value)


def test_facts_survive_the_wire() -> None:
    for fact in (birth("2017-03-01"), registered("2017-03-05", 2017), paid("2017-03-06", 2017, amount="31.50")):
        parsed = parse_fact(fact)
        assert parse_fact(wire(parsed)) == parsed


# -- packs in words -------------------------------------------------------------------------------------------------


def test_what_holds_in_an_area_on_a_day_is_the_nearest_word() -> None:
    resolved = {item.key: item for item in resolve(library(), YANSHAN, date(2017, 5, 1))}
    assert (resolved["newborn.act"].value, resolved["newborn.act"].pack.id) == ("register_and_pay", "130925/2017")
    assert resolved["newborn.cross_year"].value == "?"
    assert resolved["newborn.count_start_day"].pack.id == "000000/counting"
    assert resolved["fee"].value == "plan_year 2017, person 150"
    assert resolved["late.allowed"].value == "true"
    assert "newborn.act" not in {item.key for item in resolve(library(), YANSHAN, date(2018, 5, 1))}
    keys = [item.key for item in resolve(library(), YANSHAN, date(2017, 5, 1))]
    assert keys == [key for key in PARAMETERS if key in keys]


def test_every_value_can_be_put_in_words() -> None:
    for pack in library().packs:
        for key, statement in pack.statements.items():
            words = in_words(key, statement)
            assert words
            assert (words == "?") is statement.unknown


def test_differences_are_sentences() -> None:
    before, after = (resolve(library(), JIANGXI, date(year, 6, 1)) for year in (2025, 2026))
    sentences = [item.en for item in differences(before, after)]
    assert "wait.inpatient_straddle: no longer stated (was admission_date)" in sentences
    assert "newborn.free: now stated: natural_years 3, born_from 2024-01-01" in sentences
    assert any(sentence.startswith("window.collect: from plan_year 2025") for sentence in sentences)
    assert sentences == sorted(sentences)
    assert differences(before, before) == []
    assert [item.zh for item in differences(before, after) if item.zh.startswith("wait.inpatient")] == [
        "wait.inpatient_straddle:不再规定(原为 admission_date)"
    ]


def test_packs_are_due_for_review_after_their_day() -> None:
    assert past_review(library(), date(2027, 11, 21)) == []
    assert past_review(library(), date(2027, 11, 22)) == library().packs


def test_a_library_read_afresh_answers_like_the_one_kept() -> None:
    fresh = load_library()
    for key in PARAMETERS.values():
        for area in (YANSHAN, QINHUANGDAO, NANNING, JIANGXI, "530100", "000000"):
            for day in (date(2014, 12, 31), date(2017, 1, 1), date(2022, 6, 1), date(2026, 1, 1)):
                kept, found = library().look_up(key, area, day), fresh.look_up(key, area, day)
                assert kept == found
                assert fresh.look_up(key, area, day) is found
                assert [item.pack for item in fresh.look_up_all(key, area, day)] == [
                    item.pack for item in library().look_up_all(key, area, day)
                ]
    assert [pack.id for pack in fresh.packs] == [pack.id for pack in library().packs]
    assert (fresh.name("130925").en, fresh.name("530100").zh, fresh.name("999999").zh) == (
        "Yanshan",
        "昆明市",
        "999999",
    )


def test_where_nothing_is_stated_the_answer_says_so() -> None:
    nobody = library().look_up(FEE, "530100", date(2017, 1, 1))
    silent = library().look_up(PARAMETERS["newborn.cross_year"], YANSHAN, date(2017, 1, 1))
    assert nobody == NotStated(
        "fee",
        Text("昆明市在2017-01-01没有任何政策包规定“fee”", "no pack in force on 2017-01-01 in 530100 states fee"),
    )
    assert isinstance(silent, NotStated)
    assert silent.pack == "130925/2017"
    assert silent.because.en == "the sources of pack 130925/2017 do not state newborn.cross_year"


# -- what is compared with what -------------------------------------------------------------------------------------


def test_one_case_may_stand_alone_and_leave_out_what_is_not_needed(tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    file.write_text("id: alone\nas_of: 2017-01-01\nfacts: []\n", encoding="utf-8")
    [case] = read_cases(file)
    assert (case.id, case.title, case.area, case.as_of, case.expect) == ("alone", "", "000000", date(2017, 1, 1), {})


@pytest.mark.parametrize(
    ("expect", "actual", "sentences"),
    [
        ({"waits": []}, {"waits": []}, 0),
        ({"waits": []}, {"waits": [{"scheme": "resident"}]}, 1),
        ({"waits": [{"scheme": "resident"}]}, {"waits": [{"scheme": "employee"}]}, 1),
        ({"waits": [{}]}, {"waits": [{"scheme": "resident"}, {"scheme": "employee"}]}, 0),
        ({"refused": []}, {"refused": [{"fact": "a"}]}, 1),
        ({"refused": [{"fact": "a"}]}, {"refused": [{"fact": "b"}, {"fact": "a"}]}, 0),
        (
            {"levies": [{"scheme": "resident", "person": "31.5"}]},
            {"levies": [{"scheme": "resident", "person": "31.50"}]},
            0,
        ),
        ({"levies": [{"scheme": "resident", "person": "31"}]}, {"levies": [{"scheme": "resident"}]}, 1),
    ],
)
def test_lists_are_compared_as_the_contract_says(
    expect: dict[str, Any], actual: dict[str, Any], sentences: int
) -> None:
    assert len(mismatches(expect, actual)) == sentences


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("coverage", {"from": "2017-01-01"}, {"from": "2017-06-01"}),
        ("coverage", {"to": "2017-01-01"}, {"to": "2017-06-01"}),
        ("terminations", {"on": "2017-01-01"}, {"on": "2017-06-01"}),
        ("levies", {"plan_year": 2017}, {"plan_year": 2018}),
        ("levies", {"plan_year": 2017, "part": "basic"}, {"plan_year": 2017, "part": "supplementary"}),
    ],
)
def test_elements_are_matched_in_their_order(name: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    there = [{"scheme": "resident", **first}, {"scheme": "resident", **second}]
    assert mismatches({name: [*reversed(there)]}, {name: there}) == []
    assert mismatches({name: there}, {name: [*reversed(there)]}) != []


@pytest.mark.parametrize(
    ("on", "area", "paid_for"),
    [
        (date(2016, 12, 31), None, False),
        (date(2017, 1, 1), None, True),
        (date(2017, 6, 30), "130925", True),
        (date(2017, 6, 30), "130300", False),
        (date(2017, 7, 1), None, False),
        (date(2019, 1, 1), None, True),
    ],
)
def test_single_days_are_asked_for(on: date, area: str | None, paid_for: bool) -> None:
    wire = {
        "coverage": [
            {"scheme": "resident", "area": "130925", "from": "2017-01-01", "to": "2017-06-30"},
            {"scheme": "resident", "area": "130925", "from": "2018-01-01"},
        ]
    }
    item = {"scheme": "resident", "on": on, "paid": paid_for, **({"area": area} if area else {})}
    assert mismatches({"on_days": [item]}, wire) == []
    assert mismatches({"on_days": [{**item, "paid": not paid_for}]}, wire) != []
    assert mismatches({"on_days": [{**item, "scheme": "employee", "paid": False}]}, wire) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("register_and_pay", "whenever"), "line 42, clauses.6.says.newborn.act: Input should be"),
        (("document: notice", "document: letter"), "clauses.0.source.document: this document is not listed"),
        (("valid_to: 2017-12-31", "valid_to: 2016-12-31"), "line 5, valid_to: misordered: it is before valid_from"),
        (("valid_to: 2017-12-31", "valid_to: null"), "line 5, valid_to: a pack without an end says why in open_ended"),
        (
            ("[newborn.cross_year]", "[newborn.crossing]"),
            "clauses.6.silent_on.0: no parameter has the name newborn.cro",
        ),
        (("review_by: 2027-11-21", "reviewed: 2027-11-21"), "review_by: Field required"),
    ],
)
def test_a_refusal_says_where(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    assert change[0] in GOOD
    file = tmp_path / "130925" / "2017.yaml"
    file.parent.mkdir()
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(PackError) as refusal:
        read_pack(file)
    assert f"{file}, line " in str(refusal.value)
    assert place in str(refusal.value)


def test_a_pack_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"nowhere\.yaml: cannot be read"):
        read_pack(tmp_path / "nowhere.yaml")
    torn = tmp_path / "torn.yaml"
    torn.write_bytes(b"area: \xff")
    with pytest.raises(PackError, match=r"torn\.yaml: cannot be read"):
        read_pack(torn)
    with pytest.raises(PackError, match="no policy packs are here"):
        load_library(tmp_path)


def test_what_a_pack_says_of_itself() -> None:
    pack = next(pack for pack in load_library().packs if pack.id == "130925/2017")
    assert (pack.area, pack.name.zh, pack.valid_from, pack.valid_to) == (
        YANSHAN,
        "盐山县",
        date(2017, 1, 1),
        date(2017, 12, 31),
    )
    assert (pack.review_by, pack.gap_before_because, pack.file.name) == (date(2027, 11, 21), None, "2017.yaml")
    statement = pack.statements["household.rule"]
    assert (statement.value, statement.unknown, statement.grade) == ("all_eligible_members_required", False, "B")
    assert (statement.citation.article, statement.citation.quotation) == (
        "S002:L317",
        "同一户口簿内符合参保条件的成员必须同时参保",
    )
    assert (statement.link, statement.validity) == (None, "stated")
    assert [
        pack.in_force(day) for day in (date(2016, 12, 31), date(2017, 1, 1), date(2017, 12, 31), date(2018, 1, 1))
    ] == [
        False,
        True,
        True,
        False,
    ]
