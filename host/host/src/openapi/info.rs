//! What a document says of the API as a whole: the operator's words, or WIT's where those are silent.

use utoipa::openapi::{Contact, Info, License, Server};

use super::part::Head;
use crate::config;

/// What the document of all plugins is about.
pub(super) fn of_all(settings: &config::OpenApi) -> Info {
    let description = settings.description.as_deref().unwrap_or(
        "The operations of all plugins that this host serves. Errors are problem documents (RFC 9457): \
         programs can rely on their `type`.",
    );
    let version = settings.version.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
    with_operator(Info::new(settings.title.as_str(), version), description, settings)
}

/// What the document of one plugin is about. Its version is that of its WIT package.
pub(super) fn of_plugin(settings: &config::OpenApi, plugin: &str, head: &Head) -> Info {
    let of_package = head.package.as_deref().and_then(|package| package.split_once('@')).map(|(_, version)| version);
    let version = of_package.or(settings.version.as_deref()).unwrap_or(env!("CARGO_PKG_VERSION"));
    let description = if head.texts.is_empty() {
        format!("The operations of the plugin `{plugin}`.")
    } else {
        head.texts.join("\n\n")
    };
    with_operator(Info::new(plugin, version), &description, settings)
}

fn with_operator(mut info: Info, description: &str, settings: &config::OpenApi) -> Info {
    info.description = Some(description.to_owned());
    info.terms_of_service = settings.terms_of_service.clone();
    info.contact = settings.contact.as_ref().map(|contact| {
        let mut shown = Contact::new();
        (shown.name, shown.url, shown.email) = (contact.name.clone(), contact.url.clone(), contact.email.clone());
        shown
    });
    info.license = settings.license.as_ref().map(|license| {
        let mut shown = License::new(&license.name);
        (shown.identifier, shown.url) = (license.identifier.clone(), license.url.clone());
        shown
    });
    info
}

/// Where the API is. `/` is wherever the document came from (OpenAPI 3.1, section 4.8.5), so it holds under any name.
pub(super) fn servers(settings: &config::OpenApi) -> Vec<Server> {
    if settings.servers.is_empty() {
        return vec![Server::new("/")];
    }
    settings.servers.iter().map(Server::new).collect()
}
