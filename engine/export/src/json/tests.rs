//! The JSON outputs validated by their schema.

use mertscope_assets::ANALYZE_SCHEMA as SCHEMA;
use serde_json::Value;

use super::*;
use crate::sample;
use mertscope_audio::Status;

fn document(run: &AnalysisRun, reports: &[FileReport]) -> Value {
    let mut out = Vec::new();
    let mut writer = JsonWriter::new(&mut out, run).unwrap();
    for report in reports {
        writer.write(report).unwrap();
    }
    writer.finish().unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn line(run: &AnalysisRun, report: &FileReport) -> Value {
    let mut out = Vec::new();
    let mut writer = JsonWriter::lines(&mut out, run);
    writer.write(report).unwrap();
    writer.finish().unwrap();
    assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1);
    serde_json::from_slice(&out).unwrap()
}

/// The violations of the schema in `instance`; empty when it is valid.
fn violations(definition: &str, instance: &Value) -> Vec<String> {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    if !definition.is_empty() {
        schema =
            serde_json::json!({"$ref": format!("#/$defs/{definition}"), "$defs": schema["$defs"]});
    }
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator
        .iter_errors(instance)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

#[test]
fn the_schema_is_itself_valid() {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
}

#[test]
fn every_kind_of_file_is_valid_in_one_document_and_line_by_line() {
    let reports = sample::all();
    let run = sample::run();
    let document = document(&run, &reports);
    assert_eq!(violations("", &document), [""; 0]);
    assert_eq!(document["files"].as_array().unwrap().len(), reports.len());
    for (report, file) in reports.iter().zip(document["files"].as_array().unwrap()) {
        let line = line(&run, report);
        assert_eq!(violations("line", &line), [""; 0]);
        assert_eq!(line["timeline"], file["timeline"]);
        assert_eq!(line["model"], document["model"]);
    }
}

#[test]
fn a_run_without_files_and_one_without_heads_are_valid() {
    let run = sample::run();
    assert_eq!(violations("", &document(&run, &[])), [""; 0]);
    let bare = AnalysisRun {
        heads: Vec::new(),
        further: Vec::new(),
        references: Vec::new(),
        ..run
    };
    let report = sample::without_heads();
    let document = document(&bare, &[report]);
    assert_eq!(violations("", &document), [""; 0]);
    let summary = &document["files"][0]["summary"];
    assert_eq!(summary["key"], Value::Null);
    assert_eq!(summary["genre"], serde_json::json!([]));
}

#[test]
fn the_schema_refuses_what_the_command_never_writes() {
    let good = line(&sample::run(), &sample::modulating());
    for (pointer, wrong) in [
        ("/version", serde_json::json!(2)),
        ("/timeline/0/status", serde_json::json!("fine")),
        ("/timeline/0/key_label", serde_json::json!("H minor")),
        ("/timeline/0/key/C major", serde_json::json!(1.5)),
        ("/summary/key/camelot", serde_json::json!("13A")),
        ("/timeline/0/map", serde_json::json!([1.0])),
        ("/timeline/0/tuning/cents", serde_json::json!(51)),
        ("/summary/tuning/certainty", serde_json::json!(1.5)),
        (
            "/timeline/0/distances/cdcdcdcdcdcdcdcd",
            serde_json::json!(-0.5),
        ),
        ("/timeline/0/further/mood/calm", serde_json::json!("2")),
        ("/timeline/0/ribbons/mood/step_s", serde_json::json!(0)),
        ("/further_heads/0/outputs", serde_json::json!("softmax")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert_ne!(violations("line", &bad), [""; 0], "{pointer}");
    }
}

#[test]
fn errors_and_silence_have_no_summary() {
    let run = sample::run();
    let failed = line(&run, &sample::failed());
    assert!(failed["error"].as_str().unwrap().ends_with('.'));
    assert_eq!(failed["summary"], Value::Null);
    assert_eq!(failed["timeline"], serde_json::json!([]));
    let silent = line(&run, &sample::silent());
    assert_eq!(silent.get("error"), None);
    assert_eq!(silent["summary"], Value::Null);
    assert_eq!(silent["timeline"][0]["status"], "silent");
    assert_eq!(silent["timeline"][0]["key"], Value::Null);
}

#[test]
fn labels_keep_the_heads_order() {
    let line = line(&sample::run(), &sample::modulating());
    let window = &line["timeline"][0];
    let keys: Vec<_> = window["key"].as_object().unwrap().keys().collect();
    assert_eq!(keys[..3], ["C major", "Db major", "D major"]);
    assert_eq!(keys[23], "B minor");
    let genres: Vec<_> = window["genre"].as_object().unwrap().keys().collect();
    assert_eq!(genres, sample::GENRES.iter().collect::<Vec<_>>());
}

#[test]
fn keys_have_their_labels() {
    let report = sample::file("sharp.wav", 20, |_| (Status::Ok, "F# minor", 0, 1.4));
    let line = line(&sample::run(), &report);
    assert_eq!(line["summary"]["key"]["best"], "Gb minor");
    assert_eq!(line["summary"]["key"]["label"], "Gb minor");
    assert_eq!(line["timeline"][19]["key_label"], "Gb minor");
    assert!(!line.to_string().contains("F# minor"));
}

#[test]
fn further_heads_the_map_and_references_are_there_by_name() {
    let line = line(&sample::run(), &sample::modulating());
    assert_eq!(line["further_heads"][0]["id"], "mood");
    assert_eq!(line["references"][0]["name"], "Last album, loud");
    let id = line["references"][0]["id"].as_str().unwrap();
    let window = &line["timeline"][0];
    assert_eq!(
        window["further"]["mood"],
        serde_json::json!({"calm": 0.25, "wild": 0.75})
    );
    assert_eq!(window["map"], serde_json::json!([0.25, -1.5]));
    assert_eq!(window["distances"][id], 0.625);
    assert_eq!(line["further_heads"][0]["outputs"], "multiclass");
    let ribbon = &window["ribbons"]["mood"];
    assert_eq!(ribbon["step_s"], 0.5);
    assert_eq!(
        ribbon["answers"][1],
        serde_json::json!({"calm": 0.5, "wild": 0.5})
    );
}

#[test]
fn nan_never_reaches_the_output() {
    let mut report = sample::modulating();
    for timed in &mut report.outcome.as_mut().unwrap().results {
        let result = timed.result.as_mut().unwrap();
        result.genre.as_mut().unwrap()[3] = f32::NAN;
        result.key.as_mut().unwrap()[0] = f32::INFINITY;
        result.key_smoothed.as_mut().unwrap()[5] = f32::NAN;
        result.others[0].1[0] = f32::NAN;
        result.distances[0].1 = f32::NAN;
        result.point = Some([f32::NAN, 0.0]);
    }
    let line = line(&sample::run(), &report);
    assert_eq!(violations("line", &line), [""; 0]);
    assert_eq!(line["timeline"][0]["genre"], Value::Null);
    assert_eq!(line["timeline"][0]["key_smoothed"], Value::Null);
    assert!(line["timeline"][0]["genre_smoothed"].is_object());
}

#[test]
fn output_that_is_stopped_half_way_is_valid_and_says_so() {
    let (run, report) = (sample::run(), sample::modulating());
    let half = |form: Form, windows: usize| {
        let mut out = Vec::new();
        let mut writer = JsonWriter::new(&mut out, &run).unwrap();
        if form == Form::Lines {
            drop(writer);
            out.clear();
            writer = JsonWriter::lines(&mut out, &run);
        }
        writer.write(&report).unwrap();
        writer.begin("half.flac").unwrap();
        for timed in &report.windows()[..windows] {
            writer.window(timed).unwrap();
        }
        writer.stop().unwrap();
        String::from_utf8(out).unwrap()
    };
    for windows in [0, 1, 5] {
        let document: Value = serde_json::from_str(&half(Form::Document, windows)).unwrap();
        assert_eq!(violations("", &document), [""; 0]);
        assert_eq!(document["interrupted"], true);
        assert_eq!(document["files"][0].get("error"), None);
        let lines = half(Form::Lines, windows);
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(violations("line", &lines[1]), [""; 0]);
        for cut in [&document["files"][1], &lines[1]] {
            assert_eq!(cut["timeline"].as_array().unwrap().len(), windows);
            assert!(cut["error"].as_str().unwrap().contains("stopped"));
            assert_eq!(cut["summary"], Value::Null);
        }
    }
}

#[test]
fn a_writer_dropped_half_way_leaves_a_valid_document() {
    let mut out = Vec::new();
    let mut writer = JsonWriter::new(&mut out, &sample::run()).unwrap();
    writer.write(&sample::modulating()).unwrap();
    drop(writer);
    let document: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(violations("", &document), [""; 0]);
    assert_eq!(document["files"].as_array().unwrap().len(), 1);
    assert_eq!(document["interrupted"], true);
}
