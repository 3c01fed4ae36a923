//! Key and genre of a file, then the key window by window.
//!
//! `cargo run --release -p mertscope-engine --example analyze_file -- song.flac`

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mertscope_engine::{AnalyzeOptions, Analyzer, Decoder, ModelPackage, runtime};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file] = arguments.as_slice() else {
        eprintln!("usage: analyze_file FILE");
        return ExitCode::from(2);
    };
    if let Err(error) = analyze(file) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn analyze(file: &str) -> Result<(), Box<dyn Error>> {
    let decoder = Decoder::open(Path::new(file))?;
    let package = Arc::new(ModelPackage::embedded()?);
    let analyzer = Analyzer::new(runtime::load(None)?, package, AnalyzeOptions::default())?;
    let analysis = analyzer.analyze(decoder, file, &mut |_done_s, _promised_s| {})?;

    println!("{file}: {:.1} s", analysis.duration_s);
    for notice in &analysis.notices {
        println!("note: {}", notice.text);
    }
    if let Some(summary) = analysis.timeline.summary() {
        if let Some(key) = summary.key {
            let (best, probability) = key.answer.best;
            println!("key: {best} ({:.0} %)", probability * 100.0);
        }
        for (genre, probability) in summary.genre.iter().take(3) {
            println!("genre: {genre} ({:.0} %)", probability * 100.0);
        }
    }
    for window in &analysis.timeline.results {
        let key = window.result.as_ref().and_then(|result| result.key_label());
        let key = key.map_or_else(|| "–".to_owned(), |key| key.to_string());
        println!("{:6.1} s to {:6.1} s: {key}", window.start_s, window.end_s);
    }
    Ok(())
}
