//! What a form of an operation holds, as the document says it: another schema than that of the JSON, since a form has no
//! null, says by absence that a list is empty, and holds files as they are.

use utoipa::openapi::{
    Array, Content, Object, RefOr, Schema, content::ContentBuilder, encoding::EncodingBuilder, schema::Type as JsonType,
};

use crate::{
    contract::{
        Docs, Shape, Type,
        schema::{Schemas, described, has_payload, is_string, object_schema},
    },
    http::media_type::{BYTES, JSON},
    request::form,
};

/// The two media types of forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormEncoding {
    UrlEncoded,
    Multipart,
}

/// A form with a field for each of the members: name, type, documentation. `json` is the schema of the same members in JSON.
pub(super) fn content(
    members: &[(&str, &Type, &Docs)],
    json: &RefOr<Schema>,
    encoding: FormEncoding,
    schemas: &Schemas,
) -> Content {
    let mut content = ContentBuilder::new();
    for (name, ty, _) in members {
        if is_json(ty) {
            content = content.encoding(*name, EncodingBuilder::new().content_type(Some(JSON)).build());
        }
    }
    // Most forms of a record that has neither options nor lists: one schema for all media types keeps documents short.
    if members.iter().all(|(_, ty, docs)| is_as_in_json(ty, docs, encoding)) {
        return content.schema(Some(json.clone())).build();
    }
    let mut fields = Vec::with_capacity(members.len());
    for (name, ty, docs) in members {
        let is_required = !form::is_optional(ty, docs);
        let ty = match ty.resolved() {
            Type::Option(some) if !some.is_option() => some,
            _ => *ty,
        };
        fields.push(((*name).to_owned(), field(ty, docs, encoding, schemas), is_required));
    }
    content.schema(Some(Schema::Object(object_schema(fields)))).build()
}

fn field(ty: &Type, docs: &Docs, encoding: FormEncoding, schemas: &Schemas) -> RefOr<Schema> {
    // What examples and defaults look like in JSON is not what they look like as a file or as a text that holds JSON.
    let prose = Docs { text: docs.text.clone(), ..Docs::default() };
    match ty.resolved() {
        Type::Bytes if encoding == FormEncoding::Multipart => described(file(), &prose),
        Type::List(item) if encoding == FormEncoding::Multipart && matches!(item.resolved(), Type::Bytes) => {
            described(Array::new(file()).into(), &prose)
        }
        Type::List(item) if !item.is_scalar() && !is_object(item) => {
            described(Array::new(json_text(schemas.schema(item))).into(), &prose)
        }
        Type::List(_) => schemas.described(ty, docs),
        _ if form::is_json(ty) && !is_object(ty) => described(json_text(schemas.described(ty, docs)), &prose),
        _ => schemas.described(ty, docs),
    }
}

/// Whether a form says of a member what JSON says.
fn is_as_in_json(ty: &Type, docs: &Docs, encoding: FormEncoding) -> bool {
    match ty.resolved() {
        Type::Bytes => encoding == FormEncoding::UrlEncoded,
        Type::Option(_) => false,
        _ => !ty.is_empty_if_absent(docs) && (!form::is_json(ty) || is_object(ty)),
    }
}

/// Whether the field is JSON that tools have to be told of. What is no object in JSON is a text that holds JSON, since an
/// array would be taken for several fields.
fn is_json(ty: &Type) -> bool {
    match ty.resolved() {
        Type::Option(some) if !some.is_option() => is_json(some),
        Type::List(item) => is_object(item),
        _ => is_object(ty),
    }
}

/// Whether it is an object in JSON, whatever its value.
fn is_object(ty: &Type) -> bool {
    match ty.resolved() {
        Type::Result(..) => true,
        Type::Map(key, _) => is_string(key),
        _ => match ty.shape() {
            Some(Shape::Record(_)) => true,
            Some(Shape::Variant(cases)) => has_payload(cases),
            _ => false,
        },
    }
}

/// Bytes as they are. The format is for tools that go by OpenAPI 3.0.
fn file() -> RefOr<Schema> {
    let mut file = Object::with_type(JsonType::String);
    file.format = Some(utoipa::openapi::SchemaFormat::Custom("binary".into()));
    file.content_media_type = BYTES.into();
    file.into()
}

/// A text that holds JSON of that schema.
fn json_text(schema: RefOr<Schema>) -> RefOr<Schema> {
    let mut text = Object::with_type(JsonType::String);
    text.content_media_type = JSON.into();
    text.content_schema = Some(Box::new(schema));
    text.into()
}
