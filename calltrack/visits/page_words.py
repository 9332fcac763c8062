"""How the page a visit began on is told apart from others, in SQL: host and path, whatever stood behind."""


def page_sql(address: str) -> str:
    """Return the SQL that makes `www.example.it/prices` of a column with an address, at most 300 letters."""
    bare = f"split_part(split_part(split_part({address}, '://', 2), '?', 1), '#', 1)"
    return f"left(rtrim({bare}, '/'), 300)"
