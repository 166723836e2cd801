"""What stands around every page: navigation, menus and the bell."""
