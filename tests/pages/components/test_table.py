"""Tables get rows as data; rows that have not changed are not sent."""

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User

from portal.pages.components.table import Column, DataTable, data_table


@pytest.fixture
async def table(user: User) -> DataTable:
    drawn: list[DataTable] = []

    @ui.page("/table")
    async def page() -> None:
        columns = (
            Column("name", "Name", classes="wide"),
            Column("act", "Act", hidden_label=True, cell="<b>{{ props.row.act }}</b>"),
            Column("sum", "Sum", heading_cell="<i>Sum</i>", heading_attributes=':aria-sort="props.row.sum"'),
        )
        drawn.append(data_table("test", columns, test_id="test-table", label="Things"))

    await user.open("/table")
    return drawn[0]


async def test_every_column_has_a_heading_and_a_cell(table: DataTable) -> None:
    heading, line = table.props["heading"], table.props["line"]
    assert heading.count('<th scope="col"') == line.count("<td") == 3
    assert '<span class="mp-sr">Act</span>' in heading
    assert ':aria-sort="props.row.sum"><i>Sum</i></th>' in heading
    assert "{{ props.row.name }}" in line


async def test_a_cell_lies_below_the_headings_that_it_spans(user: User) -> None:
    drawn: list[DataTable] = []

    @ui.page("/joined")
    async def page() -> None:
        columns = Column("name", "Name", spans=2), Column("user", "User", spans=0), Column("sum", "Sum")
        drawn.append(data_table("test", columns, test_id="test-table", label="Things"))

    await user.open("/joined")
    heading, line = drawn[0].props["heading"], drawn[0].props["line"]
    assert (heading.count("<th"), line.count("<td"), line.count('colspan="2"')) == (3, 2, 1)


async def test_equal_rows_are_not_sent_again(table: DataTable, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Element] = []

    def note_update(element: Element) -> None:
        sent.append(element)

    monkeypatch.setattr(Element, "update", note_update)
    table.show_rows([{"id": 1, "name": "a"}])
    table.show_state(sum="ascending")
    assert len(sent) == 2
    table.show_rows([{"id": 1, "name": "a"}])
    table.show_state(sum="ascending")
    assert len(sent) == 2
    table.show_rows([{"id": 1, "name": "b"}])
    assert len(sent) == 3
    assert table.rows == [{"id": 1, "name": "b"}]


async def test_waiting_ends_with_the_first_rows_even_if_there_are_none(table: DataTable) -> None:
    table.wait(8)
    assert table.props["waiting"] == 8
    table.show_rows([])
    assert table.props["waiting"] == 0


async def test_message_is_shown_only_while_there_are_no_rows(table: DataTable) -> None:
    with table.client:
        message = table.when_empty("key", "No keys yet", "Create one.")
    assert (table.visible, message.visible) == (True, False)
    table.show_rows([])
    assert (table.visible, message.visible) == (False, True)
    table.show_rows([{"id": 1, "name": "a"}])
    assert (table.visible, message.visible) == (True, False)
