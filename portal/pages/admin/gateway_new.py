"""Connect a gateway: its kind and name, the snippet to copy, and whether it reports."""

from nicegui import events, ui

from portal.actions.metering.gateways import NewGateway, create_gateway
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import Conflict, InvalidInput
from portal.pages.addresses import NEW_GATEWAY
from portal.pages.admin.connect import Choice, ConnectionLight, Snippets, public_address, say_copied
from portal.pages.admin.snippets import GATEWAYS as KINDS
from portal.pages.admin.snippets import Values
from portal.pages.components.inputs.drafts import Draft
from portal.pages.components.inputs.fields import Form, Notice
from portal.pages.components.parts import Text, icon, set_props, tag
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import GATEWAYS
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.views.metering.gateways import NO_EVENT_YET, ConnectionView, load_free_names, load_gateway_connection
from portal.views.people.accounts import Viewer
from portal.web.visitors import Administrator
from portal.words import _, say
from portal.words.formats import Formats

router = PageRouter()

_DEFAULT = "litellm"


@router.page(NEW_GATEWAY)
async def connect_page(viewer: Administrator, kind: str = _DEFAULT) -> None:
    """Let an administrator connect a gateway; `?kind=` chooses what it is."""
    names = await in_reading(load_free_names, viewer.actor, KINDS)
    with frame(_("Connect gateway"), viewer, section=GATEWAYS) as head:
        head.subtitle(_("Choose what it is, copy the snippet, and watch the light."))
        ConnectGateway(viewer, kind if kind in KINDS else _DEFAULT, names)


class ConnectGateway:
    """Two steps: a name, then the snippet with a new token, which is shown this one time only."""

    def __init__(self, viewer: Viewer, kind: str, names: dict[str, str]) -> None:
        """Draw the first step, with the free name of each kind in `names`, and the second step hidden."""
        self._viewer = viewer
        self._names = names
        self._made: NewGateway | None = None
        with tag("section", "mp-card", aria_label=_("What it is"), data_testid="connect-form"):
            with tag("div", "mp-card__head"):
                Text("h2", _("What do you want to connect?"))
            with Form(self._create, name=_("Connect gateway")) as self._form:
                self._draw_fields(kind)
                self._draft = Draft("gateway", self._form)
            self._form.element.classes("mp-card__body mp-form")
        with tag("section", "mp-card", aria_label=_("What to copy")) as self._second:
            with tag("div", "mp-card__head"), ui.element("div"):
                self._title = Text("h2")
                self._sub = Text("p").classes("mp-card__sub")
            with tag("div", "mp-card__body mp-form"):
                self._draw_second()
        self._second.set_visibility(False)
        ui.on("portal-copied", self._say_copied)

    def _draw_fields(self, kind: str) -> None:
        form = self._form
        self._kind = Choice(_("Kind of gateway"), {key: k.name for key, k in KINDS.items()}, kind, self._choose)
        self._about = Text("p", say(KINDS[kind].about)).classes("mp-muted")
        with tag("div", "mp-pair"):
            self._name = form.text(
                "name", _("Name"), self._names[kind], hint=_("Its name on these pages."), autocomplete="off"
            )
            hint = _("Shown for requests without a mode of their own.")
            self._mode = form.text("mode", _("Mode"), "native", hint=hint, autocomplete="off")
        with tag("div", "mp-form__foot") as self._foot:
            form.submit(_("Create gateway"))
        form.says()

    def _draw_second(self) -> None:
        with tag("div", "mp-msg mp-msg--warn") as self._once:
            icon("warn")
            Text("div", _("The token in it is shown only now. Keep it where your other secrets are."))
        self._snippets = Snippets()
        self._copied = Notice()
        self._light = ConnectionLight(Formats.of(self._viewer))
        with tag("p", "mp-form__foot"):
            self._on = tag("a", "mp-btn", _("Open the gateway’s page"), href=GATEWAYS.path)

    def _choose(self, kind: str) -> None:
        """Suggest the free name of a kind, unless another name has been typed."""
        if self._made is not None:
            self._show(self._made)
            return
        self._about.show(say(KINDS[kind].about))
        if self._name.text in {"", *self._names.values()}:
            is_typed = self._draft.is_typed
            self._name.fill(self._names[kind])
            if not is_typed:
                self._draft.begin()

    async def _create(self) -> str:
        if self._made is not None:
            return ""
        try:
            self._made = await self._connect()
        except Conflict as error:
            raise await self._with_another_name(error) from error
        self._show(self._made)
        self._light.watch(self._look, NO_EVENT_YET)
        return ""

    async def _connect(self) -> NewGateway:
        with_token = KINDS[self._kind.chosen].with_token
        name, mode = self._name.text, self._mode.text
        actor, now = self._viewer.actor, utc_now()
        return await in_transaction(create_gateway, actor, name, now, mode, with_token=with_token)

    async def _with_another_name(self, error: Conflict) -> InvalidInput:
        """Fill in a free name in place of the taken one; return the error that says so."""
        taken = self._name.text.strip()
        self._names = await in_reading(load_free_names, self._viewer.actor, {*KINDS, taken})
        self._name.fill(self._names[taken])
        return InvalidInput(
            message("{problem} {name} is free.", problem=error.sentence, name=self._names[taken]), "name"
        )

    def _show(self, made: NewGateway) -> None:
        kind = KINDS[self._kind.chosen]
        self._about.set_visibility(False)
        self._title.show(_("Connect {name}", name=made.name))
        values = Values(public_address(), name=made.name, username=self._viewer.username)
        if made.token is not None:
            values = Values(values.url, made.token, made.name, self._viewer.username)
        self._snippets.show(kind, values)
        self._once.set_visibility(made.token is not None and kind.with_token)
        self._foot.set_visibility(False)
        for field in (self._name, self._mode):
            set_props(field.control, readonly=True)
        set_props(self._on, href=f"{GATEWAYS.path}/{made.id}")
        self._second.set_visibility(True)

    async def _look(self) -> ConnectionView:
        assert self._made is not None  # noqa: S101  # watched only from then on
        return await in_reading(load_gateway_connection, self._viewer.actor, self._made.id)

    def _say_copied(self, event: events.GenericEventArguments) -> None:
        say_copied(self._copied, event)
