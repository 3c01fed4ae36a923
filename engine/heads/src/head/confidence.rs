//! The field `confidence` of a head's file, such as
//! `{"time_s":15,"live":{"scale":1.5,"named":0.7,"kept":0.5,"pair":0.6},"file":{…}}`; for keys also
//! `"context":{"kernel":[2 lists of 4 lists of 12 numbers],"bias":[2 numbers]}`, see [`Context`].

use mertscope_music::{Confidence, Context, Shown};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fields {
    time_s: f64,
    context: Option<ContextFields>,
    live: ShownFields,
    file: ShownFields,
}

#[derive(Deserialize)]
struct ContextFields {
    kernel: [[[f32; 12]; 4]; 2],
    bias: [f32; 2],
}

#[derive(Deserialize)]
struct ShownFields {
    scale: f64,
    named: f32,
    kept: f32,
    pair: f32,
}

/// Reads the field; the error is a phrase with the reason.
pub(super) fn parse(text: &str) -> Result<Confidence, String> {
    let fields: Fields = serde_json::from_str(text)
        .map_err(|error| format!("its “confidence” can't be read: {error}"))?;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    if !positive(fields.time_s) {
        return Err("the time constant of its “confidence” is not a positive number".to_owned());
    }
    let shown = |of: &ShownFields| {
        if !positive(of.scale) {
            return Err("a scale of its “confidence” is not a positive number".to_owned());
        }
        if [of.named, of.kept, of.pair]
            .iter()
            .any(|p| !(0.0..=1.0).contains(p))
        {
            return Err("a limit of its “confidence” is not a probability".to_owned());
        }
        Ok(Shown {
            scale: of.scale,
            named: of.named,
            kept: of.kept,
            pair: of.pair,
        })
    };
    Ok(Confidence {
        time_s: fields.time_s,
        context: fields.context.map(context).transpose()?,
        live: shown(&fields.live)?,
        file: shown(&fields.file)?,
    })
}

fn context(of: ContextFields) -> Result<Context, String> {
    let mut weights = of.kernel.as_flattened().as_flattened().iter();
    if !weights.all(|w| w.is_finite()) || !of.bias.iter().all(|b| b.is_finite()) {
        return Err("a weight of its “confidence” is not a number".to_owned());
    }
    Ok(Context {
        kernel: of.kernel,
        bias: of.bias,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"time_s":15,"live":{"scale":1.5,"named":0.75,"kept":0.625,"pair":0.5},"file":{"scale":2,"named":0.5,"kept":0.5,"pair":0.25}}"#;

    #[test]
    fn the_constants_are_read_and_checked() {
        let confidence = parse(GOOD).unwrap();
        assert_eq!((confidence.time_s, confidence.live.scale), (15.0, 1.5));
        assert_eq!((confidence.file.named, confidence.file.pair), (0.5, 0.25));
        for (good, bad) in [
            ("15", "0"),
            ("15", "-1"),
            ("1.5,", "-1.5,"),
            ("0.75", "1.75"),
            ("0.625", "6.25"),
            ("0.25", "-0.25"),
            ("\"file\"", "\"fil\""),
            ("2", "\"two\""),
        ] {
            let damaged = GOOD.replacen(good, bad, 1);
            assert!(
                parse(&damaged).unwrap_err().contains("“confidence”"),
                "{damaged}"
            );
        }
    }

    #[test]
    fn the_weights_of_a_context_are_read_and_checked() {
        let rows = format!("[{}]", ["0.5"; 12].join(","));
        let mode = format!("[{}]", [rows.as_str(); 4].join(","));
        let context = format!(r#"{{"context":{{"kernel":[{mode},{mode}],"bias":[0.25,-1]}},"#);
        let text = GOOD.replacen('{', &context, 1);
        let found = parse(&text).unwrap().context.unwrap();
        assert_eq!((found.kernel[1][3][11], found.bias), (0.5, [0.25, -1.0]));
        assert!(parse(GOOD).unwrap().context.is_none());
        for (good, bad) in [("[0.5,", "["), ("0.25,", "1e99,"), ("[0.25", "[\"x\"")] {
            let damaged = text.replacen(good, bad, 1);
            assert!(
                parse(&damaged).unwrap_err().contains("“confidence”"),
                "{damaged}"
            );
        }
    }
}
