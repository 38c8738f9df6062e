"""The sealed file: what goes in comes out, and nothing else does."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.backup import keys, vault
from agentos.backup.errors import BackupError

KEYS = keys.keyring([keys.new_key()])
FACTS = {"database": "acme"}


def sealed(data: bytes, ring: keys.Keyring = KEYS) -> bytes:
    file = BytesIO()
    sealer = vault.Sealer(file, ring, FACTS)
    sealer.write(data)
    sealer.finish()
    return file.getvalue()


def opened(file: bytes, ring: keys.Keyring = KEYS) -> bytes:
    return b"".join(vault.opened(BytesIO(file), ring))


def code_of(file: bytes, ring: keys.Keyring = KEYS) -> str:
    with pytest.raises(BackupError) as raised:
        opened(file, ring)
    return raised.value.code


@pytest.mark.parametrize("chunks", [0, 0.5, 1, 2, 2.5])
def test_what_was_sealed_is_opened(chunks):
    data = bytes(range(256)) * int(vault.CHUNK_BYTES / 256 * chunks)
    assert opened(sealed(data)) == data


@given(st.lists(st.binary(max_size=2000), max_size=8))
def test_however_it_was_written(parts):
    file = BytesIO()
    sealer = vault.Sealer(file, KEYS, FACTS)
    for part in parts:
        sealer.write(part)
    sealer.finish()
    assert opened(file.getvalue()) == b"".join(parts)


def test_nothing_of_it_can_be_read_without_the_key():
    assert b"secret of acme" not in sealed(b"secret of acme" * 100)
    assert vault.read_header(BytesIO(sealed(b""))).facts == FACTS


def test_the_same_data_never_look_the_same():
    assert sealed(b"twice") != sealed(b"twice")


@given(st.data())
def test_any_flipped_bit_is_found(data):
    file = bytearray(sealed(b"x" * 300))
    at = data.draw(st.integers(0, len(file) * 8 - 1))
    file[at // 8] ^= 1 << at % 8
    with pytest.raises(BackupError):
        opened(bytes(file))


@given(st.data())
def test_any_cut_is_found(data):
    file = sealed(b"x" * 300)
    with pytest.raises(BackupError):
        opened(file[: data.draw(st.integers(0, len(file) - 1))])


def test_a_cut_between_two_chunks_is_called_one():
    file = sealed(b"x" * vault.CHUNK_BYTES * 2)
    assert code_of(file[: -(vault.CHUNK_BYTES + vault.TAG_BYTES + 4)]) == "backup_cut"


def chunks_of(file: bytes) -> tuple[bytes, list[bytes]]:
    head = len(vault.read_header(BytesIO(file)).encoded)
    size = 4 + vault.CHUNK_BYTES + vault.TAG_BYTES
    return file[:head], [file[at : at + size] for at in range(head, len(file), size)]


@pytest.mark.parametrize(
    "order",
    [(1, 0, 2), (0, 0, 1, 2), (0, 2), (0, 1, 2, 2), (0, 1, 1)],
    ids=["swapped", "doubled", "left-out", "twice", "end"],
)
def test_chunks_keep_their_order_and_number(order):
    head, chunks = chunks_of(sealed(b"x" * (vault.CHUNK_BYTES * 2 + 100)))
    assert code_of(head + b"".join(chunks[number] for number in order)) in ("backup_damaged", "backup_cut")


def test_a_chunk_of_another_file_does_not_fit():
    head, _ = chunks_of(sealed(b"one"))
    _, other = chunks_of(sealed(b"two"))
    assert code_of(head + b"".join(other)) == "backup_damaged"


def test_bytes_behind_the_end_are_found():
    assert code_of(sealed(b"x") + b"\0\0\0\x20" + b"y" * 32) == "backup_damaged"


def test_a_wrong_key_says_which_is_right():
    other = keys.keyring([keys.new_key()])
    with pytest.raises(BackupError, match=KEYS.current) as raised:
        opened(sealed(b"x"), other)
    assert raised.value.code == "backup_wrong_key"


def test_an_old_key_still_opens():
    old, new = keys.new_key(), keys.new_key()
    file = sealed(b"x", keys.keyring([old]))
    assert opened(file, keys.keyring([new, old])) == b"x"
    assert keys.keyring([new, old]).current == keys.keyring([new]).current


@pytest.mark.parametrize("text", ["", "short", "a" * 43 + "!", "€" * 43])
def test_a_key_is_32_random_bytes(text):
    with pytest.raises(BackupError):
        keys.keyring([text])


def test_a_file_of_something_else_is_refused():
    assert code_of(b"PGDMP and so on") == "backup_unreadable"


def test_the_key_of_a_checkout_is_made_once_and_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.delenv("AGENTOS_BACKUP_KEY", raising=False)
    path = tmp_path / "var" / "backup_key"
    first = keys.configured(path)
    assert keys.configured(path).current == first.current
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_environment_names_the_key(tmp_path, monkeypatch):
    (tmp_path / "key").write_text(keys.new_key() + "\n")
    monkeypatch.delenv("AGENTOS_BACKUP_KEY", raising=False)
    monkeypatch.setenv("AGENTOS_BACKUP_KEY_FILE", str(tmp_path / "key"))
    assert len(keys.configured(None).by_id) == 1


def test_without_a_key_nothing_begins(monkeypatch):
    monkeypatch.delenv("AGENTOS_BACKUP_KEY", raising=False)
    with pytest.raises(BackupError) as raised:
        keys.configured(None)
    assert raised.value.code == "backup_key_missing"
