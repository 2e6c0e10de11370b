"""The user as it decides."""

from typing import Self

from examples.users.messages import UserCreated, UserDeactivated, UserEmailChanged
from headwater import Aggregate, DomainError, on

EMAIL = "user-email"


class UserIsInactive(DomainError):
    """A user who has left cannot be changed."""


class User(Aggregate, category="user"):
    email: str = ""
    active: bool = True

    @classmethod
    def create(cls, user_id: str, email: str, name: str) -> Self:
        return cls.new(user_id, UserCreated(user_id=user_id, email=email, name=name), unique=[(EMAIL, email)])

    def change_email(self, new_email: str) -> None:
        if not self.active:
            raise UserIsInactive(f"user {self.id} has left")
        if new_email != self.email:
            changed = UserEmailChanged(user_id=self.id, new_email=new_email)
            self.emit(changed, unique=[(EMAIL, new_email)], release=[(EMAIL, self.email)])

    def deactivate(self) -> None:
        if self.active:
            self.emit(UserDeactivated(user_id=self.id), release=[(EMAIL, self.email)])

    @on(UserCreated)
    def _created(self, event: UserCreated) -> None:
        self.email = event.email

    @on(UserEmailChanged)
    def _email_changed(self, event: UserEmailChanged) -> None:
        self.email = event.new_email

    @on(UserDeactivated)
    def _deactivated(self, event: UserDeactivated) -> None:
        self.active = False
