//! Which of several media types a client wants: the header `Accept` (RFC 9110, section 12.5.1).
//!
//! By hand, since what there is in crates refuses the whole header where one member of it is wrong, and clients send such.

use std::cmp::Reverse;

use axum::http::{HeaderMap, header};

use crate::http::media_type::{MediaType, split, trim};

/// The one of `offers` that the request's `Accept` weighs highest, the first of those that it weighs alike; `None` if it
/// takes none of them.
///
/// The most specific range that fits an offer decides on it; a weight of 0 excludes. Several `Accept` are one list.
/// Members that are malformed are passed over. Where nothing is left, any type is welcome.
pub fn preferred(headers: &HeaderMap, offers: &[&'static str]) -> Option<&'static str> {
    let values = headers.get_all(header::ACCEPT);
    if values.iter().all(|value| value == "*/*") {
        return offers.first().copied();
    }
    let texts: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let ranges: Vec<_> = texts.iter().flat_map(|text| split(text, b',')).filter_map(Range::parse).collect();
    if ranges.is_empty() {
        return offers.first().copied();
    }
    let weighed = offers.iter().filter_map(|offer| Some((*offer, weight_of(&ranges, offer)?)));
    weighed.filter(|(_, weight)| *weight > 0).min_by_key(|(_, weight)| Reverse(*weight)).map(|(offer, _)| offer)
}

/// The weight that the list gives to an offer; `None` if no range fits it.
fn weight_of(ranges: &[Range], offer: &str) -> Option<u16> {
    let offer = MediaType::parse(offer)?;
    let fitting = ranges.iter().filter_map(|range| Some((range.specificity(&offer)?, range.weight)));
    fitting.max().map(|(_, weight)| weight)
}

/// A member of the list.
struct Range<'a> {
    media: MediaType<'a>,
    /// In thousandths, as `q` has it: 0 to 1000.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(member: &'a str) -> Option<Range<'a>> {
        let mut media = MediaType::parse(trim(member))?;
        let weight = match media.params.iter().position(|(name, _)| name.eq_ignore_ascii_case("q")) {
            Some(i) => {
                let weight = thousandths(&media.params[i].1)?;
                // What came after the weight was once an extension (RFC 7231), and never said of the type.
                media.params.truncate(i);
                weight
            }
            None => 1000,
        };
        if media.main == "*" && media.sub != "*" {
            return None;
        }
        Some(Range { media, weight })
    }

    /// How exactly the range fits; `None` if not at all. A parameter of the range has to be one of the offer too. But for
    /// UTF-8, which all text of this host is, whether an offer says so or not.
    fn specificity(&self, offer: &MediaType) -> Option<usize> {
        let fits = |(name, value): &(&str, _)| {
            let is_same = |wanted: &str| AsRef::<str>::as_ref(value).eq_ignore_ascii_case(wanted);
            offer.param(name).is_some_and(is_same) || (name.eq_ignore_ascii_case("charset") && is_same("utf-8"))
        };
        if !self.media.params.iter().all(fits) {
            return None;
        }
        let essence = if self.media.main == "*" {
            0
        } else if !self.media.main.eq_ignore_ascii_case(offer.main) {
            return None;
        } else if self.media.sub == "*" {
            1
        } else if self.media.sub.eq_ignore_ascii_case(offer.sub) {
            2
        } else {
            return None;
        };
        // Type and subtype say more than any number of parameters.
        Some((essence << 32) + self.media.params.len())
    }
}

/// `q=0.5` → 500, as in lists of other things than media types. `None` if it is no weight.
pub fn weight(text: &str) -> Option<u16> {
    let (name, value) = text.split_once('=')?;
    if name.eq_ignore_ascii_case("q") { thousandths(value) } else { None }
}

/// `0.5` → 500. Up to three decimals (RFC 9110, section 12.4.2); Java's `.2` is read as well.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let decimals = is_digits.then(|| format!("{decimals:0<3}").parse::<u16>().ok())??;
    match whole {
        "0" => Some(decimals),
        "" if !text.is_empty() => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OFFERS: [&str; 3] = ["application/json", "application/x-ndjson", "text/event-stream"];

    fn of(accepts: &[&str], offers: &[&'static str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for accept in accepts {
            headers.append(header::ACCEPT, HeaderValue::from_bytes(accept.as_bytes()).unwrap());
        }
        preferred(&headers, offers)
    }

    #[track_caller]
    fn picks(accept: &str, wanted: Option<&str>) {
        assert_eq!(of(&[accept], &OFFERS), wanted, "{accept}");
    }

    #[test]
    fn without_a_wish_it_is_the_first_offer() {
        assert_eq!(of(&[], &OFFERS), Some("application/json"));
        for nothing in ["", " ", ",", " , ,", "*/*", "*", "*/*;q=0.1"] {
            picks(nothing, Some("application/json"));
        }
        assert_eq!(of(&[], &[]), None);
        assert_eq!(of(&["*/*", "*/*"], &OFFERS), Some("application/json"));
    }

    #[test]
    fn the_heaviest_offer_wins_and_ties_keep_their_order() {
        picks("text/event-stream", Some("text/event-stream"));
        picks("TEXT/Event-Stream", Some("text/event-stream"));
        picks("text/event-stream, application/json", Some("application/json"));
        picks("text/event-stream;q=0.8, application/json;q=0.799", Some("text/event-stream"));
        picks("application/json;q=0.5, text/*;q=0.6", Some("text/event-stream"));
        picks("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", Some("application/json"));
        picks("application/*", Some("application/json"));
        picks("text/*", Some("text/event-stream"));
    }

    #[test]
    fn what_is_not_taken_is_not_given() {
        for accept in ["text/html", "image/*", "application/json;q=0", "*/*;q=0", "application/xml, text/plain;q=1.0"] {
            picks(accept, None);
        }
        picks("application/json;q=0.000, */*", Some("application/x-ndjson"));
        picks("*/*, application/*;q=0", Some("text/event-stream"));
    }

    #[test]
    fn the_most_specific_range_decides() {
        picks("*/*;q=1, application/*;q=0.3, application/json;q=0.1, text/*;q=0.2", Some("application/x-ndjson"));
        picks("application/json;q=0.1, */*;q=0.9, text/event-stream;q=0", Some("application/x-ndjson"));
        let plain: &[&str] = &["text/plain; format=flowed", "text/plain"];
        assert_eq!(of(&["text/plain;format=flowed;q=0.1, text/plain;q=0.5"], plain), Some("text/plain"));
        assert_eq!(of(&["text/plain;format=fixed"], plain), None);
        assert_eq!(of(&["text/plain;FORMAT=\"Flowed\""], plain), Some("text/plain; format=flowed"));
        assert_eq!(of(&["text/*;q=0.9;level=1, text/plain;q=0"], plain), None);
        // The same range twice: the client takes it.
        picks("text/event-stream;q=0, text/event-stream", Some("text/event-stream"));
    }

    #[test]
    fn utf_8_is_what_all_text_is() {
        picks("application/json; charset=utf-8", Some("application/json"));
        picks("application/json;Charset=\"UTF-8\"", Some("application/json"));
        picks("application/json; charset=latin1", None);
        picks("application/json; profile=x", None);
    }

    #[test]
    fn several_headers_are_one_list() {
        assert_eq!(
            of(&["text/event-stream;q=0.5", "application/x-ndjson;q=0.7"], &OFFERS),
            Some("application/x-ndjson")
        );
        assert_eq!(of(&["*/*", "application/json;q=0"], &OFFERS), Some("application/x-ndjson"));
    }

    #[test]
    fn malformed_members_are_passed_over() {
        for wrong in [
            "json",
            "/json",
            "application/",
            "*/json",
            "application/json/x",
            "application/json;q=2",
            "application/json;q=1.001",
            "application/json;q=0.1234",
            "application/json;q=",
            "application/json;q=-1",
            "application/json;q=x",
            "application/json;q",
            "appli cation/json",
            "ä/ö",
        ] {
            picks(&format!("{wrong}, text/event-stream;q=0.1"), Some("text/event-stream"));
            picks(wrong, Some("application/json"));
        }
        picks("text/x;p=\"a, application/json\"", None);
        // A quote that is never closed takes the rest with it.
        picks("application/json;p=\", text/html", Some("application/json"));
        picks("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", Some("application/json"));
        picks(&"text/html,".repeat(10_000), None);
        assert_eq!(of(&["\u{ff}", "text/event-stream"], &OFFERS), Some("text/event-stream"));
    }
}
