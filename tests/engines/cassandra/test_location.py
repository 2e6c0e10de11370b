"""Location: a URL says all of it, and what it cannot say is refused."""

from __future__ import annotations

import pytest

from headwater.engines.cassandra.location import Location
from headwater.errors import ConfigurationError


def test_a_url_names_hosts_port_account_keyspace_and_options() -> None:
    location = Location.parse(
        "cassandra://ann:s%40crt@one,two:9043/shop?partitions=4&data_center=dc1&sequencers=off", {}
    )
    assert (location.hosts, location.port, location.keyspace) == (("one", "two"), 9043, "shop")
    assert (location.user, location.password) == ("ann", "s@crt")
    assert (location.partitions, location.data_center, location.sequencers) == (4, "dc1", False)
    assert location.shown == "cassandra://one,two:9043/shop"


def test_what_is_left_out_has_its_default() -> None:
    location = Location.parse("cassandra://one/shop", {})
    assert (location.port, location.partitions, location.replication, location.sequencers) == (9042, None, None, True)
    assert (location.events_per_chunk, location.events_per_bucket) == (None, None)
    assert (location.connect_timeout, location.request_timeout, location.deadline) == (10.0, 5.0, 15.0)


def test_the_sizes_of_a_store_may_be_asked_for() -> None:
    location = Location.parse("cassandra://one/shop?events_per_chunk=1000&events_per_bucket=500000", {})
    assert (location.events_per_chunk, location.events_per_bucket) == (1_000, 500_000)


def test_options_beside_the_url_go_before_its_own() -> None:
    assert Location.parse("cassandra://one/shop?deadline=3", {"deadline": "7"}).deadline == 7.0


def test_a_port_may_stand_behind_any_host() -> None:
    assert Location.parse("cassandra://one:9043,two/shop", {}).port == 9043


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("cassandra:one/shop", "write cassandra://"),
        ("cassandra:///shop", "write cassandra://"),
        ("cassandra://one", "write cassandra://"),
        ("cassandra://one/shop/events", "write cassandra://"),
        ("cassandra://one/shop#here", "write cassandra://"),
        ("cassandra://one:0/shop", "write cassandra://"),
        ("cassandra://one:port/shop", "write cassandra://"),
        ("cassandra://one:1,two:2/shop", "name it once"),
        ("cassandra://one/system", "Cassandra's own"),
        ("cassandra://one/system_auth", "Cassandra's own"),
        ("cassandra://one/shop?pool=3", "has no option 'pool'"),
        ("cassandra://one/shop?partitions=0", "no number from 1"),
        ("cassandra://one/shop?partitions=many", "no number from 1"),
        ("cassandra://one/shop?events_per_chunk=999", "no number from 1000 to 100,000"),
        ("cassandra://one/shop?events_per_bucket=500001", "no number from 1000 to 500,000"),
        ("cassandra://one/shop?deadline=-1", "no number of seconds"),
        ("cassandra://one/shop?deadline=nan", "no number of seconds"),
        ("cassandra://one/shop?sequencers=maybe", "none of on and off"),
        ("cassandra://one/shop?ca_file=", "is empty"),
        ("cassandra://[one/shop", "no URL of a Cassandra keyspace"),
    ],
)
def test_what_it_cannot_say_is_refused(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Location.parse(url, {})
