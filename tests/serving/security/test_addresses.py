import pytest

from serving.security.addresses import client_address, contains, group_of, loopback, parse_address, parse_network

PROXIES = [parse_network("10.0.0.0/8"), parse_network("::1")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("1.2.3.4", "", "1.2.3.4"),
        ("1.2.3.4", "9.9.9.9", "1.2.3.4"),  # whoever says so is no proxy of ours
        ("10.0.0.1", "9.9.9.9", "9.9.9.9"),
        ("10.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9"),  # the client wrote the first itself
        ("10.0.0.1", "9.9.9.9, 10.0.0.2", "9.9.9.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", " 2001:db8::1 ,", "2001:db8::1"),
        ("::ffff:10.0.0.1", "9.9.9.9", "9.9.9.9"),
        ("10.0.0.1", "9.9.9.9:54321", "9.9.9.9"),  # as some proxies write it
        ("10.0.0.1", "[2001:db8::1]:443, 10.0.0.2:80", "2001:db8::1"),
        ("10.0.0.1", "9.9.9.9:nonsense", "None"),
        ("10.0.0.1", "nonsense", "None"),
        ("", "9.9.9.9", "None"),
    ],
)
def test_the_client_behind_proxies(peer: str, forwarded: str, client: str) -> None:
    assert str(client_address(peer, forwarded, PROXIES)) == client


def test_an_address_is_no_prefix_of_another() -> None:
    networks = [parse_network("1.2.3.4")]
    assert contains(networks, parse_address("1.2.3.4"))
    assert not contains(networks, parse_address("1.2.3.40"))
    assert not contains(networks, None)


def test_a_network_with_a_typing_error_is_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"'10\.0\.0\.1/8' is no address and no network"):
        parse_network("10.0.0.1/8")


def test_neighbours_of_ipv6_count_together() -> None:
    same = {group_of(parse_address(text)) for text in ("2001:db8::1", "2001:db8::ffff")}
    assert same == {"2001:db8::/64"}
    assert group_of(parse_address("1.2.3.4")) == "1.2.3.4"


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("host", False)]
)
def test_loopback(host: str, own: bool) -> None:
    assert loopback(host) is own
