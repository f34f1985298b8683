//! Named values in the order in which they are told, as text for people or JSON for machines.
//!
//! Invariants:
//! - Both forms say the same.
//! - Text holds no control characters: what stands in a log never steers the terminal it is shown on.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Where lines of text are broken, in characters.
const WIDTH: usize = 110;

/// Values with their names, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(Cow<'static, str>, Value)>);

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing is there.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A count, number or position.
    Number(u64),
    /// Minor units of a balance.
    Signed(i64),
    /// A text.
    Text(String),
    /// A text that is not shown, with its length in characters.
    Masked(usize),
    /// Several values.
    List(Vec<Value>),
    /// Named values.
    Fields(Fields),
}

impl Fields {
    /// Adds a value.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Adds a value if there is one.
    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds all values of another list behind those of this one.
    pub(crate) fn and(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self
    }

    /// The counts and numbers among the values, with their names.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().filter_map(|(name, value)| {
            let Value::Number(number) = value else { return None };
            Some((&**name, *number))
        })
    }

    /// Writes `label` and the values behind it, in as many lines as they need; named values inside follow on
    /// lines of their own, two columns further in.
    pub(crate) fn write_text(&self, out: &mut dyn Write, indent: usize, label: &str) -> io::Result<()> {
        let mut line = format!("{:indent$}{label}", "");
        let mut width = line.chars().count();
        for (name, value) in &self.0 {
            let mut token = format!("  {name}=");
            if !value.append_text(&mut token) {
                continue;
            }
            let token_width = token.chars().count();
            if width + token_width > WIDTH {
                writeln!(out, "{line}")?;
                line = format!("{:indent$}  ", "");
                width = indent + 2;
            }
            line.push_str(&token);
            width += token_width;
        }
        writeln!(out, "{line}")?;
        for (name, value) in &self.0 {
            if let Value::Fields(fields) = value {
                fields.write_text(out, indent + 2, name)?;
            }
        }
        Ok(())
    }

    /// Writes one JSON object, without a line end.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut separator = "{";
        for (name, value) in &self.0 {
            write!(out, "{separator}")?;
            serde_json::to_writer(&mut *out, name)?;
            write!(out, ":")?;
            value.write_json(out)?;
            separator = ",";
        }
        write!(out, "{}", if self.0.is_empty() { "{}" } else { "}" })
    }
}

impl Value {
    /// Appends the value as it stands in a line of text, unless it needs lines of its own.
    fn append_text(&self, line: &mut String) -> bool {
        match self {
            Self::Null => line.push('-'),
            Self::Flag(flag) => line.push_str(if *flag { "yes" } else { "no" }),
            Self::Number(number) => write!(line, "{number}").expect("a string takes all"),
            Self::Signed(number) => write!(line, "{number}").expect("a string takes all"),
            Self::Text(text) if is_plain(text) => line.push_str(text),
            Self::Text(text) => write!(line, "{text:?}").expect("a string takes all"),
            Self::Masked(length) => write!(line, "({length} characters)").expect("a string takes all"),
            Self::List(values) => {
                line.push('[');
                for (index, value) in values.iter().enumerate() {
                    line.push_str(if index > 0 { ", " } else { "" });
                    value.append_text(line);
                }
                line.push(']');
            }
            Self::Fields(_) => return false,
        }
        true
    }

    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Null => write!(out, "null"),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Signed(number) => write!(out, "{number}"),
            Self::Text(text) => Ok(serde_json::to_writer(out, text)?),
            Self::Masked(length) => write!(out, "{{\"masked_characters\":{length}}}"),
            Self::List(values) => {
                write!(out, "[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(out, "{}", if index > 0 { "," } else { "" })?;
                    value.write_json(out)?;
                }
                write!(out, "]")
            }
            Self::Fields(fields) => fields.write_json(out),
        }
    }
}

/// Whether a text needs no quotes to be told from what stands around it.
fn is_plain(text: &str) -> bool {
    let plain = |character: char| character.is_alphanumeric() || "-_.:/+…".contains(character);
    !text.is_empty() && text.chars().all(plain)
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u8> for Value {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Number(u64::try_from(count).expect("a count in memory fits 64 bits"))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Signed(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Fields {
        Fields::default()
            .with("batch", 4_u64)
            .with("path", "a \"b\"\u{1b}[31m")
            .with("none", Value::Null)
            .with("name", Value::Masked(12))
            .with("list", vec![Value::from("x"), Value::from(-5_i64)])
            .with("inside", Fields::default().with("flag", true))
            .with("empty", Fields::default())
    }

    #[test]
    fn text_is_one_line_with_named_values_below() {
        let mut out = Vec::new();
        sample().write_text(&mut out, 2, "record").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "  record  batch=4  path=\"a \\\"b\\\"\\u{1b}[31m\"  none=-  name=(12 characters)  list=[x, -5]\n    \
             inside  flag=yes\n    empty\n"
        );
    }

    #[test]
    fn long_lines_are_broken_between_values() {
        let mut out = Vec::new();
        let hash = "0".repeat(64);
        let fields = Fields::default().with("one", hash.as_str()).with("two", hash.as_str());
        fields.write_text(&mut out, 0, "frame").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("frame  one={hash}\n    two={hash}\n"));
    }

    #[test]
    fn json_reads_back() {
        let mut out = Vec::new();
        sample().write_json(&mut out).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["path"], "a \"b\"\u{1b}[31m");
        assert_eq!(value["name"]["masked_characters"], 12);
        assert_eq!(value["list"][1], -5);
        assert_eq!(value["inside"]["flag"], true);
        assert!(value["none"].is_null() && value["empty"].is_object());
    }
}
