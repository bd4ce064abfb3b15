//! Values of `witapi.toml` that can be wrong: each knows what is expected instead.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, uri::PathAndQuery};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};

use super::Compatible;
use crate::contract::casing::Casing;

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(super) struct WholeNumber<const MIN: u64, const MAX: u64>(pub(super) u64);

impl<const MIN: u64, const MAX: u64> WholeNumber<MIN, MAX> {
    pub(super) fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// In bytes.
    pub(super) fn kib(self) -> usize {
        self.count().saturating_mul(1 << 10)
    }

    /// In bytes.
    pub(super) fn mib(self) -> usize {
        self.count().saturating_mul(1 << 20)
    }

    pub(super) fn ms(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for WholeNumber<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor::<MIN, MAX>)
    }
}

struct WholeVisitor<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Visitor<'_> for WholeVisitor<MIN, MAX> {
    type Value = WholeNumber<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_u64<E: de::Error>(self, found: u64) -> Result<Self::Value, E> {
        if (MIN..=MAX).contains(&found) {
            Ok(WholeNumber(found))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(found), &self))
        }
    }

    fn visit_i64<E: de::Error>(self, found: i64) -> Result<Self::Value, E> {
        match u64::try_from(found) {
            Ok(found) => self.visit_u64(found),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(found), &self)),
        }
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for WholeNumber<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("WholeNumber{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A table. serde's own reading of a struct would take a list as well, by position.
#[derive(Debug, Clone, Default)]
pub(super) struct Table<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = Table<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Table)
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What is written as a string and read as a `T`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

impl<T> Text<T> {
    pub(super) fn or(written: Option<Text<T>>, default: T) -> T {
        written.map_or(default, |text| text.0)
    }
}

pub(super) trait Read: Sized {
    const EXPECTED: &str;
    /// All that there are, if they can be listed.
    const VALUES: &[&str] = &[];

    fn read(text: &str) -> Option<Self>;
}

impl<'de, T: Read> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Read> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, found: &str) -> Result<Self::Value, E> {
        match T::read(found) {
            Some(value) => Ok(Text(value)),
            None => Err(E::invalid_value(Unexpected::Str(found), &self)),
        }
    }
}

impl<T: Read> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::EXPECTED.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        match T::VALUES {
            [] => json_schema!({ "type": "string" }),
            values => json_schema!({ "type": "string", "enum": values }),
        }
    }
}

impl Read for SocketAddr {
    const EXPECTED: &str = "an address and a port, such as \"127.0.0.1:8080\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Read for PathBuf {
    const EXPECTED: &str = "a folder";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
}

impl Read for Casing {
    const EXPECTED: &str = "\"snake_case\", \"camelCase\" or \"kebab-case\"";
    const VALUES: &[&str] = &["snake_case", "camelCase", "kebab-case"];

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Read for Compatible {
    const EXPECTED: &str = "\"required\", \"warn\" or \"off\"";
    const VALUES: &[&str] = &["required", "warn", "off"];

    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "required" => Compatible::Required,
            "warn" => Compatible::Warn,
            "off" => Compatible::Off,
            _ => return None,
        })
    }
}

/// Without its trailing slash, so that the root is empty.
#[derive(Debug, Clone)]
pub(super) struct Mount(pub(super) String);

impl Read for Mount {
    const EXPECTED: &str = "a path such as \"/\" or \"/shop/v1\", its segments of A-Z a-z 0-9 - . _ ~";

    fn read(text: &str) -> Option<Self> {
        let path = text.strip_prefix('/')?;
        if path.is_empty() {
            return Some(Mount(String::new()));
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(unreserved);
        let is_path = path.split('/').all(is_segment);
        is_path.then(|| Mount(format!("/{path}")))
    }
}

/// A path, perhaps with a query, as a request has it.
#[derive(Debug, Clone)]
pub(super) struct DocumentPath(pub(super) String);

impl Read for DocumentPath {
    const EXPECTED: &str = "a path under the plugin's mount, such as \"/openapi.json\"";

    fn read(text: &str) -> Option<Self> {
        let is_path = text.starts_with('/') && !text.starts_with("//") && text.is_ascii() && !text.contains('#');
        (is_path && text.parse::<PathAndQuery>().is_ok()).then(|| DocumentPath(text.to_owned()))
    }
}

/// `ns:pkg` or `ns:pkg/iface`. Whether the host has such a thing is not known here.
#[derive(Debug, Clone)]
pub(super) struct GrantName(pub(super) String);

impl Read for GrantName {
    const EXPECTED: &str =
        "a package or an interface without its version, such as \"wasi:keyvalue\" or \"wasi:keyvalue/store\"";

    fn read(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once(':')?;
        let (package, interface) = match name.split_once('/') {
            Some((package, interface)) => (package, Some(interface)),
            None => (name, None),
        };
        let is_grant = is_label(namespace) && is_label(package) && interface.is_none_or(is_label);
        is_grant.then(|| GrantName(text.to_owned()))
    }
}

/// Words of lower-case letters and digits joined by hyphens, beginning with a letter.
fn is_label(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('-').all(is_word)
}

/// `*`, or scheme, host and perhaps a port: what stands in the header `Origin` (RFC 6454, section 6.1).
#[derive(Debug, Clone)]
pub(super) struct Origin(pub(super) HeaderValue);

impl Read for Origin {
    const EXPECTED: &str = "\"*\" or an origin as browsers write it, such as \"https://app.example\" or \"http://localhost:3000\": \
                          lower case, no path, no port that the scheme has anyway";

    fn read(text: &str) -> Option<Self> {
        let value = Origin(HeaderValue::from_str(text).ok()?);
        if text == "*" {
            return Some(value);
        }
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
        // The colons of an IPv6 address stand in brackets.
        let after_address = authority.find(']').map_or(0, |end| end + 1);
        let (host, port) = match authority[after_address..].find(':') {
            Some(colon) => (&authority[..after_address + colon], Some(&authority[after_address + colon + 1..])),
            None => (authority, None),
        };
        let is_host = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
            None => host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b)),
        };
        let is_port = match port {
            Some(port) => {
                let number: u16 = port.parse().ok()?;
                number.to_string() == port && !matches!((scheme, number), ("https", 443) | ("http", 80))
            }
            None => true,
        };
        (is_scheme && !host.is_empty() && is_host && is_port).then_some(value)
    }
}

/// `None` is `*`, any header.
#[derive(Debug, Clone)]
pub(super) struct Header(pub(super) Option<HeaderName>);

impl Read for Header {
    const EXPECTED: &str = "\"*\" or the name of a header, such as \"x-request-id\"";

    fn read(text: &str) -> Option<Self> {
        if text == "*" { Some(Header(None)) } else { HeaderName::read(text).map(|name| Header(Some(name))) }
    }
}

impl Read for HeaderName {
    const EXPECTED: &str = "the name of a header, such as \"x-request-id\"";

    fn read(text: &str) -> Option<Self> {
        HeaderName::try_from(text).ok().filter(|name| name != "*")
    }
}

impl Read for Method {
    const EXPECTED: &str = "GET, HEAD, POST, PUT, PATCH or DELETE";
    const VALUES: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|_| Self::VALUES.contains(&text))
    }
}

/// The name of a component's file without its ending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PluginName(pub(super) String);

impl Read for PluginName {
    const EXPECTED: &str = "the name of a plugin: A-Z a-z 0-9 . _ - and no dot first";

    fn read(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = !text.is_empty() && !text.starts_with('.') && text.bytes().all(allowed);
        is_name.then(|| PluginName(text.to_owned()))
    }
}
