//! Forms as browsers send them → the members of an object: `application/x-www-form-urlencoded` (WHATWG URL, section 5) and
//! `multipart/form-data` (RFC 7578). See `docs/src/reference/content.md`, "Forms".

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{FutureExt, future, stream};
use percent_encoding::percent_decode;

use super::words::{in_option, list_in_rules, of_words};
use crate::{
    contract::{Docs, Layout, Scalar, Shape, Type},
    http::media_type::MediaType,
    value::{Faults, Image, Member, Reader, Step, read, scalar},
};

/// The most parts of one form in several parts: each has headers to be read.
const MAX_PARTS: usize = 1_000;

/// The fields of a form, in order.
#[derive(Debug)]
pub struct Form {
    fields: Vec<Field>,
}

/// One name with one value; a name may come more than once.
#[derive(Debug)]
struct Field {
    name: String,
    value: Bytes,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A pair of a form in one line.
    Pair,
    /// A part without the name of a file.
    Part,
    File,
    /// A part that says that it is JSON.
    Json,
    /// What a browser sends for a file input without a file.
    NoFile,
}

impl Form {
    /// Reads `a=1&b=2`. There is none that is malformed.
    pub fn url_encoded(body: &[u8]) -> Form {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let field = |pair: &[u8]| {
            let end = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = end.map_or((pair, &b""[..]), |end| (&pair[..end], &pair[end + 1..]));
            let name = String::from_utf8_lossy(&url_decoded(name)).into_owned();
            Field { name, value: url_decoded(value).into(), kind: Kind::Pair }
        };
        Form { fields: pairs.map(field).collect() }
    }

    /// Reads the parts between the boundaries. A body without any byte is a form without fields.
    ///
    /// # Errors
    ///
    /// It is no such form, in words for the client.
    pub fn multipart(body: Bytes, boundary: &str) -> Result<Form, String> {
        if body.is_empty() {
            return Ok(Form { fields: vec![] });
        }
        let body = stream::once(future::ready(Ok::<_, std::convert::Infallible>(body)));
        // All of it is there, so nothing has to be waited for; a parser that would wait has missed the end.
        let fields = parts(multer::Multipart::new(body, boundary)).now_or_never();
        let fields = fields.unwrap_or_else(|| Err("It ends before its last boundary.".into()))?;
        Ok(Form { fields })
    }

    /// Reads the form as one object with exactly `members`. Whether there was no fault in them.
    pub fn members(&self, faults: &mut Faults, members: &[Member], image: &mut Image) -> bool {
        let mut given: HashMap<&str, Vec<&Field>> = HashMap::new();
        let is_member = |name: &str| members.iter().any(|member| member.name == name);
        for field in &self.fields {
            let fields = given.entry(&field.name).or_default();
            if fields.is_empty() && !is_member(&field.name) {
                let known: Vec<_> = members.iter().map(|member| member.name).collect();
                read::unknown_member(faults, &field.name, &known);
            }
            fields.push(field);
        }
        let mut fits = true;
        let mut missing = vec![];
        for Member { name, ty, docs, at } in members {
            let nothing = Docs::default();
            let docs = docs.unwrap_or(&nothing);
            match given.get(name) {
                Some(fields) => {
                    let step = Step::Name((*name).to_owned());
                    fits &= faults.within(step, |faults| self::member(faults, ty, docs, fields, image, *at));
                }
                None if absent(ty, docs, image, *at) => {}
                None => missing.push((name, ty)),
            }
        }
        fits &= missing.is_empty();
        for (name, ty) in missing {
            faults.add_at(name, "missing", format!("missing, expected {}", read::article(ty)));
        }
        fits
    }
}

async fn parts(mut form: multer::Multipart<'_>) -> Result<Vec<Field>, String> {
    let malformed = |error: multer::Error| format!("It is no `multipart/form-data`: {error}.");
    let mut fields = vec![];
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        if fields.len() == MAX_PARTS {
            return Err(format!("It has more than {MAX_PARTS} parts."));
        }
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(format!("Part {} has no name.", fields.len() + 1));
        };
        let header = |name| part.headers().get(name).and_then(|value| value.to_str().ok());
        // RFC 7578, section 4.7, has done away with it; nobody is to take the encoded bytes for the real ones.
        if let Some(coding) = header("content-transfer-encoding")
            && !["binary", "8bit", "7bit"].iter().any(|known| coding.eq_ignore_ascii_case(known))
        {
            return Err(format!("Part {}: expected its bytes, found a `content-transfer-encoding`.", fields.len() + 1));
        }
        let is_json = header("content-type").and_then(MediaType::parse).is_some_and(|it| it.is("application/json"));
        let file = part.file_name().map(str::to_owned);
        let value = part.bytes().await.map_err(malformed)?;
        let kind = match file.as_deref() {
            Some("") if value.is_empty() => Kind::NoFile,
            _ if is_json => Kind::Json,
            Some(_) => Kind::File,
            None => Kind::Part,
        };
        fields.push(Field { name, value, kind });
    }
    Ok(fields)
}

/// Writes what a member is of which a form has no field; `false` if it is missing.
fn absent(ty: &Type, docs: &Docs, image: &mut Image, at: usize) -> bool {
    if read::absent(ty, docs, image, at) {
        return true;
    }
    if !ty.is_empty_if_absent(docs) {
        return false;
    }
    // A form can say in no other way that there are none.
    match ty.resolved() {
        Type::List(item) => {
            let list = image.list(Layout::of(item));
            image.close(at, list);
        }
        _ => image.put_tag(at, Layout::of(ty).bytes(), 0),
    }
    true
}

/// Whether a form may be without a field for the member.
pub fn is_optional(ty: &Type, docs: &Docs) -> bool {
    ty.absent(docs).is_allowed() || ty.is_empty_if_absent(docs)
}

/// Writes the value of one member from all fields of its name, of which there is at least one. Whether there was no fault.
fn member(faults: &mut Faults, ty: &Type, docs: &Docs, fields: &[&Field], image: &mut Image, at: usize) -> bool {
    if let [only] = fields {
        if only.is_blank(ty, docs) && absent(ty, docs, image, at) {
            return true;
        }
        if only.kind == Kind::Json && !only.is_bytes_for(ty) && (list_item(ty).is_none() || only.is_array()) {
            return json(faults, ty, docs, only, image, at);
        }
    }
    let is_bytes = fields.iter().any(|field| field.is_bytes_for(ty));
    match list_item(ty) {
        Some(item) if is_bytes || !item.is_scalar() || fields.iter().any(|field| field.kind == Kind::Json) => {
            if let [only] = fields
                && !is_bytes
                && (only.is_array() || only.is_null_for(ty))
            {
                return json(faults, ty, docs, only, image, at);
            }
            let nothing = Docs::default();
            let of_list = in_option(ty, image, at);
            let mut list = image.list(Layout::of(item));
            let mut fits = true;
            // All of them are read, so that every fault is found.
            for (i, field) in fields.iter().filter(|field| field.kind != Kind::NoFile).enumerate() {
                let at = image.item(&mut list);
                fits &= faults.within(Step::Index(i), |faults| match item.is_scalar() {
                    true => member(faults, item, &nothing, &[field], image, at),
                    false => json(faults, item, &nothing, field, image, at),
                });
            }
            image.close(of_list, list);
            fits && list_in_rules(faults, ty, docs, image, at)
        }
        _ if !is_bytes && !is_json(ty) => of_words(faults, ty, docs, words(fields), image, at),
        _ => match fields {
            [only] if is_bytes => {
                let at = in_option(ty, image, at);
                image.bytes(at, &only.value);
                true
            }
            [only] => json(faults, ty, docs, only, image, at),
            _ => {
                faults.add("duplicate", format!("expected once, found {} times", fields.len()));
                false
            }
        },
    }
}

/// Whether a field holds it as JSON, since one word of text or several cannot.
pub fn is_json(ty: &Type) -> bool {
    match ty.resolved() {
        Type::Option(some) => some.is_option() || is_json(some),
        Type::List(item) => !item.is_scalar(),
        _ => !ty.is_scalar() && !matches!(ty.shape(), Some(Shape::Flags(_))),
    }
}

/// The type of the items, if it is a list or an option of one.
fn list_item(ty: &Type) -> Option<&Type> {
    match ty.in_option() {
        Type::List(item) => Some(item),
        _ => None,
    }
}

fn json(faults: &mut Faults, ty: &Type, docs: &Docs, field: &Field, image: &mut Image, at: usize) -> bool {
    match Reader::new(&field.value, faults, image).value(ty, docs, at) {
        Ok(is_read) => is_read,
        Err(malformed) => {
            let (line, column) = (malformed.line, malformed.column);
            faults.add("json", format!("not JSON: line {line}, column {column}: {}", malformed.reason));
            false
        }
    }
}

fn words(fields: &[&Field]) -> Vec<Option<String>> {
    fields.iter().map(|field| std::str::from_utf8(&field.value).ok().map(str::to_owned)).collect()
}

impl Field {
    /// Whether its bytes are the value, as they are.
    fn is_bytes_for(&self, ty: &Type) -> bool {
        let of_list = list_item(ty).is_some_and(|item| matches!(item.resolved(), Type::Bytes));
        (of_list || matches!(ty.in_option(), Type::Bytes)) && self.kind != Kind::Pair
    }

    /// Whether it says nothing of a `ty`: browsers send the empty text for an input that was left blank. It is a string,
    /// if it is one that may be empty.
    fn is_blank(&self, ty: &Type, docs: &Docs) -> bool {
        if !self.value.is_empty() || self.kind == Kind::File {
            return false;
        }
        let word = list_item(ty).map_or_else(|| ty.in_option(), Type::resolved);
        self.kind == Kind::NoFile
            || !matches!(word, Type::Scalar(Scalar::String))
            || list_item(ty).is_none() && !may_be_empty(ty, docs)
    }

    /// Whether it is the JSON of a `none`.
    fn is_null_for(&self, ty: &Type) -> bool {
        ty.is_option() && self.value.trim_ascii() == b"null"
    }

    /// Whether it could be a JSON array.
    fn is_array(&self) -> bool {
        self.value.trim_ascii_start().starts_with(b"[")
    }
}

/// Whether the empty text is a value of that type, which is a string.
fn may_be_empty(ty: &Type, docs: &Docs) -> bool {
    let layout = Layout::of(ty);
    scalar::from_text(ty, docs, "", &mut Image::new(layout, layout.bytes()), 0).is_ok()
}

/// Undoes percent-encoding, where `+` is a space.
fn url_decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}
