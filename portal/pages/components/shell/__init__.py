"""The parts around every page: navigation, menus and the bell."""
