"""The users as they are shown."""

from datetime import datetime

from headwater import Indexed, Key, ReadModel, Searchable


class UserReadModel(ReadModel, table="user_read_model"):
    id: Key[str]
    email: Indexed[Searchable[str]]
    name: Searchable[str]
    created_at: datetime
    updated_at: datetime
    status: Indexed[str] = "active"
    profile_complete: bool = False
