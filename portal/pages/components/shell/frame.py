"""The parts around every page: navigation, heading, account menu, and the banner of a lost connection."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from nicegui import ui
from nicegui.events import GenericEventArguments

from portal.actions.people.accounts import adopt_time_zone, set_theme
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.components.assets import static
from portal.pages.components.live import Updated
from portal.pages.components.names import Name
from portal.pages.components.parts import Text, icon, icon_button, set_props, tag
from portal.pages.components.shell.acting import acting_banner
from portal.pages.components.shell.bell import Bell
from portal.pages.components.shell.menus import menu
from portal.pages.components.shell.open_requests import OpenRequests
from portal.pages.languages import speak_to
from portal.pages.navigation import DASHBOARD, REQUESTS, TEAM_REQUESTS, Entry, menu_of
from portal.pages.open_pages import remember
from portal.rules.people.accounts import Theme
from portal.settings import settings
from portal.system.ending import end_program
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import THEMES

_HEAD = """
<meta name="referrer" content="same-origin">
<link rel="stylesheet" href="{css}">
<script src="{js}" defer></script>
"""
_FIXED_THEMES = {
    Theme.LIGHT: '<script>document.documentElement.dataset.theme = "light"</script>',
    Theme.DARK: '<script>document.documentElement.dataset.theme = "dark"</script>',
}
_SWITCH_THEME = {
    Theme.SYSTEM: "delete document.documentElement.dataset.theme",
    Theme.LIGHT: 'document.documentElement.dataset.theme = "light"',
    Theme.DARK: 'document.documentElement.dataset.theme = "dark"',
}


class ThemeSwitch:
    """The theme of an open page; every control that offers the themes shows the same one."""

    def __init__(self, viewer: Viewer) -> None:
        """Start with the theme of the account."""
        self.theme = Theme(viewer.theme)
        self._actor = viewer.actor
        self._is_stored = viewer.acting is None
        self._followers: list[Callable[[Theme], object]] = []

    def follow(self, show: Callable[[Theme], object]) -> None:
        """Call `show` with the present theme, and with each theme chosen later."""
        self._followers.append(show)
        show(self.theme)

    async def choose(self, theme: Theme) -> None:
        """Apply a theme at once, and store it for the account, unless an administrator only looks."""
        if theme is self.theme:
            return
        self.theme = theme
        ui.run_javascript(_SWITCH_THEME[theme])
        for show in self._followers:
            show(theme)
        if self._is_stored:
            await in_transaction(set_theme, self._actor, theme.value, utc_now())


class Head:
    """The heading of a page, with places for buttons and for the time of the last update."""

    def __init__(self, title: str, formats: Formats, theme: ThemeSwitch, section: Entry | None) -> None:
        """Draw the `h1`, and above it a link to the page `section` if there is one."""
        self.theme = theme
        with tag("div", "mp-head"):
            with ui.element("div"):
                if section:
                    way_back(section)
                self.title = Text("h1", title)
                self.sub = Text("p").classes("mp-head__sub")
                self.sub.set_visibility(False)
            self.side = tag("div", "mp-head__side")
            self.corner = tag("div", "mp-head__corner")
        self._formats = formats

    def subtitle(self, text: str) -> None:
        """Write a line below the heading."""
        self.sub.set_visibility(True)
        self.sub.show(text)

    def updated(self, *, only_stale: bool = False) -> Updated:
        """Draw the time of the last update; return the object that changes it. `only_stale`: hidden until they are old.

        Screen readers announce old figures only, not every tick.
        """
        with self.side:
            with tag("span", "mp-updated", data_testid="updated-at") as mark:
                dot = tag("span", "mp-dot", aria_hidden="true")
                text = Text(skeleton=104)
            spoken = Text().classes("mp-sr").props("role=status")
        mark.set_visibility(not only_stale)

        def write(words: str, is_stale: bool) -> None:
            text.show(words)
            spoken.show(words if is_stale else "")
            mark.set_visibility(is_stale or not only_stale)
            dot.classes(add="mp-dot--stale" if is_stale else "", remove="" if is_stale else "mp-dot--stale")

        return Updated(write, self._formats.clock)


@contextmanager
def frame(page: Entry | str, viewer: Viewer, *, section: Entry | None = None) -> Iterator[Head]:
    """Draw the frame of a page; its content is drawn inside. Yield the head of the page.

    `page` is a page of the menu, or the title of another page; `section` is then the page of the menu it belongs to.
    """
    title = page if isinstance(page, str) else say(page.name)
    remember(ui.context.client, viewer)
    speak_to(ui.context.client)
    ui.page_title(f"{title} · MoE Portal")
    ui.add_head_html(_HEAD.format(css=static("portal.css"), js=static("portal.js")))
    ui.add_head_html(_FIXED_THEMES.get(Theme(viewer.theme), ""))
    ui.context.client.layout.props["data-session"] = viewer.session_id
    follow_zone(viewer)
    theme = ThemeSwitch(viewer)
    with ui.header().classes("mp-topbar"):
        opener = icon_button("menu", _("Open menu"))
        brand()
        name = viewer.display_name
        label = name if settings().is_desktop else _("Signed in as {name}", name=name)
        tag("span", "mp-avatar", viewer.initials, role="img", aria_label=label)
    with ui.left_drawer(fixed=True).props("width=232 breakpoint=1219 no-swipe-open").classes("mp-nav") as drawer:
        navigation(section or page, viewer, theme, drawer.hide)
    opener.on_click(drawer.toggle)
    skip_link()
    with tag("div", "mp-main", id="main", tabindex="-1"), tag("div", "mp-page"):
        offline_banner()
        formats = Formats.of(viewer)
        acting_banner(viewer, formats)
        head = Head(title, formats, theme, section)
        with head.corner:
            Bell(viewer, formats)
        if settings().is_desktop:
            closed_cover()
        yield head
    if not settings().is_desktop:
        _forms()


def follow_zone(viewer: Viewer) -> None:
    """Ask the browser for its time zone if the account has none; the first answer is stored for the account."""
    ui.context.client.layout.props["data-zone"] = viewer.time_zone or ""
    if viewer.time_zone is not None or viewer.acting:
        return

    async def adopt(event: GenericEventArguments) -> None:
        if await in_transaction(adopt_time_zone, viewer.actor, str(event.args)[:64]):
            ui.navigate.reload()

    ui.on("portal-zone", adopt)


def skip_link() -> None:
    """Draw the link that skips the navigation, before the bar and the drawer; call it after those are drawn."""
    layout = ui.context.client.layout
    with layout:
        tag("a", "mp-skip", _("Skip to content"), href="#main").move(layout, target_index=0)


def way_back(section: Entry) -> None:
    """Draw the link to the page of the menu that this page belongs to."""
    with tag("nav", "mp-back", aria_label=_("Way back")), tag("a", "", href=section.path):
        icon("left")
        Text("span", say(section.name))


def brand() -> None:
    """Draw the name of the product, which is a link to the dashboard."""
    with tag("a", "mp-brand", href=DASHBOARD.path):
        tag("img", "", src=static("favicon.svg"), alt="", width="26", height="26")
        Text("span", "MoE Portal")


def navigation(present: Entry | str, viewer: Viewer, theme: ThemeSwitch, close: Callable[[], object]) -> None:
    """Draw the links to all pages of the menu, and the account menu."""
    with tag("nav", "mp-nav__in", aria_label=_("Main")):
        with tag("div", "mp-nav__bar"):
            brand()
            icon_button("x", _("Close menu"), close).classes("mp-nav__close")
        own, administration = menu_of(viewer)
        nav_links(own, present, viewer)
        if administration:
            Text("p", _("Administration")).classes("mp-nav__caption")
            nav_links(administration, present, viewer)
        with tag("div", "mp-nav__foot"):
            account_menu(viewer, theme)


def nav_links(pages: Iterable[Entry], present: Entry | str, viewer: Viewer) -> None:
    """Draw the links to some pages; the link of the present page is marked, that of the requests has their number."""
    with ui.element("ul"):
        for page in pages:
            with ui.element("li"), tag("a", "mp-nav__link", href=page.path) as link:
                icon(page.icon)
                Text("span", say(page.name))
                if page in {REQUESTS, TEAM_REQUESTS}:
                    OpenRequests(viewer)
            if page == present:
                link.props["aria-current"] = "page"


def account_menu(viewer: Viewer, theme: ThemeSwitch) -> None:
    """Draw the name of the person, and the menu with the themes and, "Sign out" or "Quit"."""
    is_desktop = settings().is_desktop
    with tag("button", "mp-who", type="button", data_testid="account-menu") as opener:
        tag("span", "mp-avatar", viewer.initials, aria_hidden="true")
        with ui.element("span"):
            with tag("span", "mp-who__name"):
                Name(viewer.display_name)
            if not is_desktop:
                with tag("span", "mp-who__mail"):
                    Name(viewer.email)
        icon("updown")
    with menu(opener, _("Account"), 'anchor="top left" self="bottom left"'):
        with tag("div", "mp-menu__who", aria_hidden="true"):  # the button has the same text
            Text("p", viewer.display_name)
            if not is_desktop:
                Text("p", viewer.email).classes("mp-faint mp-small")
        Text("p", _("Theme")).classes("mp-menu__caption").props("aria-hidden=true")
        theme_choice(theme)
        ui.separator()
        if is_desktop:
            leave = tag("button", "mp-menu__item", type="button", role="menuitem").on("click", end_program)
        else:
            leave = tag("button", "mp-menu__item", type="submit", form="sign-out", role="menuitem")
        with leave:
            icon("leave")
            Text("span", _("Quit MoE Portal") if is_desktop else _("Sign out"))


def theme_choice(switch: ThemeSwitch) -> None:
    """Draw the three themes; a chosen one applies at once and is stored."""
    items: dict[Theme, ui.menu_item] = {}
    for theme in Theme:
        with ui.menu_item(on_click=lambda theme=theme: switch.choose(theme)).classes("mp-menu__item") as item:
            Text("span", say(THEMES[theme]))
            icon("check").classes("mp-menu__check")
        item.props["role"] = "menuitemradio"
        items[theme] = item

    def show(chosen: Theme) -> None:
        for theme, item in items.items():
            set_props(item, aria_checked="true" if theme is chosen else "false")

    switch.follow(show)


def offline_banner() -> None:
    """Draw the banner of a lost connection; frame.js shows and hides it."""
    texts = {
        "data_text": _("No connection to the portal. Trying again."),
        "data_text_since": _("No connection to the portal. Figures are as of {since}; trying again."),
    }
    with tag("div", "mp-msg mp-msg--warn mp-offline", id="offline", role="alert", hidden="", **texts):
        icon("off")
        with ui.element("div"):
            tag("span", "", texts["data_text"], id="offline-text")
        tag("button", "mp-btn", _("Try now"), type="button", id="offline-retry")


def closed_cover() -> None:
    """Draw the cover of a page after the desktop program has ended; frame.js shows it."""
    layout = ui.context.client.layout
    with layout, tag("div", "mp-closed", id="closed", role="alert", hidden="", tabindex="-1") as cover:
        with tag("div", "mp-empty"):
            icon("off")
            Text("h2", _("MoE Portal was closed"))
            Text("p", _("Everything it has counted is kept. Open it again to go on; you can close this window."))
    cover.move(layout, target_index=0)


def _forms() -> None:
    tag("form", "", id="sign-out", method="post", action="/user/logout", hidden="")
