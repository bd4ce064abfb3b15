//! One operation: its words, its parameters and its request body.

use utoipa::openapi::{
    Content, Deprecated, Object, RefOr, Required, Schema, SchemaFormat,
    example::Example,
    path::{Operation as PathOperation, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBody,
    schema::Type as JsonType,
};

use super::{
    example::Examples,
    forms::{self, FormEncoding},
    responses::responses,
    stream,
};
use crate::{
    contract::{Body, Docs, Operation, Param, Place, Type, schema::Schemas},
    http::media_type::{BYTES, JSON, MULTIPART, URL_ENCODED},
};

/// The operation without its id and tags, which depend on others.
pub(super) fn describe(operation: &Operation, schemas: &Schemas, examples: Option<&Examples>) -> PathOperation {
    let mut described = PathOperation::new();
    described.summary = operation.docs.summary.clone().or_else(|| Some(summary(&operation.function)));
    described.description = operation.docs.description.clone().or_else(|| Some(description(operation)));
    described.deprecated = operation.is_deprecated.then_some(Deprecated::True);
    // In the order of the path, then in that of the function.
    let in_path =
        operation.pattern.params().filter_map(|name| operation.params_in(Place::Path).find(|it| it.json == name));
    let others = operation.params_in(Place::Query).chain(operation.params_in(Place::Header));
    let parameters: Vec<_> = in_path.chain(others).map(|param| parameter(param, schemas, examples)).collect();
    described.parameters = Some(parameters).filter(|parameters| !parameters.is_empty());
    described.request_body = request_body(operation, schemas, examples).map(RefOr::T);
    described.responses.responses = responses(operation, schemas, examples);
    described
}

/// `Get todo` for the function `get-todo`, whose author says nothing of it.
fn summary(function: &str) -> String {
    let words = function.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Where an operation without a longer comment comes from.
fn description(operation: &Operation) -> String {
    match &operation.instance {
        Some(instance) => format!("The function `{}` of `{instance}`.", operation.function),
        None => format!("The function `{}`.", operation.function),
    }
}

fn parameter(param: &Param, schemas: &Schemas, examples: Option<&Examples>) -> RefOr<Parameter> {
    // In a query, what is absent is `none`; there is no null.
    let ty = match param.ty.resolved() {
        Type::Option(some) => some,
        _ => &param.ty,
    };
    let said = Docs { keywords: param.docs.keywords.clone(), ..Docs::default() };
    let schema = schemas.described(ty, &said);
    // A page sends the examples of all parameters at once, so those that may be left out have none.
    let example = if param.is_optional() { None } else { example_of(&schema, examples) };
    let parameter = ParameterBuilder::new()
        .name(&param.json)
        .parameter_in(match param.place {
            Place::Path => ParameterIn::Path,
            Place::Header => ParameterIn::Header,
            Place::Query | Place::Body => ParameterIn::Query,
        })
        .description(param.docs.text.clone())
        .deprecated(param.docs.keywords.is_deprecated.then_some(Deprecated::True))
        .required(if param.is_optional() { Required::False } else { Required::True })
        .schema(Some(schema))
        .example(example);
    parameter.build().into()
}

fn request_body(operation: &Operation, schemas: &Schemas, examples: Option<&Examples>) -> Option<RequestBody> {
    let (media_type, content) = match operation.body {
        Body::None => return None,
        Body::Raw(_) => (BYTES, Content::new(Some(bytes_schema()))),
        Body::Stream(_) => return Some(stream::request_body(operation, schemas)),
        Body::Whole(i) => {
            let param = &operation.params[i];
            (JSON, json_content(schemas.described(&param.ty, &param.docs), examples))
        }
        Body::Members => {
            let members = operation.params_in(Place::Body).map(|param| (param.json.as_str(), &param.ty, &param.docs));
            (JSON, json_content(schemas.object(members).into(), examples))
        }
    };
    let mut body = RequestBody::new();
    if let Some((members, schema)) = operation.form_members().zip(content.schema.as_ref()) {
        for (media_type, encoding) in [(MULTIPART, FormEncoding::Multipart), (URL_ENCODED, FormEncoding::UrlEncoded)] {
            let content = forms::content(&members, schema, encoding, schemas);
            body.content.insert(media_type.to_owned(), RefOr::T(content));
        }
    }
    body.content.insert(media_type.to_owned(), RefOr::T(content));
    body.required = Some(if operation.body_is_required() { Required::True } else { Required::False });
    Some(body)
}

/// JSON of that schema with an example, or with one for each case of a variant.
pub(super) fn json_content(schema: RefOr<Schema>, examples: Option<&Examples>) -> Content {
    let printed = serde_json::to_value(&schema).unwrap_or_default();
    let mut content = Content::new(Some(schema));
    let cases = examples.map(|examples| examples.of_cases(&printed)).unwrap_or_default();
    if cases.is_empty() {
        content.example = examples.and_then(|examples| examples.of(&printed));
    }
    for (tag, value) in cases {
        let mut example = Example::new();
        example.value = Some(value);
        content.examples.insert(tag, RefOr::T(example));
    }
    content
}

fn example_of(schema: &RefOr<Schema>, examples: Option<&Examples>) -> Option<serde_json::Value> {
    examples?.of(&serde_json::to_value(schema).ok()?)
}

/// Bytes as they are: any value at all, as OpenAPI 3.1 writes binary bodies.
pub(super) fn bytes_schema() -> RefOr<Schema> {
    let mut object = Object::with_type(JsonType::String);
    object.format = Some(SchemaFormat::Custom("binary".into()));
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_without_a_comment_is_called_by_its_name() {
        assert_eq!(summary("get-todo"), "Get todo");
        assert_eq!(summary("parse-URL"), "Parse URL");
        assert_eq!(summary("x"), "X");
        assert_eq!(summary(""), "");
    }
}
