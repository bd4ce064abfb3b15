//! Numbers from their text, exact: JSON Schema calls `1.0` and `1e2` integers, and no detour over `f64` may round them.

use std::cmp::Ordering;

/// Why a number is not an integer that a WIT type could hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotInteger {
    /// It has a fraction.
    Fraction,
    /// It has more digits than any integer type of WIT; whether it is negative.
    Huge { negative: bool },
}

/// The most digits of `u64::MAX`.
const MAX_DIGITS: i64 = 20;

/// The integer that the JSON number `text` (RFC 8259, section 6) stands for.
pub fn integer(text: &str) -> Result<i128, NotInteger> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let sign = if negative { -1 } else { 1 };
    // Nearly every number is short and plain.
    if digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(sign * digits.bytes().fold(0i128, |n, b| n * 10 + i128::from(b - b'0')));
    }
    let (mantissa, exponent) = split_exponent(digits);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significant = || whole.bytes().chain(fraction.bytes());
    let Some(last) = significant().rev().position(|b| b != b'0') else { return Ok(0) };
    let leading = significant().take_while(|&b| b == b'0').count();
    let count = whole.len() + fraction.len() - last - leading;
    // The value is (the significant digits as an integer) × 10^scale.
    let scale = exponent - fraction.len() as i64 + last as i64;
    if scale < 0 {
        return Err(NotInteger::Fraction);
    }
    if count as i64 + scale > MAX_DIGITS {
        return Err(NotInteger::Huge { negative });
    }
    let mantissa = significant().skip(leading).take(count).fold(0i128, |n, b| n * 10 + i128::from(b - b'0'));
    Ok(sign * mantissa * 10i128.pow(scale as u32))
}

/// The greatest finite `f32`, as it is written and as the schema has it: the shortest text that is read as that `f32`.
pub const F32_MAX: &str = "3.4028235e38";

/// The greatest finite `f64`, likewise.
pub const F64_MAX: &str = "1.7976931348623157e308";

/// Whether the magnitude of the JSON number `text` is greater than that of `max`, compared as decimals, since rounding
/// would make them equal too early.
pub fn exceeds(text: &str, max: &str) -> bool {
    let magnitude = |text: &str| text.parse::<f64>().map_or(0.0, f64::abs);
    if magnitude(text) < magnitude(max) {
        return false;
    }
    compare(text.trim_start_matches('-'), max) == Ordering::Greater
}

/// How two numbers in JSON's grammar compare, as decimals: exact, however many digits they have.
pub fn compare(a: &str, b: &str) -> Ordering {
    let sign = |digits: &[u8], text: &str| match (digits.is_empty(), text.starts_with('-')) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let ((digits, point), (other_digits, other_point)) = (decimal(a), decimal(b));
    let (sign, other_sign) = (sign(&digits, a), sign(&other_digits, b));
    // Both begin with a digit other than zero, so the place of the point decides first.
    let magnitude = || (point, &digits).cmp(&(other_point, &other_digits));
    match sign.cmp(&other_sign) {
        Ordering::Equal if sign > 0 => magnitude(),
        Ordering::Equal if sign < 0 => magnitude().reverse(),
        order => order,
    }
}

/// How many digits a number has without the zeros at either end.
pub fn significant_digits(text: &str) -> usize {
    decimal(text).0.len()
}

/// Whether the number in `text` is a whole multiple of that in `unit`, both in JSON's grammar, computed in decimals.
/// `unit` is greater than zero and has at most 20 significant digits.
pub fn is_multiple(text: &str, unit: &str) -> bool {
    let ((digits, point), (unit_digits, unit_point)) = (decimal(text), decimal(unit));
    if digits.is_empty() {
        return true;
    }
    // Each is (its digits as an integer) × 10^exponent, and neither integer ends with a zero.
    let exponent = point - digits.len() as i64;
    let unit_exponent = unit_point - unit_digits.len() as i64;
    let unit = unit_digits.iter().fold(0u128, |n, digit| n * 10 + u128::from(digit - b'0'));
    if exponent < unit_exponent || unit == 0 {
        return false;
    }
    // Twenty digits times ten fit into 128 bits with room to spare.
    let mut rest = digits.iter().fold(0u128, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % unit);
    // After at most 128 zeros all factors of two and five that the unit has are used up.
    for _ in 0..(exponent - unit_exponent).min(128) {
        rest = rest * 10 % unit;
    }
    rest == 0
}

/// The significant digits, without zeros at either end, and the power of ten of the point in front of them.
fn decimal(text: &str) -> (Vec<u8>, i64) {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = split_exponent(text);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
    let trailing = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    let significant = digits.get(leading..digits.len() - trailing).unwrap_or_default().to_vec();
    (significant, whole.len() as i64 - leading as i64 + exponent)
}

/// Mantissa and exponent. An exponent that does not fit is as good as the largest that does: no text is long enough to
/// make up for it.
fn split_exponent(text: &str) -> (&str, i64) {
    let Some(at) = text.find(['e', 'E']) else { return (text, 0) };
    let exponent = &text[at + 1..];
    let magnitude = exponent.trim_start_matches(['+', '-']).parse().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    (&text[..at], if exponent.starts_with('-') { -magnitude } else { magnitude })
}

/// Whether `text` is a number by JSON's grammar, for values that come in no JSON: paths and queries.
pub fn is_json_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_whatever_their_spelling() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0.000", 0),
            ("0e99999999999999999999", 0),
            ("-12", -12),
            ("1.0", 1),
            ("1e2", 100),
            ("120e-1", 12),
            ("0.05e2", 5),
            ("18446744073709551615", u64::MAX.into()),
            ("18446744073709551615.0", u64::MAX.into()),
            ("1844674407370955161.5e1", u64::MAX.into()),
            ("-9223372036854775808", i64::MIN.into()),
            ("9007199254740993.00", 9007199254740993),
        ] {
            assert_eq!(integer(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn fractions_and_giants_are_told_apart() {
        for text in ["1.5", "1e-1", "0.1", "1e-99999999999999999999", "123456789012345678901.5"] {
            assert_eq!(integer(text), Err(NotInteger::Fraction), "{text}");
        }
        assert_eq!(integer("1e99999999999999999999"), Err(NotInteger::Huge { negative: false }));
        assert_eq!(integer("-1e400"), Err(NotInteger::Huge { negative: true }));
        assert_eq!(integer(&"9".repeat(100_000)), Err(NotInteger::Huge { negative: false }));
    }

    #[test]
    fn bounds_of_floats_are_compared_as_decimals() {
        for text in [
            "0",
            "0e999",
            "-1.5",
            "3.4028235e38",
            "-3.4028235e38",
            "340282350000000000000000000000000000000.000",
            "1e-999999999999",
        ] {
            assert!(!exceeds(text, F32_MAX), "{text}");
        }
        for text in ["3.40282350000000000000000001e38", "1e39", "-1e39", "1e400", "1e99999999999999999999"] {
            assert!(exceeds(text, F32_MAX), "{text}");
        }
        assert!(!exceeds("1.7976931348623157e308", F64_MAX));
        assert!(exceeds("1.7976931348623158e308", F64_MAX));
        assert_eq!(f32::MAX.to_string().parse::<f32>(), F32_MAX.parse());
        assert_eq!(F64_MAX.parse(), Ok(f64::MAX));
    }

    #[test]
    fn decimals_are_compared_exactly() {
        for (less, more) in [
            ("-1", "0"),
            ("-2", "-1.5"),
            ("0.1", "0.10000000000000000000000000001"),
            ("9007199254740992", "9007199254740993"),
            ("-1e400", "-1e399"),
            ("1e-400", "1e400"),
            ("0", "1e-999999999999999999999"),
        ] {
            assert_eq!(compare(less, more), Ordering::Less, "{less} < {more}");
            assert_eq!(compare(more, less), Ordering::Greater, "{more} > {less}");
        }
        for (a, b) in [("0", "-0.0e5"), ("1", "1.0"), ("100", "1e2"), ("-0.5", "-5e-1")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} = {b}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (text, unit) in [
            ("0", "3"),
            ("9", "3"),
            ("-9.0", "3"),
            ("0.3", "0.1"),
            ("1e400", "0.25"),
            ("1.5", "0.5"),
            ("75e-2", "0.25"),
        ] {
            assert!(is_multiple(text, unit), "{text} of {unit}");
        }
        for (text, unit) in [("1", "3"), ("1e400", "3"), ("0.35", "0.1"), ("1e-5", "1"), ("10", "100"), ("5", "10")] {
            assert!(!is_multiple(text, unit), "{text} of {unit}");
        }
    }

    #[test]
    fn the_grammar_is_that_of_json() {
        for text in ["0", "-0", "10", "1.5", "1e5", "1E+5", "0.1e-7"] {
            assert!(is_json_number(text), "{text}");
        }
        for text in ["", "-", "+1", "01", "1.", ".5", "1e", "0x10", "NaN", "Infinity", " 1", "1_000", "٣"] {
            assert!(!is_json_number(text), "{text}");
        }
    }
}
