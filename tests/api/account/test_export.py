"""Everything about the signed-in person, as a file."""

import io
from zipfile import ZipFile

from portal.actions.people.acting import act_as
from portal.actions.people.sessions import Browser, open_session_for
from portal.db.tables import Account
from portal.views.people.accounts import load_viewer
from portal.web.visitors import cookie_name
from tests.api.conftest import As, Client
from tests.cast import NOW, acting, audit_log, run

EXPORT = "/user/api/export"


def test_a_person_downloads_everything_about_them(alice: Account, bob: Account, as_: As) -> None:
    answer = as_(alice).get(EXPORT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="moe-portal-alice-2026-11-22.zip"'
    archive = ZipFile(io.BytesIO(answer.content))
    assert b"alice@example.org" in archive.read("account.json")
    assert b"bob" not in answer.content
    assert audit_log()[-1][:2] == ("alice", "account.export")


def test_nobody_downloads_anything_without_a_session(client: Client) -> None:
    assert client.get(EXPORT).status_code == 401


def test_who_acts_as_a_person_reads_but_writes_nothing(alice: Account, admin: Account, client: Client) -> None:
    signed_in = run(open_session_for, admin.id, Browser("Firefox", "192.0.2.1"), NOW)
    viewer = run(load_viewer, signed_in.token, NOW)
    assert viewer is not None
    act_as(acting(admin), viewer.session_id, alice.id, "", NOW)
    client.cookies.set(cookie_name(), signed_in.token)
    before = audit_log()
    assert client.get("/user/api/budget").status_code == 200
    refused = [client.get(EXPORT), client.post("/user/api/keys", json={"label": "mine"})]
    assert [(answer.status_code, answer.json()["error"]) for answer in refused] == [(403, "only_looking")] * 2
    assert audit_log() == before
