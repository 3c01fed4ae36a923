//! The software bill of materials: every part of the products with version, license and source, in
//! CycloneDX 1.5 (<https://cyclonedx.org/docs/1.5/json/>).

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::release::Release;
use crate::notices::Crate;
use crate::platform::System;

/// The document's text; equal for equal parts and times.
///
/// # Errors
/// When it can't be written as JSON.
pub(super) fn text(
    release: &Release,
    system: System,
    crates: &[Crate],
    runtime: &str,
) -> Result<String> {
    let mut components: Vec<Value> = crates.iter().map(component).collect();
    components.push(json!({
        "type": "library",
        "bom-ref": format!("pkg:pypi/onnxruntime@{runtime}"),
        "name": "onnxruntime",
        "version": runtime,
        "purl": format!("pkg:pypi/onnxruntime@{runtime}"),
        "licenses": [{"license": {"id": "MIT"}}],
    }));
    components.push(json!({
        "type": "machine-learning-model",
        "bom-ref": "embedded-model",
        "name": "embedded model",
        "description": "assets/embedded/CARD.md says what it was made from, and under which licenses",
    }));
    components.push(json!({
        "type": "file",
        "bom-ref": "font-inter",
        "name": "Inter",
        "licenses": [{"license": {"id": "OFL-1.1"}}],
    }));
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": release.epoch.iso(),
            "component": {
                "type": "application",
                "bom-ref": "mertscope",
                "name": release.name(system),
                "version": release.version,
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
            },
        },
        "components": components,
    });
    let text = serde_json::to_string_pretty(&document);
    Ok(text.context("the bill of materials is no JSON")? + "\n")
}

fn component(one: &Crate) -> Value {
    let Crate {
        name,
        version,
        license,
        source,
        ..
    } = one;
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        // `/` is the old way to write OR.
        "licenses": [{"expression": license.replace('/', " OR ")}],
    });
    if source.contains("://") {
        component["externalReferences"] = json!([{"type": "vcs", "url": source}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::super::time::Epoch;
    use super::*;

    #[test]
    fn each_part_has_a_version_a_license_and_a_name_of_its_own() {
        let release = Release {
            version: "1.2.3",
            epoch: Epoch(0),
            arch: "x86_64",
            quick: true,
        };
        let crates = [("one", "MIT/Apache-2.0"), ("two", "Zlib")].map(|(name, license)| Crate {
            name: name.into(),
            version: "0.1.0".into(),
            license: license.into(),
            source: "https://example.org".into(),
            authors: Vec::new(),
            folder: ".".into(),
        });
        let text = text(&release, System::Linux, &crates, "1.31.1").unwrap();
        let bill: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bill["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
        let parts = bill["components"].as_array().unwrap();
        assert_eq!(parts.len(), crates.len() + 3);
        assert_eq!(parts[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let mut names: Vec<_> = parts
            .iter()
            .map(|part| part["bom-ref"].to_string())
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), parts.len());
    }
}
