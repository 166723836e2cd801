"""Mails about an account itself."""

from datetime import datetime
from zoneinfo import ZoneInfo

from portal.mails.content import Content, Letter, formats_of, written
from portal.rules.messages import message

_NOT_YOU = message("If it was not you, tell an administrator at once.")


def reset_mail(display_name: str, language: str, link: str, minutes: int) -> Content:
    """Return the mail with the link that sets a new password; the link works once, for `minutes`."""
    letter = Letter(
        subject=message("Set a new password for MoE Portal"),
        paragraphs=(
            message("somebody, probably you, asked for a new password for your account. You can set it here."),
        ),
        button=message("Set a new password"),
        link=link,
        below=(
            message("The link works once, within {minutes} minutes.", minutes=minutes),
            message("If the button does nothing, copy this address into your browser:"),
        ),
        reason=message("If it was not you, do nothing: your password stays as it is, and only you have this link."),
    )
    return written(letter, display_name, language)


def password_link_mail(display_name: str, language: str, username: str, link: str, days: int) -> Content:
    """Return the mail with a link that an administrator has made; the link works once, for `days`."""
    letter = Letter(
        subject=message("Choose your password for MoE Portal"),
        paragraphs=(
            message("an administrator has sent you this link. With it you choose the password of your account."),
            message("Your user name is {username}.", username=username),
        ),
        button=message("Choose a password"),
        link=link,
        below=(
            message("The link works once, within {days} days.", days=days),
            message("If the button does nothing, copy this address into your browser:"),
        ),
        reason=message("You get this mail because an administrator sent it to the address of your account."),
    )
    return written(letter, display_name, language)


def password_changed_mail(display_name: str, language: str, at: datetime, zone: ZoneInfo) -> Content:
    """Return the mail about a changed password, a warning if its owner did not change it."""
    when = formats_of(language, zone).full_moment(at)
    letter = Letter(
        subject=message("Your password for MoE Portal was changed"),
        paragraphs=(message("your password was changed on {when}.", when=when), _NOT_YOU),
        reason=message("You get this mail whenever the password of your account is changed."),
    )
    return written(letter, display_name, language)


def email_changed_mail(display_name: str, language: str, at: datetime, zone: ZoneInfo) -> Content:
    """Return the mail to the old address of an account after a change, a warning if its owner did not change it."""
    when = formats_of(language, zone).full_moment(at)
    letter = Letter(
        subject=message("The address of your MoE Portal account was changed"),
        paragraphs=(
            message(
                "mails about your account have gone to another address since {when}. This is the last one to this "
                "address.",
                when=when,
            ),
            _NOT_YOU,
        ),
        reason=message("You get this mail because the address of your account was changed."),
    )
    return written(letter, display_name, language)


def test_mail(display_name: str, language: str, base_url: str) -> Content:
    """Return a test mail: if it arrives, alerts arrive too. Without a `base_url` it has no link."""
    portal = base_url.rstrip("/")
    letter = Letter(
        subject=message("Test mail from MoE Portal"),
        paragraphs=(message("this mail proves that budget alerts will reach you at this address."),),
        button=message("Open Billing"),
        link=f"{portal}/user/billing" if portal else "",
        reason=message(
            "You get this mail because somebody asked for it under “{card}” of your account.",
            card=message("Configure Budget Alerts"),
        ),
    )
    return written(letter, display_name, language)
