//! HTTP as its specifications have it, whoever asks for what: headers, media types, and who asks.

pub mod accept;
pub mod caller;
pub mod media_type;
