"""The JSON of administration, below `/admin/api/`: the same views and actions as the pages of administrators.

Decisions:
- Each route has one `admin_caller` with the scope that it needs: an administrator's session, or an admin token with
  that scope. It answers 401 and 403 before anything else of the request is checked.
- Each list answers `{"items", "next_cursor", "total"}` and has an export (`api.exports`) of all filtered rows.
- The desktop program has no administration; these addresses are unknown there.
"""
