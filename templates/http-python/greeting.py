def greeting(path_with_query: str) -> str:
    """Greets whoever is named in the path of a request."""
    name = path_with_query.split("?")[0].strip("/")[:1024]
    return f"Hello, {name or 'world'}!\n"
