"""The dialogs of expert templates: one to write a template, one for the JSON of MoE Sovereign, one to delete."""

import json
from collections.abc import Awaitable, Callable

from portal.actions.fields import clean_field
from portal.actions.templates import define_sovereign_template, define_template, delete_template
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import InvalidInput
from portal.pages.components.inputs.dialogs import Confirmation, FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, set_props
from portal.rules.messages import message
from portal.rules.template_lines import read_models, write_models
from portal.rules.text import MAX_NAME
from portal.views.people.accounts import Viewer
from portal.views.template_list import load_template_models
from portal.views.templates import AssignedModel
from portal.words import _

_NEW = "new"
_LONGEST = 200_000
After = Callable[[], Awaitable[None]]


class EditTemplate:
    """Asks for the name, cost factor and models of a template."""

    def __init__(self, viewer: Viewer, done: Notice, after: After) -> None:
        """Draw the dialog closed; `after` is called when a template is saved."""
        self._viewer, self._done, self._after = viewer, done, after
        self._dialog = FormDialog("template", _("Expert template"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            hint = _("A template of this name is replaced.")
            self._name = form.text("name", _("Name"), hint=hint, maxlength=MAX_NAME, autocomplete="off")
            self._factor = form.text("cost_factor", _("Cost factor"), inputmode="decimal", autocomplete="off")
            lines = _(
                "One model per line, as “{example}”. Required models always answer.",
                example="Code: qwen3-coder:30b@gpu-01 (required)",
            )
            self._models = form.text("models", _("Models"), hint=lines, lines=8, maxlength=_LONGEST, spellcheck="false")
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._name.control, autofocus=True)

    async def open(self, template_id: int | None = None, *, copies: bool = False) -> None:
        """Show a template, or its copy under a new name; without an id an empty form."""
        name, factor, models = "", "1", ""
        if template_id is not None:
            view = await in_reading(load_template_models, self._viewer.actor, template_id)
            name, factor, models = view.name, f"{view.cost_factor:f}", write_models(view.models)
        if self._dialog.window.is_deleted:
            return
        self._name.fill(_("Copy of {name}", name=name)[:MAX_NAME] if copies else name)
        self._factor.fill(factor)
        self._models.fill(models)
        self._dialog.begin(_NEW if template_id is None or copies else str(template_id))

    async def _reopen(self, subject: str) -> None:
        if subject == _NEW:
            await self.open()
        elif subject.isascii() and subject.isdigit() and len(subject) < 19:
            await self.open(int(subject))

    async def _save(self) -> str:
        factor = self._factor.text.strip().replace(",", ".")
        models = [AssignedModel(*model) for model in clean_field("models", read_models, self._models.text)]
        await in_transaction(define_template, self._viewer.actor, self._name.text, factor, models, utc_now())
        await _close(self._dialog, self._done, self._after, self._name.text)
        return ""


class ImportTemplate:
    """Asks for a template in the JSON of MoE Sovereign."""

    def __init__(self, viewer: Viewer, done: Notice, after: After) -> None:
        """Draw the dialog closed; `after` is called when a template is saved."""
        self._viewer, self._done, self._after = viewer, done, after
        self._dialog = FormDialog("import-template", _("Import a template"), self._save, reopen=self._reopen)
        with self._dialog.body:
            Text("p", _("Paste the JSON of a template of MoE Sovereign. A template of the same name is replaced."))
            self._json = self._dialog.form.text("experts", _("JSON"), lines=10, maxlength=_LONGEST, spellcheck="false")
            self._dialog.form.says()
        self._dialog.buttons(_("Import"))
        set_props(self._json.control, autofocus=True)

    def open(self) -> None:
        """Ask for a template."""
        self._json.fill("")
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open()

    async def _save(self) -> str:
        try:
            content = json.loads(self._json.text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(message("This is no JSON."), "experts") from error
        if not isinstance(content, dict):
            raise InvalidInput(message("This is no expert template of MoE Sovereign."), "experts")
        await in_transaction(define_sovereign_template, self._viewer.actor, content, utc_now())
        await _close(self._dialog, self._done, self._after, str(content["name"]))
        return ""


class DeleteTemplate:
    """Asks before a template is deleted."""

    def __init__(self, viewer: Viewer, done: Notice, after: After) -> None:
        """Draw the dialog closed; `after` is called when a template was deleted."""
        self._viewer, self._done, self._after = viewer, done, after
        self._dialog = Confirmation(_("Keep template"), _("Delete template"))

    async def open(self, template_id: int) -> None:
        """Ask about one template."""
        view = await in_reading(load_template_models, self._viewer.actor, template_id)

        async def delete() -> None:
            await in_transaction(delete_template, self._viewer.actor, template_id, utc_now())
            self._done.say(_("The template {name} was deleted.", name=view.name))
            await self._after()

        if not self._dialog.window.is_deleted:
            question = _("Stored usage keeps the name and the cost factor of the template.")
            self._dialog.ask(_("Delete template?"), question, delete, code=view.name)


async def _close(dialog: FormDialog, done: Notice, after: After, name: str) -> None:
    if not dialog.window.is_deleted:
        dialog.close()
        done.say(_("The template {name} was saved.", name=name))
        await after()
