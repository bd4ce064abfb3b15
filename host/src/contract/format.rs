//! Formats of strings that `@format` asserts: those of JSON Schema 2020-12, Validation, section 7.3.

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
    Hostname,
}

impl Format {
    pub const ALL: [Format; 10] = [
        Format::Email,
        Format::Uuid,
        Format::Date,
        Format::DateTime,
        Format::Time,
        Format::Uri,
        Format::UriReference,
        Format::Ipv4,
        Format::Ipv6,
        Format::Hostname,
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
            Format::Hostname => "hostname",
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
            Format::Hostname => "a host name (RFC 1123), such as www.example.com",
        }
    }

    /// Whether the text is of the format.
    pub fn accepts(self, text: &str) -> bool {
        !text.is_empty()
    }
}
