//! What a function returned → its status and its body. The cases are those of [`Outcome::of`]; the tables are in
//! `docs/src/reference/results.md`.

use super::{
    Unreadable, Unwritable,
    view::{Parts, Source, View},
    write,
};
use crate::contract::{ErrorStatus, Outcome, Shape, Type};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A success, with its body as JSON or, if it is sent so, as its own bytes.
    Value(Option<Vec<u8>>),
    /// The `none` of an operation that is about one thing.
    NoneFound,
    /// An `err`, with its value as JSON.
    Error { status: u16, error: Option<Vec<u8>> },
}

impl Reply {
    /// What `value`, which the function of that outcome returned, is answered with. Its body may have
    /// `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`Unwritable`].
    pub fn of<'v, S: Source<'v>>(outcome: &Outcome, value: Option<S>, limit: usize) -> Result<Reply, Unwritable> {
        let Some((mut ty, mut value)) = outcome.returned.as_ref().zip(value) else { return Ok(Reply::Value(None)) };
        if outcome.fallible
            && let Type::Result(ok, _) = ty.resolved()
        {
            match value.view(ty)? {
                View::Result(Ok(inner)) => match ok.as_deref().zip(inner) {
                    Some((ok, inner)) => (ty, value) = (ok, inner),
                    None => return Ok(Reply::Value(None)),
                },
                View::Result(Err(error)) => return Reply::error(outcome, error, limit),
                _ => return Err(Unreadable::MISMATCH.into()),
            }
        }
        if outcome.none_is_not_found
            && let Type::Option(some) = ty.resolved()
        {
            match value.view(ty)? {
                View::Option(Some(inner)) => (ty, value) = (some, inner),
                View::Option(None) => return Ok(Reply::NoneFound),
                _ => return Err(Unreadable::MISMATCH.into()),
            }
        }
        if !outcome.is_raw() {
            return json(ty, value, limit).map(Some).map(Reply::Value);
        }
        match value.view(ty)? {
            View::Bytes(bytes) if bytes.len() > limit => Err(Unwritable::TooLarge { limit }),
            View::Bytes(bytes) => Ok(Reply::Value(Some(bytes.into_owned()))),
            _ => Err(Unreadable::MISMATCH.into()),
        }
    }

    fn error<'v, S: Source<'v>>(outcome: &Outcome, error: Option<S>, limit: usize) -> Result<Reply, Unwritable> {
        let error = outcome.error.as_ref().zip(error);
        let status = match (outcome.error_status(), error) {
            (ErrorStatus::Always(status), _) => status,
            (ErrorStatus::Cases(statuses), Some((ty, error))) => match error.view(ty)? {
                View::Case(case, _) => statuses.get(case).copied().unwrap_or(400),
                _ => return Err(Unreadable::MISMATCH.into()),
            },
            (ErrorStatus::Member(index), Some((ty, error))) => match member(ty, error, index)? {
                View::Unsigned(status @ 400..600) => status as u16,
                View::Unsigned(found) => return Err(Unwritable::Status { found: found as u16 }),
                _ => return Err(Unreadable::MISMATCH.into()),
            },
            (_, None) => 500,
        };
        let error = error.map(|(ty, error)| json(ty, error, limit)).transpose()?;
        Ok(Reply::Error { status, error })
    }
}

/// The member of that index of a record.
fn member<'v, S: Source<'v>>(ty: &Type, record: S, index: usize) -> Result<View<'v, S>, Unreadable> {
    let (Some(Shape::Record(fields)), View::Members(mut members)) = (ty.shape(), record.view(ty)?) else {
        return Err(Unreadable::MISMATCH);
    };
    for (i, field) in fields.iter().enumerate() {
        let member = members.next(&field.ty)?;
        if i == index {
            return member.view(&field.ty);
        }
    }
    Err(Unreadable::MISMATCH)
}

fn json<'v>(ty: &Type, value: impl Source<'v>, limit: usize) -> Result<Vec<u8>, Unwritable> {
    let mut out = Vec::with_capacity(256);
    write(&mut out, ty, value, limit)?;
    Ok(out)
}
