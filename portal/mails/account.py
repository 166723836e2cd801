"""Mails about an account itself."""

from datetime import datetime
from zoneinfo import ZoneInfo

from portal.mails.content import Content, written


def reset_mail(display_name: str, language: str, link: str, minutes: int) -> Content:
    """Return the mail with the link that sets another password; it works once, for so many minutes."""
    return written("reset", language, display_name=display_name, link=link, minutes=minutes)


def password_changed_mail(display_name: str, language: str, at: datetime, zone: ZoneInfo) -> Content:
    """Return the mail that tells somebody that their password is another one, in case it was not them."""
    return written("password_changed", language, display_name=display_name, at=at, zone=zone)


def email_changed_mail(display_name: str, language: str, at: datetime, zone: ZoneInfo) -> Content:
    """Return the mail that tells the old address of an account that there is a new one, in case it was not them."""
    return written("email_changed", language, display_name=display_name, at=at, zone=zone)


def test_mail(display_name: str, language: str, base_url: str) -> Content:
    """Return a mail that proves that alerts will arrive."""
    return written("test", language, display_name=display_name, portal=base_url.rstrip("/"))
