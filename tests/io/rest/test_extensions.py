"""``backstay rest`` with extensions switched on by its environment, over a socket."""

from __future__ import annotations

import contextlib
import threading
import time

import httpx
import pytest

from tests.io.rest.test_standalone import running
from tests.support.cluster import Database

KEYED = {"Idempotency-Key": "k", "Prefer": "return=representation"}


@pytest.fixture
def notes(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    for name in ("BATCH", "IDEMPOTENCY", "QUERY_BY_POST", "DISTINCT", "NESTED_INSERTS"):
        monkeypatch.setenv(f"BACKSTAY_REST_{name}", "true")
    database.psql(
        """
        create table notes (id serial primary key, text text);
        create table marks (note_id int references notes, word text);
        grant all on notes, marks, notes_id_seq to anon;
        create function slowly() returns trigger language plpgsql as
          $$ begin perform pg_sleep(1); return new; end $$;
        create trigger slowly before insert on notes for each row
          when (new.text = 'slow') execute function slowly();
        """
    )
    return database


def test_they_work_over_http(notes: Database) -> None:
    with running(notes) as rest:
        api = rest.api
        step = {"method": "POST", "path": "/notes", "body": {"text": "a"}}
        assert [each["status"] for each in api.post("/batch", json=[step] * 3).json()] == [201] * 3
        nested = api.post("/notes", json={"text": "b", "marks": [{"word": "w"}]})
        assert nested.status_code == 201
        assert api.get("/notes?select=text&distinct=true&order=text").json() == [
            {"text": "a"},
            {"text": "b"},
        ]
        override = {"X-HTTP-Method-Override": "GET"}
        listed = ",".join(map(str, range(50_000)))
        found = api.post(
            "/notes?select=id,marks(word)",
            data={"id": f"in.({listed})", "text": "eq.b"},
            headers=override,
        )
        assert found.json() == [{"id": 4, "marks": [{"word": "w"}]}]
        first = api.post("/notes", json={"text": "c"}, headers=KEYED)
        again = api.post("/notes", json={"text": "c"}, headers=KEYED)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"


def test_killed_in_the_middle_it_is_done_once(notes: Database) -> None:
    def send(client: httpx.Client) -> httpx.Response:
        return client.post("/notes", json={"text": "slow"}, headers=KEYED, timeout=20)

    def unanswered(client: httpx.Client) -> None:
        with contextlib.suppress(httpx.TransportError):
            send(client)

    with running(notes) as rest:
        sender = threading.Thread(target=unanswered, args=(rest.api,))
        sender.start()
        time.sleep(0.4)
        rest.process.kill()
        sender.join()
    with running(notes) as rest:
        first, again = send(rest.api), send(rest.api)
    assert (first.status_code, first.content) == (201, again.content)
    assert notes.execute("select count(*) from notes") == [(1,)]
