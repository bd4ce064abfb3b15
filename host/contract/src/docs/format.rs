//! Formats of strings that `@format` asserts: those of JSON Schema 2020-12, Validation, section 7.3.
//!
//! Each is what the RFC says that section names, but for two that the JSON Schema Test Suite settles: numbers of an
//! `ipv4` do not begin with zeros, though `dotted-quad` of RFC 2673 allows it, since many read these as octal; and
//! numbers of an IPv4 address within an `ipv6` likewise. `hostname` is not there: RFC 5891 makes the contents of `xn--`
//! labels part of it.
//!
//! By hand, since an author's `@format` has to say the same as the published schema: crates such as `email_address` and `jiff`
//! accept other texts than these RFCs do. `tests/formats.rs` compares with a validator, and lists where that deviates.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A format of JSON Schema that WitAPI asserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Email,
    Uuid,
    Date,
    DateTime,
    Time,
    Uri,
    UriReference,
    Ipv4,
    Ipv6,
}

impl Format {
    pub const ALL: [Format; 9] = [
        Format::Email,
        Format::Uuid,
        Format::Date,
        Format::DateTime,
        Format::Time,
        Format::Uri,
        Format::UriReference,
        Format::Ipv4,
        Format::Ipv6,
    ];

    /// The format with this name in JSON Schema.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The name in JSON Schema, such as `date-time`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Email => "email",
            Format::Uuid => "uuid",
            Format::Date => "date",
            Format::DateTime => "date-time",
            Format::Time => "time",
            Format::Uri => "uri",
            Format::UriReference => "uri-reference",
            Format::Ipv4 => "ipv4",
            Format::Ipv6 => "ipv6",
        }
    }

    /// What a string of the format is, for messages: `a date (RFC 3339), such as 2026-11-23`.
    pub fn describe(self) -> &'static str {
        match self {
            Format::Email => "an e-mail address (RFC 5321), such as ann@example.com",
            Format::Uuid => "a UUID (RFC 4122), such as 2eb8aa08-aa98-11ea-b4aa-73b441d16380",
            Format::Date => "a date (RFC 3339), such as 2026-11-23",
            Format::DateTime => "a date and time with offset (RFC 3339), such as 2026-11-23T12:30:00Z",
            Format::Time => "a time with offset (RFC 3339), such as 12:30:00Z",
            Format::Uri => "a URI with a scheme (RFC 3986), such as https://example.com/a",
            Format::UriReference => "a URI or a relative reference (RFC 3986), such as /a?b=c",
            Format::Ipv4 => "an IPv4 address (RFC 2673), such as 192.0.2.1",
            Format::Ipv6 => "an IPv6 address (RFC 4291), such as 2001:db8::1",
        }
    }

    /// Whether the text is of the format. Takes time linear in the text's length.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Format::Email => is_mailbox(text),
            Format::Uuid => is_uuid(text),
            Format::Date => date(text).is_some(),
            Format::DateTime => is_date_time(text),
            Format::Time => time(text).is_some(),
            Format::Uri => fluent_uri::Uri::parse(text).is_ok(),
            Format::UriReference => fluent_uri::UriRef::parse(text).is_ok(),
            Format::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Format::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        }
    }
}

/// RFC 4122, section 3: hex digits of either case, in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The number that so many digits at the start make, and what is after them.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    // `parse` alone would take a sign.
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((number, rest))
}

/// A day as RFC 3339 has it.
struct Date {
    day: u32,
    days_of_month: u32,
}

/// `full-date` of RFC 3339, section 5.6, with the days of section 5.7.
fn date(text: &str) -> Option<Date> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap_year => 29,
        2 => 28,
        _ => return None,
    };
    (rest.is_empty() && (1..=days_of_month).contains(&day)).then_some(Date { day, days_of_month })
}

const MINUTES_OF_DAY: i32 = 24 * 60;

/// A time of day as RFC 3339 has it.
struct Time {
    /// Minutes of the day in UTC: below zero on the day before, from [`MINUTES_OF_DAY`] on the day after.
    utc: i32,
    is_leap_second: bool,
}

/// `full-time` of RFC 3339, section 5.6. A second 60 is in the last minute of a day of UTC (section 5.7).
fn time(text: &str) -> Option<Time> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|it: char| it.is_ascii_digit());
            (offset.len() < fraction.len()).then_some(offset)?
        }
        None => rest,
    };
    let offset = match offset {
        "Z" | "z" => 0,
        _ => {
            let (sign, rest) = match offset.strip_prefix('-') {
                Some(rest) => (-1, rest),
                None => (1, offset.strip_prefix('+')?),
            };
            let (hours, rest) = digits(rest, 2)?;
            let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
            (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) as i32)?
        }
    };
    let utc = (hour * 60 + minute) as i32 - offset;
    let is_leap_second = second == 60;
    let last_minute = utc.rem_euclid(MINUTES_OF_DAY) == MINUTES_OF_DAY - 1;
    (hour < 24 && minute < 60 && (second < 60 || is_leap_second && last_minute)).then_some(Time { utc, is_leap_second })
}

/// `date-time` of RFC 3339, section 5.6. A leap second ends a month of UTC (section 5.7). In which month, no rule tells.
fn is_date_time(text: &str) -> bool {
    let Some((day, time_of_day)) = text.split_once(['T', 't']) else { return false };
    let (Some(date), Some(time)) = (date(day), time(time_of_day)) else { return false };
    let first_day = date.day == 1;
    let last_day = date.day == date.days_of_month;
    !time.is_leap_second
        || match time.utc {
            ..0 => first_day,
            MINUTES_OF_DAY.. => date.day + 1 == date.days_of_month,
            _ => last_day,
        }
}

/// `Mailbox` of RFC 5321, section 4.1.2, within the lengths of section 4.5.3.1.1 and of DNS.
fn is_mailbox(text: &str) -> bool {
    // Neither a domain nor an address literal has an `@`.
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_local = match local.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted),
        None => local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext)),
    };
    let is_domain = match domain.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(is_address_literal),
        None => is_domain(domain),
    };
    local.len() <= 64 && is_local && is_domain
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Of `QcontentSMTP` alone.
fn is_quoted(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let char = if byte == b'\\' { bytes.next() } else { Some(byte).filter(|&it| it != b'"') };
        if !char.is_some_and(|it| matches!(it, b' '..=b'~')) {
            return false;
        }
    }
    true
}

/// `Domain` of RFC 5321. 253 characters are the 255 octets that RFC 1035, section 2.3.4, allows to a name.
fn is_domain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// What is within the brackets of an `address-literal` of RFC 5321, section 4.1.3. The only tag that is registered is
/// `IPv6`, so that no `General-address-literal` is accepted.
fn is_address_literal(text: &str) -> bool {
    match text.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => is_ipv6_literal(address),
        _ => is_ipv4_literal(text),
    }
}

/// Unlike `ipv4`, numbers may begin with zeros: `Snum`.
fn is_ipv4_literal(text: &str) -> bool {
    text.split('.').count() == 4
        && text.split('.').all(|number| {
            (1..=3).contains(&number.len()) && digits(number, number.len()).is_some_and(|(number, _)| number <= 255)
        })
}

/// Unlike in `ipv6`, `::` stands for two groups at least, and numbers of an IPv4 address may begin with zeros.
fn is_ipv6_literal(text: &str) -> bool {
    // As many groups of 16 bits as an IPv4 address at the end is.
    let (groups, ipv4_groups) = match text.rsplit_once(':') {
        Some((groups, ipv4)) if ipv4.contains('.') => {
            if !is_ipv4_literal(ipv4) {
                return false;
            }
            // Of `::` before the address, one colon is gone.
            (if groups.ends_with(':') { &text[..=groups.len()] } else { groups }, 2)
        }
        _ => (text, 0),
    };
    let count = |groups: &str| match groups {
        "" => Some(0),
        _ => {
            let is_group = |it: &str| (1..=4).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_hexdigit());
            groups.split(':').all(is_group).then(|| groups.split(':').count())
        }
    };
    match groups.split_once("::") {
        Some((head, tail)) => count(head).zip(count(tail)).is_some_and(|(head, tail)| head + tail + ipv4_groups <= 6),
        None => count(groups).is_some_and(|count| count + ipv4_groups == 8),
    }
}
