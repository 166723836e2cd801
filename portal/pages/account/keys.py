"""API keys: which programs may spend in one's name, and since when; create, name and revoke them."""

from datetime import datetime
from typing import Any

from nicegui import APIRouter, events, ui

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.account.key_dialogs import CreateKey, NewKeyDialog, RenameKey, RevokeKey
from portal.pages.components.inputs.fields import Message
from portal.pages.components.live import live
from portal.pages.components.names import name_cell
from portal.pages.components.parts import Text, button, empty, icon_name, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table, show_rows
from portal.pages.navigation import KEYS
from portal.rules.keys import expires_soon, last_day
from portal.rules.periods import countdown
from portal.views.keys import KeyStatus, KeysView, KeyView, load_keys
from portal.web.visitors import SignedIn
from portal.words import say
from portal.words.formats import Formats

router = APIRouter()

_STATUS = {
    KeyStatus.ACTIVE: ("Active", "check"),
    KeyStatus.EXPIRED: ("Expired", "clock"),
    KeyStatus.REVOKED: ("Revoked", "ban"),
}
_COLUMNS = (
    Column("prefix", "Key prefix", classes="k-prefix", cell='<code class="mp-mono">{{ props.row.prefix }}…</code>'),
    Column("label", "Label", classes="k-label", cell=name_cell("label")),
    Column("created", "Created", classes="k-created", attributes=':title="props.row.created_exact"'),
    Column("last_used", "Last used", classes="k-last", attributes=':title="props.row.last_used_exact"'),
    Column(
        "status",
        "Status",
        classes="k-status",
        cell='<span class="k-st"><span class="mp-badge" :class="{\'mp-badge--ok\': !props.row.off}">'
        '<q-icon class="mp-i" :name="props.row.icon" aria-hidden="true"></q-icon>{{ props.row.status }}</span>'
        '<span v-if="props.row.ends" class="mp-small" :class="props.row.soon ? \'k-soon\' : \'mp-faint\'"'
        ' :title="props.row.ends_exact">{{ props.row.ends }}</span></span>',
    ),
    Column(
        "actions",
        "Actions",
        classes="k-act num",
        heading="num",
        hidden_label=True,
        cell='<template v-if="!props.row.off">'
        '<button type="button" class="mp-btn mp-btn--ghost kb" :aria-label="\'Edit label of \' + props.row.label"'
        " @click=\"$parent.$emit('rename', props.row.id)\">Edit label</button>"
        '<button type="button" class="mp-btn mp-btn--ghost mp-btn--danger kb"'
        " :aria-label=\"'Revoke ' + props.row.label\""
        " @click=\"$parent.$emit('revoke', props.row.id)\">Revoke</button></template>",
    ),
)


@router.page(KEYS.path)
async def keys_page(viewer: SignedIn, create: str = "") -> None:
    """Show the signed-in account its own keys; `?create=1` asks for a new one at once."""
    formats = Formats.of(viewer)

    async def load() -> KeysView:
        return await in_reading(load_keys, viewer.id, utc_now())

    with frame(KEYS, viewer) as head:
        updated = head.updated(only_stale=True)
        with head.side:
            opener = button("Create key", kind="primary", icon="plus")
        said = Message()
        creating = CreateKey(viewer, formats, NewKeyDialog(viewer, formats, opener).open)
        opener.on_click(creating.open)
        table = KeysTable(formats, creating, RenameKey(viewer), RevokeKey(viewer, said, opener))
        if create == "1":
            creating.open()
            ui.navigate.history.replace(KEYS.path)
        await live(("keys", viewer.id), load, table.show, updated)


class KeysTable:
    """All keys of an account, those that work first."""

    def __init__(self, formats: Formats, creating: CreateKey, renaming: RenameKey, revoking: RevokeKey) -> None:
        """Draw the card with an empty table, whose buttons open the dialogs."""
        self._formats = formats
        self._keys: dict[object, KeyView] = {}
        with tag("section", "mp-card", aria_label="API keys"):
            with tag("div", "mp-card__head"):
                Text(
                    "p",
                    "Your programs send a key with every request. "
                    "Give each program its own, so that its use can be told apart.",
                ).classes("mp-muted")
            self._table = data_table("keys", _COLUMNS, test_id="keys-table", label="API keys")
            with empty(
                "key", "No keys yet", "Create a key and give it to a program. You see it here with its last use."
            ) as self._empty:
                button("Create key", creating.open, kind="primary", icon="plus")
        self._empty.set_visibility(False)
        self._table.on("rename", lambda event: self._open(renaming, event))
        self._table.on("revoke", lambda event: self._open(revoking, event))

    def show(self, view: KeysView, now: datetime) -> None:
        """Put newer rows in place."""
        self._keys = {key.id: key for key in view.keys}
        self._table.set_visibility(bool(view.keys))
        self._empty.set_visibility(not view.keys)
        show_rows(self._table, [self._row(key, now) for key in view.keys])

    def _open(self, dialog: RenameKey | RevokeKey, event: events.GenericEventArguments) -> None:
        key = self._keys.get(event.args) if isinstance(event.args, int) else None
        if key is not None:
            dialog.open(key)

    def _row(self, key: KeyView, now: datetime) -> dict[str, Any]:
        f = self._formats
        word, picture = _STATUS[key.status]
        return {
            "id": key.id,
            "prefix": key.prefix,
            "label": key.label,
            "created": f.date_of(key.created_at),
            "created_exact": f.exact(key.created_at),
            "last_used": f.moment(key.last_used_at, now) if key.last_used_at else "Never",
            "last_used_exact": f.exact(key.last_used_at),
            "status": word,
            "icon": icon_name(picture),
            "off": key.status is not KeyStatus.ACTIVE,
            "soon": key.status is KeyStatus.ACTIVE and expires_soon(key.expires_at, now),
            "ends": end_of_key(key, f, now),
            "ends_exact": f.exact(key.revoked_at or key.expires_at),
        }


def end_of_key(key: KeyView, f: Formats, now: datetime) -> str:
    """Say when a key ended or will end; nothing for one that works for ever."""
    if key.revoked_at is not None:
        return f.date_of(key.revoked_at)
    if key.expires_at is None:
        return ""
    if key.status is KeyStatus.EXPIRED:
        return f.day(last_day(key.expires_at, f.zone))
    if expires_soon(key.expires_at, now):
        return f"Expires in {say(countdown(key.expires_at, now))}"
    return f"Until {f.day(last_day(key.expires_at, f.zone))}"
