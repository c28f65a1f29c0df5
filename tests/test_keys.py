"""The key ring and the data keys: made once, rotated, rewrapped, erased; refused where others could read them."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapters.keys.ciphers import Cipher
from adapters.keys.data_keys import HELD, DataKeys, StoredKey
from adapters.keys.providers import provider_of
from adapters.keys.ring import LocalRing, NoRing, VariableRing
from adapters.registry.data_keys import DataKeyTable
from adapters.registry.database import Database
from adapters.settings import Settings
from domain.errors import ConfigurationError, KeyMissing, Unavailable
from tests.keys import RingInMemory, StoreInMemory

OWNER = "person-a"


def _keys(database: Database, ring: RingInMemory, cipher: Cipher = Cipher.AES) -> DataKeys:
    """Keys as another process sees them, which holds none yet."""
    return DataKeys(ring, DataKeyTable(database), cipher)


# -- the ring in a file ------------------------------------------------------------------------------------------------


async def test_a_ring_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "ring.json"
    rings = [LocalRing(file) for _ in range(8)]
    with pytest.raises(NoRing, match="there is no key ring"):
        await rings[0].current()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda ring: _run(ring.begin), rings))
    assert len({await ring.current() for ring in rings}) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["ring.json"]


def _run(work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    asyncio.run(work())


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644])
async def test_a_ring_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    ring = LocalRing(tmp_path / "ring.json")
    await ring.begin()
    ring.file.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"can be read by others; run: chmod 600"):
        await LocalRing(ring.file).current()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        '{"secret": 1}',
        '{"keys": [], "of": "secret"}',
        '{"keys": [{"id": "secret", "cipher": "AES-256-GCM", "key": "c2VjcmV0"}]}',
        '{"keys": [{"id": "secret", "cipher": "ROT13", "key": "c2VjcmV0"}]}',
    ],
)
async def test_a_damaged_ring_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ring.json"
    file.touch(0o600)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is damaged; restore it") as refused:
        await LocalRing(file).current()
    assert "secret" not in str(refused.value)


async def test_a_running_process_takes_up_a_key_that_was_added(tmp_path: Path) -> None:
    clock = [0.0]
    running, other = LocalRing(tmp_path / "ring.json", now=lambda: clock[0]), LocalRing(tmp_path / "ring.json")
    await running.begin()
    first = await running.current()
    wrapped = await running.wrap(b"k" * 32, OWNER)
    added = await other.rotate()
    assert await running.current() == first, "it does not look for every message"
    clock[0] = 2
    assert (await running.current(), await running.ids()) == (added, [first, added])
    assert await running.unwrap(wrapped, OWNER) == b"k" * 32
    with pytest.raises(KeyMissing):
        await running.unwrap(wrapped, "person-b")  # a wrapped key is its owner's


async def test_a_ring_in_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = LocalRing(tmp_path / "ring.json")
    await ring.begin()
    settings = Settings(data=tmp_path, key_ring="env:RING_OF_TEST")
    with pytest.raises(ConfigurationError, match="RING_OF_TEST, in which CANBAO_KEY_RING says"):
        await provider_of(settings).current()
    monkeypatch.setenv("RING_OF_TEST", ring.file.read_text(encoding="utf-8"))
    given = provider_of(settings)
    assert isinstance(given, VariableRing)
    assert await given.unwrap(await ring.wrap(b"k" * 16, OWNER), OWNER) == b"k" * 16
    with pytest.raises(ConfigurationError, match="add a key where that is set"):
        await given.rotate()


async def test_a_mounted_file_is_a_ring(tmp_path: Path) -> None:
    ring = LocalRing(tmp_path / "mounted.json", Cipher.SM4)
    await ring.begin()
    given = provider_of(Settings(data=tmp_path / "data", key_ring=str(ring.file)))
    assert await given.current() == await ring.current()
    assert json.loads(ring.file.read_text(encoding="utf-8"))["keys"][0]["cipher"] == "SM4-GCM"
    assert not (tmp_path / "data").exists()


# -- data keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cipher", list(Cipher))
async def test_a_data_key_is_the_same_for_all_who_ask(database: Database, cipher: Cipher) -> None:
    ring = RingInMemory(cipher)
    one, other = _keys(database, ring, cipher), _keys(database, ring, cipher)
    made = await one.writing(OWNER)
    assert (made.cipher, len(made.secret)) == (cipher, cipher.key_bytes)
    assert await other.writing(OWNER) == made
    assert await other.reading(made.id) == made
    assert (await other.writing("person-b")).secret != made.secret
    assert made.secret.hex() not in repr(made)


async def test_rotation_seals_with_a_new_key_and_opens_the_old(database: Database) -> None:
    ring = RingInMemory()
    keys = _keys(database, ring)
    before = await keys.writing(OWNER)
    await ring.rotate()
    after = await keys.writing(OWNER)
    assert after.id != before.id
    assert after.secret != before.secret
    assert await _keys(database, ring).reading(before.id) == before


async def test_after_rewrapping_the_old_key_of_the_ring_is_needed_no_more(database: Database) -> None:
    ring = RingInMemory()
    keys = _keys(database, ring)
    made = [await keys.writing(f"person-{number}") for number in range(7)]
    await ring.rotate()
    after: tuple[str, str] | None = ("", "")
    pages = 0
    while after is not None:
        after, lost = await keys.rewrap(after, 3)
        assert lost == []
        pages += 1
    assert pages == 4
    assert await keys.wrapped() == {"ring-2": 7}
    del ring.held["ring-1"]
    assert [await _keys(database, ring).reading(key.id) for key in made] == made


async def test_a_missing_key_of_the_ring_is_named(database: Database) -> None:
    ring = RingInMemory()
    made = await _keys(database, ring).writing(OWNER)
    taken = ring.held.pop("ring-1")
    await ring.rotate()
    with pytest.raises(KeyMissing, match="the key ring-1 is missing") as missing:
        await _keys(database, ring).reading(made.id)
    assert missing.value.key == "ring-1"
    ring.held["ring-1"] = (taken[0], bytes(32))  # another one of the same name
    with pytest.raises(KeyMissing, match="ring-1"):
        await _keys(database, ring).reading(made.id)


async def test_an_erased_key_is_gone_for_ever(database: Database) -> None:
    ring = RingInMemory()
    keys = _keys(database, ring)
    first = await keys.writing(OWNER)
    await ring.rotate()
    second = await keys.writing(OWNER)
    kept = await keys.writing("person-b")
    assert await keys.erase(OWNER) == 2
    for key in (first, second):
        with pytest.raises(KeyMissing, match=OWNER):
            await keys.reading(key.id)
    assert await keys.reading(kept.id) == kept
    assert (await keys.writing(OWNER)).secret not in (first.secret, second.secret)


async def test_another_process_forgets_an_erased_key_in_time(database: Database) -> None:
    ring, clock = RingInMemory(), [0.0]
    made = await _keys(database, ring).writing(OWNER)
    other = DataKeys(ring, DataKeyTable(database), now=lambda: clock[0])
    await other.reading(made.id)
    await _keys(database, ring).erase(OWNER)
    assert await other.reading(made.id) == made
    clock[0] = 601
    with pytest.raises(KeyMissing):
        await other.reading(made.id)


async def test_without_its_ring_a_registry_gets_no_new_one(database: Database, tmp_path: Path) -> None:
    ring = LocalRing(tmp_path / "ring.json")
    await DataKeys(ring, DataKeyTable(database)).writing(OWNER)
    ring.file.unlink()
    with pytest.raises(ConfigurationError, match=r"there is no key ring .* restore it"):
        await DataKeys(LocalRing(ring.file), DataKeyTable(database)).writing("person-b")
    assert not ring.file.exists()


async def test_a_lasting_key_outlives_rotation(database: Database) -> None:
    ring = RingInMemory()
    first = await _keys(database, ring).lasting("audit")
    await ring.rotate()
    assert await _keys(database, ring).lasting("audit") == first
    assert (await _keys(database, ring).writing("audit")).id != first.id


NO_KEYS = [
    "",
    "/",
    "person-a",
    "person-a/ring-1",
    "person-a/ring-1.ROT13.00",
    "person-a/ring-1.AES-256-GCM",
    "a" * 5000,
]


@pytest.mark.parametrize("key_id", NO_KEYS)
async def test_an_id_that_is_none_names_nothing(database: Database, key_id: str) -> None:
    with pytest.raises(KeyMissing) as missing:
        await _keys(database, RingInMemory()).reading(key_id)
    assert len(str(missing.value)) < 300


class Counting:
    """A store that keeps nothing and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def keep(self, key: StoredKey) -> StoredKey:
        self.asked += 1
        return key

    async def find(self, owner: str, made_under: str) -> StoredKey | None:
        self.asked += 1
        return None

    async def still_kept(self, owner: str, made_under: str, chance: str) -> bool:
        self.asked += 1
        return True


async def test_ten_thousand_keys_are_held_in_little_memory_and_no_more_than_that() -> None:
    ring = RingInMemory()
    store: Any = Counting()
    keys = DataKeys(ring, store)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(HELD + 500):
            await keys.writing(f"person-{number:024}")
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < 20 << 20
    await keys.writing(f"person-{HELD:024}")
    assert store.asked == HELD + 500
    await keys.writing(f"person-{0:024}")  # the first ones made room
    assert store.asked == HELD + 501


async def test_an_unknown_key_is_not_asked_for_again_at_once() -> None:
    ring, clock = RingInMemory(), [0.0]
    store: Any = Counting()
    keys = DataKeys(ring, store, now=lambda: clock[0])
    for _ in range(5):
        with pytest.raises(KeyMissing):
            await keys.reading("unknown/ring-1.AES-256-GCM.00")
    assert store.asked == 1
    clock[0] = 3
    with pytest.raises(KeyMissing):
        await keys.reading("unknown/ring-1.AES-256-GCM.00")
    assert store.asked == 2


async def test_a_key_that_was_lost_holds_up_no_other(database: Database) -> None:
    ring = RingInMemory()
    keys = _keys(database, ring)
    lost = [await keys.writing(f"person-{number}") for number in range(2)]
    await ring.rotate()
    kept = [await keys.writing(f"person-{number}") for number in range(5)]
    del ring.held["ring-1"]
    await ring.rotate()
    found: list[str] = []
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        after, unread = await keys.rewrap(after, 2)
        found += unread
    assert found == [key.id for key in lost]
    assert [await _keys(database, ring).reading(key.id) for key in kept] == kept


async def test_a_key_that_is_made_again_is_another_one_by_name(database: Database) -> None:
    """Otherwise what the first sealed would be held to be damaged, and what another process seals with it lost."""
    ring, clock = RingInMemory(), [0.0]
    other = DataKeys(ring, DataKeyTable(database), now=lambda: clock[0])
    first = await other.writing(OWNER)
    keys = _keys(database, ring)
    await keys.erase(OWNER)
    again = await keys.writing(OWNER)
    assert again.id != first.id
    with pytest.raises(KeyMissing):
        await keys.reading(first.id)
    clock[0] = 21
    assert await other.writing(OWNER) == again, "no process goes on sealing with an erased key"


async def test_while_somebody_is_erased_nobody_seals_for_them(database: Database) -> None:
    ring, clock = RingInMemory(), [0.0]
    other = DataKeys(ring, DataKeyTable(database), now=lambda: clock[0])
    key = await other.writing(OWNER)
    keys = _keys(database, ring)
    await keys.close(OWNER)
    for waited in (keys, _keys(database, ring)):
        with pytest.raises(Unavailable, match="is being erased"):
            await waited.writing(OWNER)
    clock[0] = 21
    with pytest.raises(Unavailable, match="is being erased"):
        await other.writing(OWNER)
    assert await other.reading(key.id) == key, "what is there can be read until it is gone"
    third = _keys(database, ring)
    assert await third.reading(key.id) == key
    with pytest.raises(Unavailable, match="is being erased"):
        await third.writing(OWNER)
    assert await keys.writing("person-b")
    await keys.erase(OWNER)
    assert (await keys.writing(OWNER)).id != key.id


async def test_a_name_with_a_dot_is_a_name(database: Database) -> None:
    ring = RingInMemory()
    ring.held = {"ring.2025.old": ring.held["ring-1"]}
    made = await _keys(database, ring).writing(OWNER)
    assert await _keys(database, ring).reading(made.id) == made


def test_two_who_rotate_at_once_drop_no_key(tmp_path: Path) -> None:
    rings = [LocalRing(tmp_path / "ring.json") for _ in range(8)]
    _run(rings[0].begin)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda ring: _run(ring.rotate), rings))
    assert len(json.loads((tmp_path / "ring.json").read_text(encoding="utf-8"))["keys"]) == 9


async def test_a_key_that_cannot_be_had_is_asked_for_once_in_a_while() -> None:
    ring, clock, store = RingInMemory(), [0.0], StoreInMemory()
    keys = DataKeys(ring, store, now=lambda: clock[0])
    key = await DataKeys(ring, store).writing(OWNER)
    store.away = True
    with pytest.raises(Unavailable):
        await keys.reading(key.id)
    store.away = False
    with pytest.raises(Unavailable):
        await keys.reading(key.id)
    clock[0] = 3
    assert await keys.reading(key.id) == key


async def test_rewrapping_brings_no_erased_key_back(database: Database) -> None:
    """Between reading a page and writing it, somebody is erased and begins anew."""
    ring, table = RingInMemory(), DataKeyTable(database)
    keys = _keys(database, ring)
    await keys.writing(OWNER)
    (erased,) = await table.not_wrapped_by("ring-2", ("", ""), 10)
    await keys.erase(OWNER)
    again = await keys.writing(OWNER)
    await table.rewrap([(erased, erased.wrapped)])
    assert await _keys(database, ring).reading(again.id) == again
