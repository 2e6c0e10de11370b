"""The seed's story, from start to end."""

import asyncio
import tempfile
from pathlib import Path

from examples.users.aggregate import User
from examples.users.handlers import EmailTaken, UserCommandHandler, UserProjectionHandler, UserQueryHandler
from examples.users.messages import CreateUser, GetUserById, GetUserStatistics, SearchUsers, UpdateUserEmail
from examples.users.read_model import UserReadModel
from headwater import CQRSManager


def application(url: str) -> CQRSManager:
    """Everything about users, on the store that the URL names."""
    cqrs = CQRSManager(url, read_models=[UserReadModel])
    cqrs.register(
        UserCommandHandler(cqrs.repository(User), cqrs.event_bus),
        UserQueryHandler(cqrs.read_models),
        UserProjectionHandler(cqrs.read_models),
    )
    return cqrs


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with application(f"sqlite:///{Path(folder) / 'users.db'}") as cqrs:
            execute, ask = cqrs.commands.execute, cqrs.queries.execute
            await execute(CreateUser(user_id="u1", email="john@example.com", name="John Doe"))
            await execute({"type": "CreateUser", "userId": "u2", "email": "jane@example.com", "name": "Jané Roe"})
            try:
                await execute(CreateUser(user_id="u3", email="john@example.com", name="Another John"))
            except EmailTaken as refused:
                print("refused:", refused)
            changed = await execute(
                UpdateUserEmail(user_id="u1", new_email="doe@example.com"), wait_for=[UserProjectionHandler]
            )
            print("events: ", changed.events)
            print("by id:  ", await ask(GetUserById(id="u1"), at_least=changed.token))
            print("search: ", [user.name for user in await ask(SearchUsers(query="jane"))])
            print("counts: ", await ask(GetUserStatistics()))


if __name__ == "__main__":
    asyncio.run(main())
