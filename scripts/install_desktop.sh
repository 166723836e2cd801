#!/bin/sh
# Install the desktop program for one user, or remove it again: install_desktop.sh install|uninstall [PREFIX]
# The menu entry names the program by its path, since menus often do not look into ~/.local/bin.
set -eu
cd "$(dirname "$0")/.."
prefix=${2:-$HOME/.local}
program=$prefix/bin/moe-portal
entry=$prefix/share/applications/moe-portal.desktop
icon=$prefix/share/icons/hicolor/scalable/apps/moe-portal.svg
about=$prefix/share/metainfo/org.moe_portal.moe_portal.metainfo.xml

case $1 in
install)
    mkdir -p "${program%/*}" "${entry%/*}" "${icon%/*}" "${about%/*}"
    cp dist/moe-portal "$program.new"
    chmod 755 "$program.new"
    mv "$program.new" "$program" # a running program keeps its own file
    exec_line=$(printf '%s' "$program" | sed -e 's/[\\"`$]/\\\\&/g' -e 's/%/%%/g' -e 's/[&|\\]/\\&/g')
    sed "s|^Exec=.*|Exec=\"$exec_line\"|" packaging/moe-portal.desktop >"$entry"
    cp portal/static/favicon.svg "$icon"
    cp packaging/org.moe_portal.moe_portal.metainfo.xml "$about"
    chmod 644 "$entry" "$icon" "$about"
    echo "Installed $program; MoE Portal is in the menu of your desktop."
    ;;
uninstall)
    rm -f "$program" "$entry" "$icon" "$about"
    echo "Removed $program and its menu entry. Your data stay where they are."
    ;;
esac
if command -v update-desktop-database >/dev/null; then
    update-desktop-database -q "${entry%/*}" 2>/dev/null || true
fi
