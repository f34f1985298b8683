//! The schema of the business application header: head.001.001.02, and its predecessor as far as they agree.

use crate::schema::{Content, Form, Group, UNBOUNDED, code, group, one, optional, repeated, text, value};
use crate::schema_common::{AGENT, PARTY};

/// Signatures are passed over: the connection says who sent a message.
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// `BusinessApplicationHeaderV02`.
pub(crate) static HEADER: Group = Group {
    choice: false,
    elements: &[
        optional("CharSet", value(Form::AnyText)),
        one("Fr", group(&HEADER_PARTY)),
        one("To", group(&HEADER_PARTY)),
        one("BizMsgIdr", text(35)),
        one("MsgDefIdr", text(35)),
        optional("BizSvc", text(35)),
        optional("MktPrctc", group(&MARKET_PRACTICE)),
        one("CreDt", value(Form::DateTime)),
        optional("BizPrcgDt", value(Form::DateTime)),
        optional("CpyDplct", code(&["CODU", "COPY", "DUPL"])),
        optional("PssblDplct", value(Form::Boolean)),
        optional("Prty", value(Form::AnyText)),
        optional("Sgntr", Content::Anything(Some(SIGNATURE))),
        repeated("Rltd", group(&RELATED_HEADER), UNBOUNDED),
    ],
};

/// `Party44Choice`.
static HEADER_PARTY: Group =
    Group { choice: true, elements: &[one("OrgId", group(&PARTY)), one("FIId", group(&AGENT))] };

/// `ImplementationSpecification1`.
static MARKET_PRACTICE: Group =
    Group { choice: false, elements: &[one("Regy", text(350)), one("Id", text(2048))] };

/// `BusinessApplicationHeader5`.
static RELATED_HEADER: Group = Group {
    choice: false,
    elements: &[
        optional("CharSet", value(Form::AnyText)),
        one("Fr", group(&HEADER_PARTY)),
        one("To", group(&HEADER_PARTY)),
        one("BizMsgIdr", text(35)),
        one("MsgDefIdr", text(35)),
        optional("BizSvc", text(35)),
        one("CreDt", value(Form::DateTime)),
        optional("CpyDplct", code(&["CODU", "COPY", "DUPL"])),
        optional("PssblDplct", value(Form::Boolean)),
        optional("Prty", value(Form::AnyText)),
        optional("Sgntr", Content::Anything(Some(SIGNATURE))),
    ],
};

/// `BusinessApplicationHeaderV01`. Its parties were described by older types, of which only the BIC is read.
pub(crate) static HEADER_1: Group = Group {
    choice: false,
    elements: &[
        optional("CharSet", value(Form::AnyText)),
        one("Fr", group(&HEADER_PARTY)),
        one("To", group(&HEADER_PARTY)),
        one("BizMsgIdr", text(35)),
        one("MsgDefIdr", text(35)),
        optional("BizSvc", text(35)),
        one("CreDt", value(Form::DateTime)),
        optional("CpyDplct", code(&["CODU", "COPY", "DUPL"])),
        optional("PssblDplct", value(Form::Boolean)),
        optional("Prty", value(Form::AnyText)),
        optional("Sgntr", Content::Anything(Some(SIGNATURE))),
        optional("Rltd", group(&RELATED_HEADER)),
    ],
};
