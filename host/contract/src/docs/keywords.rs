//! Lines of documentation that begin with `@`: what an author says in them, parsed. See `docs/src/reference/keywords.md`.

use std::{str::FromStr, sync::Arc};

use crate::{
    Defect, Docs, Scalar, Type,
    casing::Casing,
    format::Format,
    literal, number,
    pattern::TextPattern,
    rules::{Bound, Domain, Rules},
};

/// What the keywords of one item say. Those that an item of its kind cannot have are never set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keywords {
    /// `None` where there are none, which is most often.
    pub rules: Option<Box<Rules>>,
    /// The value of what a request leaves out, as JSON.
    pub default: Option<Arc<str>>,
    /// Values that show what is meant, as JSON.
    pub examples: Vec<Arc<str>>,
    pub is_deprecated: bool,
    /// Of a function's success, or of an `err` of that type or case.
    pub status: Option<u16>,
    pub tags: Vec<String>,
    pub casing: Option<Casing>,
    /// Of a function: header and parameter.
    pub headers: Vec<(String, String)>,
    /// Of a function: parameters that stand in the query whatever its method.
    pub queries: Vec<String>,
    /// Of a function: a parameter and what is said of it.
    pub params: Vec<(String, Docs)>,
}

/// What is wrong with keywords: some of it keeps a plugin from loading, some does not.
#[derive(Debug, Default)]
pub struct Findings {
    pub problems: Vec<Defect>,
    pub warnings: Vec<String>,
    /// Bytes of all patterns that were compiled.
    patterns: usize,
}

/// The most bytes of all compiled patterns of a plugin: some thousand common ones.
const MAX_PATTERNS: usize = 64 << 20;

/// What a keyword may stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Package,
    Interface,
    Function,
    Param,
    Type,
    Field,
    Case,
}

use Subject::{Case, Field, Function, Interface, Package, Param, Type as TypeSubject};

/// Where rules, which are about values, may stand.
const VALUES: &[Subject] = &[Param, TypeSubject, Field, Case];

/// Every keyword, what it may stand on, and which values it is about if it is a rule.
const KNOWN: [(&str, &[Subject], Option<Domain>); 23] = [
    ("minimum", VALUES, Some(Domain::Numbers)),
    ("maximum", VALUES, Some(Domain::Numbers)),
    ("exclusiveMinimum", VALUES, Some(Domain::Numbers)),
    ("exclusiveMaximum", VALUES, Some(Domain::Numbers)),
    ("multipleOf", VALUES, Some(Domain::Numbers)),
    ("minLength", VALUES, Some(Domain::Strings)),
    ("maxLength", VALUES, Some(Domain::Strings)),
    ("pattern", VALUES, Some(Domain::Strings)),
    ("format", VALUES, Some(Domain::Strings)),
    ("minItems", VALUES, Some(Domain::Lists)),
    ("maxItems", VALUES, Some(Domain::Lists)),
    ("uniqueItems", VALUES, Some(Domain::Lists)),
    ("minProperties", VALUES, Some(Domain::Maps)),
    ("maxProperties", VALUES, Some(Domain::Maps)),
    ("default", &[Param, TypeSubject, Field], None),
    ("example", VALUES, None),
    ("deprecated", &[Interface, Function, Param, TypeSubject, Field, Case], None),
    ("status", &[Function, TypeSubject, Case], None),
    ("tag", &[Interface, Function], None),
    ("header", &[Function], None),
    ("query", &[Function], None),
    ("param", &[Function], None),
    ("json", &[Package, Interface], None),
];

impl Keywords {
    /// Whether there is nothing beside a type to say in a schema.
    pub fn is_silent_on_values(&self) -> bool {
        self.rules.is_none() && self.default.is_none() && self.examples.is_empty() && !self.is_deprecated
    }
}

impl Docs {
    /// Reads a `///` comment on `item`. What is wrong with its keywords goes to `findings`.
    pub fn read(text: &str, subject: Subject, item: &str, findings: &mut Findings) -> Docs {
        let (mut docs, lines) = Docs::split(text);
        for line in lines {
            docs.keyword(line, subject, item, findings);
        }
        docs
    }

    /// Takes in one line, without its `@`.
    fn keyword(&mut self, line: &str, subject: Subject, item: &str, findings: &mut Findings) {
        let (name, text) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let text = text.trim();
        let Some((name, subjects, domain)) = KNOWN.iter().find(|(known, ..)| *known == name) else {
            findings.warnings.push(unknown(item, name));
            return;
        };
        let problem = |found: String, expected: String| Defect::new(item, format!("`@{line}`: {found}"), expected);
        if !subjects.contains(&subject) {
            let places: Vec<_> = subjects.iter().map(|subject| subject.describe()).collect();
            let found = format!("the keyword on {}", subject.describe());
            findings.problems.push(problem(found, format!("it on {}", places.join(", or on "))));
            return;
        }
        let read = match domain {
            Some(_) if *name == "pattern" && findings.patterns > MAX_PATTERNS => {
                let all = MAX_PATTERNS >> 20;
                Err(("one pattern more".into(), format!("at most {all} MiB of compiled patterns in all of a plugin")))
            }
            Some(_) => {
                let rules = self.keywords.rules.get_or_insert_default();
                let read = rules.keyword(name, text);
                if *name == "pattern" {
                    findings.patterns += rules.pattern.as_ref().map_or(0, |pattern| pattern.compiled());
                }
                read
            }
            None if *name == "param" => {
                self.param(text, item, findings);
                Ok(())
            }
            None => self.keywords.other(name, text, subject),
        };
        if let Err((found, expected)) = read {
            findings.problems.push(problem(found, expected));
        }
    }

    /// `limit Page size. @minimum 1 @default 20`
    fn param(&mut self, text: &str, item: &str, findings: &mut Findings) {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if name.is_empty() {
            let found = format!("`@param {text}`: nothing");
            findings.problems.push(Defect::new(item, found, "the name of a parameter, then its description"));
            return;
        }
        // An at sign within the text is only a keyword's where one follows it.
        let mut starts: Vec<usize> = rest
            .match_indices('@')
            .filter(|(at, _)| *at == 0 || rest[..*at].ends_with(char::is_whitespace))
            .filter(|(at, _)| {
                let word = rest[at + 1..].split(char::is_whitespace).next().unwrap_or_default();
                KNOWN.iter().any(|(known, ..)| *known == word)
            })
            .map(|(at, _)| at)
            .collect();
        let prose = rest[..starts.first().copied().unwrap_or(rest.len())].trim();
        starts.push(rest.len());
        let (mut docs, _) = Docs::split(prose);
        let item = format!("{item}, parameter `{name}`");
        for pair in starts.windows(2) {
            docs.keyword(rest[pair[0] + 1..pair[1]].trim(), Subject::Param, &item, findings);
        }
        self.keywords.params.push((name.to_owned(), docs));
    }

    /// Compares what the keywords say with the type that they stand on, and makes JSON of their values.
    pub fn fit(&mut self, ty: Option<&Type>, item: &str, findings: &mut Findings) {
        let keywords = &mut self.keywords;
        if let Some(rules) = &keywords.rules {
            let domain = ty.and_then(Domain::of);
            for name in rules.names() {
                let Some((.., Some(expected))) = KNOWN.iter().find(|(known, ..)| *known == name) else { continue };
                if Some(*expected) != domain {
                    findings.problems.push(Defect::new(
                        item,
                        format!("`@{name}` on {}", ty.map_or("no value".into(), |ty| format!("`{}`", ty.describe()))),
                        format!("it on {}, or on an `option` of one", expected.describe()),
                    ));
                }
            }
            if rules.unique_items && !ty.is_some_and(has_comparable_items) {
                findings.problems.push(Defect::new(
                    item,
                    "`@uniqueItems` on a list whose items are not comparable exactly",
                    "it on a list of integers, booleans, strings, characters or enums",
                ));
            }
            // Linear time is still too long for a large pattern on a long text.
            let longest = rules.pattern.as_ref().and_then(|pattern| pattern.longest_text());
            if let Some(longest) = longest.filter(|longest| rules.max_length.is_none_or(|max| max > *longest)) {
                findings.problems.push(Defect::new(
                    item,
                    format!("a large pattern without a `@maxLength` of at most {longest}"),
                    "a `@maxLength` beside it, or a smaller pattern; a match takes time for each character of text and of pattern",
                ));
            }
            findings.problems.extend(
                rules.contradiction().map(|found| Defect::new(item, found, "bounds that some value can satisfy")),
            );
        }
        let texts = keywords.default.iter_mut().chain(&mut keywords.examples);
        for text in texts {
            let Some(ty) = ty else {
                let found = format!("the value `{text}` on a case without one");
                findings.problems.push(Defect::new(item, found, "a case with a payload"));
                continue;
            };
            match literal::as_json(ty, text) {
                Some(json) => *text = json.into(),
                None => findings.problems.push(Defect::new(
                    item,
                    format!("`{text}`, which is not JSON"),
                    "a value as JSON; a string needs no quotes",
                )),
            }
        }
    }
}

impl Keywords {
    /// The keywords that are no rules.
    fn other(&mut self, name: &str, text: &str, subject: Subject) -> Result<(), (String, String)> {
        let empty =
            |expected: &str| if text.is_empty() { Err(("nothing".into(), expected.to_owned())) } else { Ok(()) };
        let twice = |is_there: bool| if is_there { Err(("it twice".into(), "it once".into())) } else { Ok(()) };
        match name {
            "default" => {
                empty("a value as JSON")?;
                twice(self.default.is_some())?;
                self.default = Some(text.into());
            }
            "example" => {
                empty("a value as JSON")?;
                self.examples.push(text.into());
            }
            "deprecated" => self.is_deprecated = true,
            "status" => {
                twice(self.status.is_some())?;
                let range = if subject == Subject::Function { 200..300 } else { 400..600 };
                let status = text.parse().ok().filter(|status| range.contains(status));
                self.status = Some(status.ok_or_else(|| {
                    (format!("`{text}`"), format!("a number from {} to {}", range.start, range.end - 1))
                })?);
            }
            "tag" => {
                empty("the name of a tag")?;
                self.tags.push(text.to_owned());
            }
            "json" => {
                twice(self.casing.is_some())?;
                let expected = || Casing::ALL.map(|casing| format!("`{casing}`")).join(", ");
                let casing =
                    Casing::from_str(text).map_err(|_| (format!("`{text}`"), format!("one of {}", expected())))?;
                self.casing = Some(casing);
            }
            "query" => {
                let mut words = text.split_ascii_whitespace();
                let (Some(param), None) = (words.next(), words.next()) else {
                    return Err((format!("`{text}`"), "a parameter, such as `@query dry-run`".into()));
                };
                self.queries.push(param.to_owned());
            }
            _ => {
                let mut words = text.split_ascii_whitespace();
                let (Some(header), Some(param), None) = (words.next(), words.next(), words.next()) else {
                    return Err((
                        format!("`{text}`"),
                        "a header and a parameter, such as `@header x-user user`".into(),
                    ));
                };
                self.headers.push((header.to_ascii_lowercase(), param.to_owned()));
            }
        }
        Ok(())
    }
}

impl Rules {
    /// Sets the rule of that name.
    fn keyword(&mut self, name: &str, text: &str) -> Result<(), (String, String)> {
        let found = || if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") };
        let bound = || {
            let bound = Bound::parse(text);
            bound.ok_or_else(|| {
                (found(), "a number as JSON writes it, of at most 15 digits unless it is an integer".into())
            })
        };
        let count =
            || text.parse::<u32>().map(u64::from).map_err(|_| (found(), "a whole number below 2^32".to_owned()));
        let is_new = match name {
            "minimum" => self.minimum.replace(bound()?).is_none(),
            "maximum" => self.maximum.replace(bound()?).is_none(),
            "exclusiveMinimum" => self.exclusive_minimum.replace(bound()?).is_none(),
            "exclusiveMaximum" => self.exclusive_maximum.replace(bound()?).is_none(),
            "multipleOf" => {
                let unit = bound()?;
                if number::compare(&unit.text(), "0").is_le() {
                    return Err((found(), "a number greater than 0".into()));
                }
                self.multiple_of.replace(unit).is_none()
            }
            "minLength" => self.min_length.replace(count()?).is_none(),
            "maxLength" => self.max_length.replace(count()?).is_none(),
            "minItems" => self.min_items.replace(count()?).is_none(),
            "maxItems" => self.max_items.replace(count()?).is_none(),
            "minProperties" => self.min_properties.replace(count()?).is_none(),
            "maxProperties" => self.max_properties.replace(count()?).is_none(),
            "uniqueItems" => {
                if !text.is_empty() {
                    return Err((found(), "the keyword alone".into()));
                }
                !std::mem::replace(&mut self.unique_items, true)
            }
            "pattern" => {
                let pattern = TextPattern::compile(text).map_err(|why| (found(), why))?;
                self.pattern.replace(pattern).is_none()
            }
            _ => {
                let known = || Format::ALL.map(Format::name).join(", ");
                let format = Format::parse(text).ok_or_else(|| (found(), format!("one of {}", known())))?;
                self.format.replace(format).is_none()
            }
        };
        if is_new { Ok(()) } else { Err(("it twice".into(), "it once".into())) }
    }

    /// Two bounds that no value is within.
    fn contradiction(&self) -> Option<String> {
        let above = |min: &Option<Bound>, max: &Option<Bound>| {
            let (min, max) = (min.as_ref()?.text(), max.as_ref()?.text());
            number::compare(&min, &max).is_gt().then(|| format!("a minimum of {min} and a maximum of {max}"))
        };
        let more = |min: Option<u64>, max: Option<u64>| {
            let (min, max) = (min?, max?);
            (min > max).then(|| format!("at least {min} and at most {max} of them"))
        };
        above(&self.minimum, &self.maximum)
            .or_else(|| above(&self.exclusive_minimum, &self.maximum))
            .or_else(|| above(&self.minimum, &self.exclusive_maximum))
            .or_else(|| above(&self.exclusive_minimum, &self.exclusive_maximum))
            .or_else(|| more(self.min_length, self.max_length))
            .or_else(|| more(self.min_items, self.max_items))
            .or_else(|| more(self.min_properties, self.max_properties))
    }
}

impl Subject {
    fn describe(self) -> &'static str {
        match self {
            Package => "a package",
            Interface => "an interface",
            Function => "a function",
            Param => "a parameter (`@param`)",
            TypeSubject => "a type",
            Field => "a member of a record",
            Case => "a case",
        }
    }
}

/// A keyword that nobody knows, with the nearest one that somebody does.
fn unknown(item: &str, name: &str) -> String {
    let similar = |known: &str| strsim::jaro_winkler(&known.to_ascii_lowercase(), &name.to_ascii_lowercase());
    let nearest = KNOWN.iter().map(|(known, ..)| *known).max_by(|a, b| similar(a).total_cmp(&similar(b)));
    let nearest = nearest.filter(|known| similar(known) > 0.75).map(|known| format!("; the nearest is `@{known}`"));
    let name: String = name.chars().take(60).collect();
    format!("{item}: the keyword `@{name}` is not known and is left out{}", nearest.unwrap_or_default())
}

/// Whether equal items are the same JSON: what may be left out, rounded or ordered otherwise is no such item.
fn has_comparable_items(ty: &Type) -> bool {
    let Type::List(item) = ty.in_option() else { return false };
    item.is_scalar() && !matches!(item.resolved(), Type::Scalar(Scalar::F32 | Scalar::F64))
}
