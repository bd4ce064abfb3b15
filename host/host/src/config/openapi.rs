//! `[openapi]`: what the documents say of the API as a whole.

use axum::http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{Read, Table, Text};

/// `[openapi]`. No key has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenApi {
    /// `title`: of the document of all plugins. Default `WitAPI`. That of one plugin has the plugin's name.
    pub title: String,
    /// `description`, in Markdown, of the document of all plugins. Default: a sentence that is true of every host.
    pub description: Option<String>,
    /// `version`: of the API. Default: the host's. In the document of one plugin that of its WIT package goes before it.
    pub version: Option<String>,
    /// `servers`: where clients find the API, such as `https://api.example.com`, or a path. Default: where the document
    /// came from, which is right under any name.
    pub servers: Vec<String>,
    /// `contact`: whom to ask. Default: nobody is named.
    pub contact: Option<Contact>,
    /// `license`: of the API. Default: none is named.
    pub license: Option<License>,
    /// `terms_of_service`: an address. Default: none.
    pub terms_of_service: Option<String>,
}

/// `openapi.contact` (OpenAPI 3.1, section 4.8.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    pub name: Option<String>,
    pub url: Option<String>,
    pub email: Option<String>,
}

/// `openapi.license` (OpenAPI 3.1, section 4.8.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    pub name: String,
    /// An SPDX expression. Either this or `url` may be there, not both.
    pub identifier: Option<String>,
    pub url: Option<String>,
}

impl Default for OpenApi {
    fn default() -> Self {
        OpenApi {
            title: "WitAPI".to_owned(),
            description: None,
            version: None,
            servers: Vec::new(),
            contact: None,
            license: None,
            terms_of_service: None,
        }
    }
}

/// The table as it is written.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OpenApiTable {
    /// The title of the document of all plugins. The document of one plugin has the plugin's name.
    title: Option<Text<Words>>,
    /// The description of the document of all plugins, in Markdown.
    description: Option<Text<Words>>,
    /// The version of the API. Default: the host's version; the document of one plugin has the version of its WIT package.
    version: Option<Text<Words>>,
    /// Where clients reach the API, such as `https://api.example.com` or a path. Default: where the document came from.
    servers: Vec<Text<ServerUrl>>,
    /// Whom to contact about the API.
    contact: Option<Table<ContactTable>>,
    /// The licence of the API.
    license: Option<Table<LicenseTable>>,
    /// The URL of the terms of service.
    terms_of_service: Option<Text<Url>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ContactTable {
    /// The name of the person or team.
    name: Option<Text<Words>>,
    /// Their page.
    url: Option<Text<Url>>,
    /// Their e-mail address.
    email: Option<Text<Email>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "AnyLicense")]
#[schemars(with = "AnyLicense")]
struct LicenseTable(License);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnyLicense {
    /// The name of the licence.
    name: Text<Words>,
    /// Its SPDX identifier. Not together with `url`.
    identifier: Option<Text<Words>>,
    /// The URL of its text. Not together with `identifier`.
    url: Option<Text<Url>>,
}

impl TryFrom<AnyLicense> for LicenseTable {
    type Error = &'static str;

    fn try_from(any: AnyLicense) -> Result<Self, Self::Error> {
        let AnyLicense { name, identifier, url } = any;
        if identifier.is_some() && url.is_some() {
            return Err(
                "`openapi.license` has both `identifier` and `url`; an OpenAPI document may have one of the two",
            );
        }
        Ok(LicenseTable(License { name: name.0.0, identifier: text(identifier), url: text(url) }))
    }
}

impl From<OpenApiTable> for OpenApi {
    fn from(table: OpenApiTable) -> OpenApi {
        let default = OpenApi::default();
        OpenApi {
            title: text(table.title).unwrap_or(default.title),
            description: text(table.description),
            version: text(table.version),
            servers: table.servers.into_iter().map(|server| server.0.0).collect(),
            contact: table.contact.map(|Table(ContactTable { name, url, email })| Contact {
                name: text(name),
                url: text(url),
                email: text(email),
            }),
            license: table.license.map(|license| license.0.0),
            terms_of_service: text(table.terms_of_service),
        }
    }
}

fn text<T: Into<String>>(written: Option<Text<T>>) -> Option<String> {
    written.map(|text| text.0.into())
}

/// Any text that says something.
#[derive(Debug, Clone)]
struct Words(String);

/// An address of its own: with a scheme and a host.
#[derive(Debug, Clone)]
struct Url(String);

/// An address, or a path of wherever the document came from. It has no slash at its end: paths are put behind it as they are.
#[derive(Debug, Clone)]
struct ServerUrl(String);

#[derive(Debug, Clone)]
struct Email(String);

impl Read for Words {
    const EXPECTED: &str = "a text that is not empty";

    fn read(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Words(text.to_owned()))
    }
}

impl Read for Url {
    const EXPECTED: &str = "a URL, such as \"https://example.com/about\"";

    fn read(text: &str) -> Option<Self> {
        is_url(text).then(|| Url(text.to_owned()))
    }
}

impl Read for ServerUrl {
    const EXPECTED: &str = "a URL without query, such as \"https://api.example.com\", or a path, such as \"/api\"";

    fn read(text: &str) -> Option<Self> {
        let is_path = text.starts_with('/') && !text.starts_with("//") && text.parse::<Uri>().is_ok();
        let is_server = (is_path || is_url(text)) && !text.contains(['?', '#']);
        is_server.then(|| ServerUrl(text.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(text).to_owned()))
    }
}

impl Read for Email {
    const EXPECTED: &str = "an e-mail address, such as \"api@example.com\"";

    fn read(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let is_word = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
        (is_word(local) && is_word(domain)).then(|| Email(text.to_owned()))
    }
}

fn is_url(text: &str) -> bool {
    // A fragment is not part of a URI as HTTP knows it.
    let without_fragment = text.split('#').next().unwrap_or_default();
    let is_http =
        |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|it| !it.is_empty());
    without_fragment.parse::<Uri>().is_ok_and(|uri| is_http(&uri))
}

macro_rules! into_string {
    ($($text:ident)*) => {$(
        impl From<$text> for String {
            fn from(text: $text) -> String {
                text.0
            }
        }
    )*};
}
into_string!(Words Url ServerUrl Email);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn parse(text: &str) -> Result<OpenApi, String> {
        let config = Config::parse(text, Path::new("witapi.toml"));
        config.map(|config| config.openapi).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(text: &str, message: &str) {
        assert_eq!(parse(text).unwrap_err(), message);
    }

    #[test]
    fn without_the_table_a_document_names_nobody() {
        assert_eq!(parse("").unwrap(), OpenApi::default());
        assert_eq!(OpenApi::default().title, "WitAPI");
    }

    #[test]
    fn every_key_is_read() {
        let read = parse(
            r#"
            [openapi]
            title = "Shop"
            description = "All of *it*."
            version = "2.1"
            servers = ["https://api.example.com/", "/", "/v1/"]
            contact = { name = "Ann", url = "https://example.com/#ann", email = "ann@example.com" }
            license = { name = "MIT License", identifier = "MIT" }
            terms_of_service = "http://example.com/terms?of=service"
            "#,
        );
        let some = |text: &str| Some(text.to_owned());
        let expected = OpenApi {
            title: "Shop".to_owned(),
            description: some("All of *it*."),
            version: some("2.1"),
            servers: ["https://api.example.com", "/", "/v1"].map(str::to_owned).to_vec(),
            contact: Some(Contact {
                name: some("Ann"),
                url: some("https://example.com/#ann"),
                email: some("ann@example.com"),
            }),
            license: Some(License { name: "MIT License".to_owned(), identifier: some("MIT"), url: None }),
            terms_of_service: some("http://example.com/terms?of=service"),
        };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn what_no_document_could_hold_is_refused() {
        refused(
            "[openapi]\ntitle = ' '",
            "witapi.toml:2: `openapi.title`: expected a text that is not empty, found string \" \"",
        );
        for server in ["", "api.example.com", "//a.b", "ftp://a.b", "https://", "https://a.b?c", "/a b", "/a#b"] {
            refused(
                &format!("[openapi]\nservers = ['{server}']"),
                &format!(
                    "witapi.toml:2: `openapi.servers`: expected a URL without query, \
                     such as \"https://api.example.com\", or a path, such as \"/api\", found string \"{server}\""
                ),
            );
        }
        refused(
            "openapi.contact.email = 'ann'",
            "witapi.toml:1: `openapi.contact.email`: expected an e-mail address, such as \"api@example.com\", found string \"ann\"",
        );
        refused(
            "openapi.terms_of_service = '/terms'",
            "witapi.toml:1: `openapi.terms_of_service`: expected a URL, such as \"https://example.com/about\", found string \"/terms\"",
        );
        refused("openapi.license = 'MIT'", "witapi.toml:1: `openapi.license`: expected a table, found string \"MIT\"");
    }

    #[test]
    fn a_license_has_a_name_and_one_address() {
        refused(
            "[openapi]\nlicense = { name = 'MIT', identifier = 'MIT', url = 'https://a.b' }",
            "witapi.toml:2: `openapi.license` has both `identifier` and `url`; an OpenAPI document may have one of the two",
        );
        let error = parse("[openapi]\n\nlicense = { url = 'https://a.b' }").unwrap_err();
        assert!(error.starts_with("witapi.toml:3: ") && error.contains("`name`"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        refused(
            "[openapi]\nserver = []",
            "witapi.toml:2: unknown key `server` in `openapi`; the nearest known key is `servers` \
             (known: title, description, version, servers, contact, license, terms_of_service)",
        );
        refused(
            "[openapi.contact]\nmail = 'a@b'",
            "witapi.toml:2: unknown key `mail` in `openapi.contact`; the nearest known key is `email` \
             (known: name, url, email)",
        );
    }
}
