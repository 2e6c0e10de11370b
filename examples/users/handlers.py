"""Who answers commands, events and queries."""

from examples.users.aggregate import EMAIL, User
from examples.users.messages import (
    CreateUser,
    DeactivateUser,
    UpdateUserEmail,
    UserCreated,
    UserDeactivated,
    UserEmailChanged,
)
from examples.users.read_model import UserReadModel
from headwater import (
    CommandHandler,
    DomainError,
    EventBus,
    ProjectionHandler,
    QueryHandler,
    ReadModelStore,
    Recorded,
    Repository,
)


class EmailTaken(DomainError):
    """User with this email already exists."""


class UserCommandHandler(CommandHandler):
    def __init__(self, users: Repository[User], event_bus: EventBus) -> None:
        self._users = users
        self._event_bus = event_bus

    async def handle(self, command: CreateUser | UpdateUserEmail | DeactivateUser) -> None:
        match command:
            case CreateUser():
                await self._create(command)
            case UpdateUserEmail():
                user = await self._users.load(command.user_id)
                user.change_email(command.new_email)
                await self._save_and_publish(user)
            case DeactivateUser():
                user = await self._users.load(command.user_id)
                user.deactivate()
                await self._save_and_publish(user)

    async def _create(self, command: CreateUser) -> None:
        if await self._users.exists(unique=(EMAIL, command.email)):
            raise EmailTaken(f"user with email {command.email} already exists")
        await self._save_and_publish(User.create(command.user_id, command.email, command.name))

    async def _save_and_publish(self, user: User) -> None:
        events = user.get_uncommitted_events()
        await self._users.save(user)
        for event in events:  # kept from the original: what is saved is published anyway, so this adds nothing
            await self._event_bus.publish("user.events", event)


class UserProjectionHandler(ProjectionHandler, writes=[UserReadModel]):
    def __init__(self, store: ReadModelStore) -> None:
        self._store = store

    async def handle(self, event: Recorded[UserCreated | UserEmailChanged | UserDeactivated]) -> None:
        at = event.metadata.timestamp
        match event.data:
            case UserCreated() as created:
                row = UserReadModel(
                    id=created.user_id, email=created.email, name=created.name, created_at=at, updated_at=at
                )
                await self._store.insert(row)
            case UserEmailChanged() as changed:
                fields = {"email": changed.new_email, "updated_at": at}
                await self._store.update("user_read_model", {"id": changed.user_id}, fields)
            case UserDeactivated() as left:
                fields = {"status": "inactive", "updated_at": at}
                await self._store.update("user_read_model", {"id": left.user_id}, fields)


class UserQueryHandler(QueryHandler):
    def __init__(self, store: ReadModelStore) -> None:
        self._store = store

    async def get_user_by_id(self, id: str) -> UserReadModel | None:
        return await self._store.find_one(UserReadModel, {"id": id})

    async def get_users_by_status(self, status: str) -> list[UserReadModel]:
        return await self._store.find(UserReadModel, {"status": status})

    async def search_users(self, query: str) -> list[UserReadModel]:
        return await self._store.search(UserReadModel, query, fields=["name", "email"], limit=50)

    async def get_user_statistics(self) -> dict[str, int]:
        stages = [{"$group": {"_id": "$status", "count": {"$sum": 1}}}]
        groups = await self._store.aggregate("user_read_model", stages)
        return {str(group["_id"]): int(str(group["count"])) for group in groups}
