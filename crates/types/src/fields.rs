//! Lists of tagged fields: how texts are stored in a frame's personal section.
//!
//! A field is a tag (one byte), a length (16 bits, little-endian) and bytes. Tags ascend; a tag repeats only
//! where the list's own rule says so. What a tag means is said where it is written and read.

/// Why bytes are not such a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A field runs past the end.
    #[error("a field of the texts is cut short")]
    Cut,
    /// Tags are not in ascending order, or one is not known.
    #[error("tag {0} does not belong at its place in the texts")]
    Tag(u8),
    /// A field's value breaks the rule of its element.
    #[error("the field with tag {0} breaks its rule")]
    Value(u8),
    /// A mandatory field is absent.
    #[error("the field with tag {0} is missing")]
    Missing(u8),
}

/// Appends fields to bytes.
#[derive(Debug, Default)]
pub struct FieldWriter {
    /// What has been written so far.
    pub bytes: Vec<u8>,
}

impl FieldWriter {
    /// Appends one field.
    pub fn field(&mut self, tag: u8, value: &[u8]) {
        let length = u16::try_from(value.len()).expect("every element is bounded far below 64 KiB");
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(value);
    }
}

/// Reads fields front to back; a field is taken if it is the next one.
#[derive(Clone, Debug)]
pub struct FieldReader<'bytes> {
    rest: &'bytes [u8],
}

impl<'bytes> FieldReader<'bytes> {
    /// Checks the outline first: lengths, and tags that ascend except where `repeats` allows.
    pub fn new(bytes: &'bytes [u8], repeats: impl Fn(u8) -> bool) -> Result<Self, FieldError> {
        let mut outline = Self { rest: bytes };
        let mut last = 0;
        while let Some((tag, _)) = outline.peek()? {
            if tag < last || (tag == last && !repeats(tag)) {
                return Err(FieldError::Tag(tag));
            }
            last = tag;
            outline.take(tag)?;
        }
        Ok(Self { rest: bytes })
    }

    fn peek(&self) -> Result<Option<(u8, &'bytes [u8])>, FieldError> {
        match self.rest {
            [] => Ok(None),
            [tag, low, high, value @ ..] => {
                let length = usize::from(u16::from_le_bytes([*low, *high]));
                Ok(Some((*tag, value.get(..length).ok_or(FieldError::Cut)?)))
            }
            _ => Err(FieldError::Cut),
        }
    }

    /// The value of the last field of a list, if it has this tag.
    ///
    /// # Errors
    /// If a field is cut short.
    pub fn last(bytes: &'bytes [u8], tag: u8) -> Result<Option<&'bytes [u8]>, FieldError> {
        let mut fields = Self { rest: bytes };
        let mut last = None;
        while let Some((next, _)) = fields.peek()? {
            last = fields.take(next)?.filter(|_| next == tag);
        }
        Ok(last)
    }

    /// The value of the next field, if it has this tag.
    pub fn take(&mut self, tag: u8) -> Result<Option<&'bytes [u8]>, FieldError> {
        match self.peek()? {
            Some((next, value)) if next == tag => {
                self.rest = &self.rest[3 + value.len()..];
                Ok(Some(value))
            }
            _ => Ok(None),
        }
    }

    /// The value of the next field as text, if it has this tag.
    pub fn utf8(&mut self, tag: u8) -> Result<Option<&'bytes str>, FieldError> {
        let value = self.take(tag)?;
        value.map(|value| std::str::from_utf8(value).map_err(|_| FieldError::Value(tag))).transpose()
    }

    /// Succeeds if nothing is left.
    pub fn finish(self) -> Result<(), FieldError> {
        match self.peek()? {
            Some((tag, _)) => Err(FieldError::Tag(tag)),
            None => Ok(()),
        }
    }
}
