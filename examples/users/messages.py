"""What can be asked, and what has happened."""

from examples.users.read_model import UserReadModel
from headwater import Command, Event, Query


class CreateUser(Command[None]):
    user_id: str
    email: str
    name: str


class UpdateUserEmail(Command[None]):
    user_id: str
    new_email: str


class DeactivateUser(Command[None]):
    user_id: str


class UserCreated(Event):
    user_id: str
    email: str
    name: str


class UserEmailChanged(Event):
    user_id: str
    new_email: str


class UserDeactivated(Event):
    user_id: str


class GetUserById(Query[UserReadModel | None]):
    id: str


class GetUsersByStatus(Query[list[UserReadModel]]):
    status: str


class SearchUsers(Query[list[UserReadModel]]):
    query: str


class GetUserStatistics(Query[dict[str, int]]):
    pass
