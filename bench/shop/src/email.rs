//! E-mail addresses as the contract's `@format email` wants them.

/// `Mailbox` of RFC 5321, section 4.1.2, but neither quoted names nor address literals. By hand, as the host does it: without
/// a regular expression, which a fresh instance of a guest would have to compile for a single request.
pub fn check(text: &Option<String>, _: &()) -> garde::Result {
    match text.as_deref().map(|text| text.rsplit_once('@')) {
        None => Ok(()),
        Some(Some((local, domain))) if is_local(local) && is_domain(domain) => Ok(()),
        Some(_) => Err(garde::Error::new("not an e-mail address (RFC 5321)")),
    }
}

fn is_local(text: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= 64 && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}
