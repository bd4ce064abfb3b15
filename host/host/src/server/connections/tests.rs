use std::future::pending;

use super::*;

fn with_limit(limit: usize) -> Arc<Places> {
    let (began, freed, open) = (Instant::now(), Notify::new(), Mutex::default());
    Arc::new(Places { limit, ceiling: usize::MAX, began, freed, open })
}

/// A connection of `peer` that waits since that microsecond, or is [`BUSY`].
fn connect(places: &Arc<Places>, peer: &str, state: u64) -> Place {
    let place = Place { places: places.clone(), of: PeerGroup::from(address(peer).ip()), id: places.next_id() };
    let waiting = Arc::new(Waiting::since(places.began));
    waiting.state.store(state, Ordering::Relaxed);
    let task = tokio::spawn(pending::<()>()).abort_handle();
    let mut open = places.open();
    open.count += 1;
    open.peers.entry(place.of).or_default().insert(place.id, Open { waiting, task });
    place
}

fn address(peer: &str) -> SocketAddr {
    SocketAddr::new(peer.parse().unwrap(), 1)
}

fn is_given_up(place: &Place) -> bool {
    place.places.open().peers[&place.of][&place.id].waiting.is_given_up()
}

#[tokio::test]
async fn a_place_is_free_below_the_limit() {
    let places = with_limit(2);
    let _one = connect(&places, "10.0.0.1", 1);
    assert!(matches!(places.room(None), Room::Free));
    let two = connect(&places, "10.0.0.1", 1);
    assert!(matches!(places.room(None), Room::Soon));
    drop(two);
    assert!(matches!(places.room(None), Room::Free));
}

#[tokio::test]
async fn of_the_largest_crowd_who_waits_longest_goes_first() {
    let places = with_limit(3);
    let lonely = connect(&places, "10.0.0.1", 1);
    let (early, late) = (connect(&places, "10.0.0.2", 5), connect(&places, "10.0.0.2", 9));
    assert!(matches!(places.room(None), Room::Soon));
    assert_eq!([&lonely, &early, &late].map(is_given_up), [false, true, false]);
    // As long as that one is not gone, nobody else has to go.
    assert!(matches!(places.room(None), Room::Soon));
    assert_eq!([&lonely, &early, &late].map(is_given_up), [false, true, false]);
}

#[tokio::test]
async fn who_is_being_answered_goes_for_nobody() {
    let places = with_limit(2);
    let busy = [connect(&places, "10.0.0.1", BUSY), connect(&places, "10.0.0.2", BUSY)];
    assert!(matches!(places.room(None), Room::None));
    assert_eq!(busy.each_ref().map(is_given_up), [false, false]);
}

#[tokio::test]
async fn a_client_at_its_limit_closes_its_own_connections() {
    let places = with_limit(100);
    let (early, late) = (connect(&places, "10.0.0.1", 5), connect(&places, "10.0.0.1", 9));
    assert!(places.makes_room_for(address("10.0.0.2"), 2));
    assert!(places.makes_room_for(address("10.0.0.1"), 2));
    assert_eq!([&early, &late].map(is_given_up), [true, false]);
    let places = with_limit(100);
    let _busy = [connect(&places, "10.0.0.1", BUSY), connect(&places, "10.0.0.1", BUSY)];
    assert!(!places.makes_room_for(address("10.0.0.1"), 2));
}

#[test]
fn addresses_of_one_network_of_ipv6_are_one_client() {
    let group = |address: &str| PeerGroup::from(address.parse::<IpAddr>().unwrap());
    assert_eq!(group("2001:db8::1"), group("2001:db8::2:3"));
    assert_ne!(group("2001:db8::1"), group("2001:db8:0:1::1"));
    assert_eq!(group("::ffff:10.0.0.1"), group("10.0.0.1"));
    assert_ne!(group("10.0.0.1"), group("10.0.0.2"));
}

#[test]
fn a_connection_is_given_up_only_as_it_was_seen() {
    let waiting = Waiting::since(Instant::now());
    let seen = waiting.time().unwrap();
    assert!(waiting.begins_answer());
    assert!(!waiting.gives_up(seen), "its request came meanwhile");
    waiting.state.store(7, Ordering::Relaxed);
    assert!(waiting.gives_up(7) && !waiting.begins_answer() && waiting.is_given_up());
}
