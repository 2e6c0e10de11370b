"""The system headwater re-makes, in its own style: users who sign up, change their address and leave.

Run it: `python -m examples.users`
"""
