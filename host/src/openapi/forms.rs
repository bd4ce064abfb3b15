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
    form,
    media_type::{BYTES, JSON},
};

/// The two media types of forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    UrlEncoded,
    Multipart,
}

/// A form with a field for each of the members: name, type, documentation. `json` is the schema of the same members in JSON,
/// if that has a name.
pub fn content(
    members: &[(&str, &Type, Option<&Docs>)],
    json: Option<RefOr<Schema>>,
    encoding: Encoding,
    schemas: &Schemas,
) -> Content {
    let mut content = ContentBuilder::new();
    for (name, ty, _) in members {
        if is_json(ty) {
            content = content.encoding(*name, EncodingBuilder::new().content_type(Some(JSON)).build());
        }
    }
    // Most forms of a record that has neither options nor lists: one schema for all media types keeps documents short.
    if let Some(json) = json
        && members.iter().all(|(_, ty, _)| is_as_in_json(ty, encoding))
    {
        return content.schema(Some(json)).build();
    }
    let mut fields = Vec::with_capacity(members.len());
    for (name, ty, docs) in members {
        let is_required = form::absent(ty).is_none();
        let ty = match ty.resolved() {
            Type::Option(some) if !some.is_option() => some,
            _ => *ty,
        };
        let schema = field(ty, encoding, schemas);
        let schema = match docs {
            Some(docs) => described(schema, docs),
            None => schema,
        };
        fields.push(((*name).to_owned(), schema, is_required));
    }
    content.schema(Some(Schema::Object(object_schema(fields)))).build()
}

fn field(ty: &Type, encoding: Encoding, schemas: &Schemas) -> RefOr<Schema> {
    match ty.resolved() {
        Type::Bytes if encoding == Encoding::Multipart => file(),
        Type::List(item) if encoding == Encoding::Multipart && matches!(item.resolved(), Type::Bytes) => {
            Array::new(file()).into()
        }
        Type::List(item) if form::is_json(item) && !is_object(item) => Array::new(json_text(item, schemas)).into(),
        Type::List(_) => schemas.schema(ty),
        _ if form::is_json(ty) && !is_object(ty) => json_text(ty, schemas),
        _ => schemas.schema(ty),
    }
}

/// Whether a form says of a member what JSON says.
fn is_as_in_json(ty: &Type, encoding: Encoding) -> bool {
    match ty.resolved() {
        Type::Bytes => encoding == Encoding::UrlEncoded,
        _ => form::absent(ty).is_none() && (!form::is_json(ty) || is_object(ty)),
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

fn json_text(ty: &Type, schemas: &Schemas) -> RefOr<Schema> {
    let mut text = Object::with_type(JsonType::String);
    text.content_media_type = JSON.into();
    text.content_schema = Some(Box::new(schemas.schema(ty)));
    text.into()
}
