//! `PaymentCodeService`: payment codes (EPC069-12) written and read. The codes themselves are the crate `qr`.
//!
//! Invariants:
//! - An image is read on a thread that may take its time, and no more of them at once than the limit says: one more is refused
//!   rather than kept waiting with its megabytes.
//! - A caller that goes away gives its place back when its image has been read, not before.

mod values;

use std::sync::Arc;

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::payment_code_service_server::PaymentCodeService;
use client::v1::read_payment_code_request::Source;
use qr::{ImageLimits, PaymentCode, ReadError, Symbol, read_png};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{invalid, too_many_images, unanswered};

use self::values::{field_of, read_code, wire_code, wire_set};

#[derive(Debug)]
pub(crate) struct PaymentCodes(pub(crate) Node);

#[tonic::async_trait]
impl PaymentCodeService for PaymentCodes {
    async fn write_payment_code(
        &self,
        request: Request<v1::WritePaymentCodeRequest>,
    ) -> Result<Response<v1::WritePaymentCodeResponse>, Status> {
        Caller::of(&request)?;
        let wire = request.into_inner();
        Ok(Response::new(written(&wire).map_err(invalid)?))
    }

    async fn read_payment_code(
        &self,
        request: Request<v1::ReadPaymentCodeRequest>,
    ) -> Result<Response<v1::ReadPaymentCodeResponse>, Status> {
        Caller::of(&request)?;
        let (field, read) = match request.into_inner().source {
            None => return Err(fault_in("text", "give a text, a payload or an image")),
            Some(Source::Text(text)) => {
                ("text", PaymentCode::parse_text(&text).map_err(|fault| fault.to_string()))
            }
            Some(Source::Payload(bytes)) => {
                ("payload", PaymentCode::parse(&bytes).map_err(|fault| fault.to_string()))
            }
            Some(Source::Png(png)) => ("png", self.read_image(png).await?.map_err(|fault| fault.to_string())),
        };
        let code = read.map_err(|fault| fault_in(field, &fault))?;
        Ok(Response::new(v1::ReadPaymentCodeResponse { code: Some(wire_code(&code)) }))
    }
}

impl PaymentCodes {
    async fn read_image(&self, png: Vec<u8>) -> Result<Result<PaymentCode, ReadError>, Status> {
        let place = Arc::clone(&self.0.image_readings).try_acquire_owned();
        let place = place.map_err(|_| too_many_images().into_status())?;
        let read = tokio::task::spawn_blocking(move || {
            let read = read_png(&png, ImageLimits::MESSAGE);
            drop(place);
            read
        });
        read.await.map_err(|_| unanswered())
    }
}

fn written(
    wire: &v1::WritePaymentCodeRequest,
) -> Result<v1::WritePaymentCodeResponse, Vec<v1::FieldViolation>> {
    let mut reader = FieldReader::new();
    let code_path = Path::root("code");
    let image = v1::PaymentCodeImage::try_from(wire.image);
    if image.is_err() {
        reader.violation(&Path::root("image"), "this form of an image is not known");
    }
    let code = reader.message(&code_path, wire.code.as_ref());
    let code = code.and_then(|wire| read_code(&mut reader, &code_path, wire));
    let (mut code, fits) = reader.finish(code)?;
    let payload = if fits { code.write_in_fitting_set() } else { code.write() };
    let payload = payload.map_err(|fault| {
        let mut reader = FieldReader::new();
        match field_of(&fault) {
            Some(field) => reader.violation(&code_path.field(field), fault),
            None => reader.violation(&code_path, fault),
        }
        reader.finish::<()>(None).expect_err("a fault was noted")
    })?;
    let symbol = Symbol::of(&payload);
    let image = match image.expect("a form that is not known has ended this") {
        v1::PaymentCodeImage::Unspecified => Vec::new(),
        v1::PaymentCodeImage::Svg => symbol.to_svg().into_bytes(),
        v1::PaymentCodeImage::Png => symbol.to_png(),
    };
    Ok(v1::WritePaymentCodeResponse {
        text: payload.as_text().to_owned(),
        payload: payload.as_bytes().to_vec(),
        character_set: wire_set(code.character_set).into(),
        symbol_version: symbol.version().into(),
        image,
    })
}

fn fault_in(field: &'static str, description: &str) -> Status {
    let mut reader = FieldReader::new();
    reader.violation(&Path::root(field), description);
    invalid(reader.finish::<()>(None).expect_err("a fault was noted"))
}
