"""Notifications, with a session bus of the test: a socket that speaks as much of D-Bus as the call needs."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from jeepney import HeaderFields, Message, MessageType, Parser, new_error, new_method_return

from portal.system import notices
from portal.system.notices import CannotNotify, show_notice


class Bus:
    """A session bus that answers each call of a method with what `answers` returns."""

    def __init__(self, path: Path) -> None:
        self.notices: list[tuple[Any, ...]] = []
        self.refuses = False
        self.is_silent = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client:
                    self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        while not client.recv(1024).endswith(b"\r\n"):  # a zero byte, and AUTH EXTERNAL
            pass
        client.sendall(b"OK 1234deadbeef\r\n")
        data = client.recv(4096).removeprefix(b"BEGIN\r\n")
        parser = Parser()
        while True:
            parser.add_data(data)
            while (call := parser.get_next_message()) is not None:
                if answer := self._answer(call):
                    client.sendall(answer.serialise(serial=1))
            data = client.recv(4096)
            if not data:
                return

    def _answer(self, call: Message) -> Message | None:
        method = call.header.fields[HeaderFields.member]
        if method == "Hello":
            return new_method_return(call, "s", (":1.1",))
        if self.is_silent:
            return None
        if self.refuses:
            return new_error(call, "org.freedesktop.DBus.Error.ServiceUnknown", "s", ("nobody takes them",))
        assert call.header.message_type is MessageType.method_call
        self.notices.append(call.body)
        return new_method_return(call, "u", (1,))


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    found = Bus(tmp_path / "bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus,guid=00")
    yield found
    found.close()


def test_notice_reaches_the_service(bus: Bus) -> None:
    show_notice("Daily budget passed 80 %", "8,123 of 10,000 <billable> tokens")
    ((app, replaces, icon, title, text, actions, hints, lasts),) = bus.notices
    assert (app, replaces, title, actions, lasts) == ("MoE Portal", 0, "Daily budget passed 80 %", [], -1)
    assert text == "8,123 of 10,000 &lt;billable&gt; tokens"  # services read markup
    assert hints["desktop-entry"] == ("s", "moe-portal")
    assert Path(icon).is_file()


def test_refusal_of_the_service_is_an_error(bus: Bus) -> None:
    bus.refuses = True
    with pytest.raises(CannotNotify, match="This system does not show notifications"):
        show_notice("title", "text")
    bus.refuses = False
    show_notice("title", "text")
    assert len(bus.notices) == 1


def test_service_that_does_not_answer_is_an_error(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "TIMEOUT", 0.1)
    bus.is_silent = True
    with pytest.raises(CannotNotify):
        show_notice("title", "text")


@pytest.mark.parametrize("address", [None, "", "nonsense", "tcp:host=localhost,port=1", "unix:path=/nowhere/bus"])
def test_system_without_a_bus_is_an_error(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(CannotNotify):
        show_notice("title", "text")


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_texts_are_no_code_of_scripts(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[tuple[str, ...], dict[str, str]]] = []

    def run(command: tuple[str, ...], **options: Any) -> None:
        commands.append((command, options["env"]))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "platform", system)
    show_notice('a " title', "a $(text)")
    ((command, environment),) = commands
    script = next(argument for argument in command if "\n" in argument)
    assert "a $(text)" not in script
    assert "a $(text)" in {command[-1], environment.get("NOTICE_TEXT")}
