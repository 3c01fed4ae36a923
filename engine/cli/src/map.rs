//! `mertscope map`: fits, shows and removes the map on which views place music.

use std::collections::{BTreeMap, BTreeSet};

use mertscope_heads::head::{LayerInput, Reads};
use mertscope_heads::map::{Directions, Map, MapData};
use mertscope_heads::mean::mean_of_vectors;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::user_store::{MAP, StoredKind, UserStore};
use mertscope_model::catalogue;

use crate::arguments::{MapCommand, MapFitArguments, ModelArguments};
use crate::files;
use crate::labeled::{self, LabeledMusic};
use crate::{load, log, write_out};

/// Runs the command.
pub(crate) fn run(command: &MapCommand) -> anyhow::Result<bool> {
    match command {
        MapCommand::Fit(arguments) => fit(arguments),
        MapCommand::Info { model } => info(model),
        MapCommand::Remove { model } => remove(model),
    }
}

fn fit(arguments: &MapFitArguments) -> anyhow::Result<bool> {
    let (files, mut notices) = labeled::find(&arguments.data)?;
    let (runtime, package) = load(&arguments.model)?;
    let layer = arguments
        .layer
        .map_or_else(|| default_layer(&package), Ok)?;
    let count = package.model.manifest.layers.len();
    anyhow::ensure!(
        layer < count,
        "The model {} has no layer {layer}: its layers are 0 to {}.",
        package.model.manifest.id,
        count - 1
    );
    let music = labeled::embed(
        files,
        &arguments.data,
        runtime,
        &package,
        Reads::Window,
        &arguments.model,
    )?;
    notices.extend(music.left_out.iter().cloned());
    notices.iter().for_each(|notice| log(notice));
    let (points, labels) = points(&music, layer);
    let fitted_on = arguments.describe.clone().unwrap_or_else(|| {
        let name = arguments.data.data.file_name().unwrap_or_default();
        let files = music.examples.len();
        let windows = points.len();
        format!("{} ({files} files, {windows} windows)", name.display())
    });
    let map = Map::fit(&MapData {
        layer,
        encoder_sha256: package.sha256(),
        points: &points,
        labels: &labels,
        landmarks: &landmarks(&music, layer),
        fitted_on: &fitted_on,
    })?;
    let path = match &arguments.out {
        Some(path) => {
            files::write("map", path, &map.to_bytes())?;
            path.clone()
        }
        None => {
            let store = UserStore::of(StoredKind::Maps, &package.model.manifest)?;
            store.put(MAP, &map.to_bytes())?.path
        }
    };
    write_out(|out| describe(out, &package, &map))?;
    log(&format!("The map is in {}.", path.display()));
    Ok(notices.is_empty())
}

/// The windows' hidden states, and each one's place in the sorted list of labels.
fn points(music: &LabeledMusic, layer: usize) -> (Vec<Vec<f32>>, Vec<Option<usize>>) {
    let labels = music.examples.iter().map(|e| e.file.label.as_str());
    let labels: BTreeSet<&str> = labels.filter(|label| !label.is_empty()).collect();
    let windows = music.examples.iter().flat_map(|example| {
        let label = labels.iter().position(|label| *label == example.file.label);
        let windows = example.embeddings.windows.iter();
        windows.map(move |window| (window.layer(layer).to_vec(), label))
    });
    windows.unzip()
}

/// The mean of each label's files, by label; files without a label belong to none.
fn landmarks(music: &LabeledMusic, layer: usize) -> Vec<(String, Vec<f32>)> {
    let mut files: BTreeMap<&str, Vec<Vec<f32>>> = BTreeMap::new();
    for example in music.examples.iter().filter(|e| !e.file.label.is_empty()) {
        let mean = example.embeddings.mean().layer(layer).to_vec();
        files.entry(&example.file.label).or_default().push(mean);
    }
    files
        .into_iter()
        .map(|(label, means)| {
            let mean = mean_of_vectors(means.iter().map(Vec::as_slice));
            (label.to_owned(), mean)
        })
        .collect()
}

/// The layer that the genre head reads, else the one that the catalogue names, else one somewhat above
/// the middle, which in most models distinguishes music best.
fn default_layer(package: &ModelPackage) -> anyhow::Result<usize> {
    if let Some(LayerInput::One(layer)) = package.head("genre").map(|head| &head.input) {
        return Ok(*layer);
    }
    let entry = catalogue::find(&package.model.manifest.id)?;
    let above_middle = package.model.manifest.layers.len() * 7 / 13;
    Ok(entry.map_or(above_middle, |entry| entry.default_layer))
}

fn info(arguments: &ModelArguments) -> anyhow::Result<bool> {
    let package = ModelPackage::find(arguments.model.as_deref())?;
    let Some(map) = &package.map else {
        log(&format!(
            "The model {} has no map yet. Fit one with `mertscope map fit --data FOLDER --model \
             {}`.",
            package.model.manifest.id,
            arguments
                .model
                .as_deref()
                .unwrap_or(&package.model.manifest.id)
        ));
        return Ok(false);
    };
    write_out(|out| describe(out, &package, map))
}

fn remove(arguments: &ModelArguments) -> anyhow::Result<bool> {
    let package = ModelPackage::find(arguments.model.as_deref())?;
    let id = &package.model.manifest.id;
    let removed = UserStore::of(StoredKind::Maps, &package.model.manifest)?.remove(MAP)?;
    log(&if removed {
        format!("Your map for the model {id} is removed.")
    } else {
        format!("You have no map of your own for the model {id}; there is nothing to remove.")
    });
    Ok(removed)
}

fn describe(out: &mut dyn std::io::Write, package: &ModelPackage, map: &Map) -> anyhow::Result<()> {
    let name = package.model.manifest.layers.get(map.layer);
    let name = name.map_or("", |layer| layer.name.as_str());
    let [x, y] = map.explained_variance.map(|share| share * 100.0);
    writeln!(out, "map of {}", package.model.manifest.id)?;
    writeln!(out, "  layer      {} {name}", map.layer)?;
    let of = match map.directions {
        Directions::Variance => "the variance",
        Directions::Labels => "what sets the labels apart",
    };
    writeln!(
        out,
        "  explains   {x:.1} % across and {y:.1} % up of {of}, {:.1} % together",
        x + y
    )?;
    writeln!(out, "  fitted on  {}", map.fitted_on)?;
    for landmark in &map.landmarks {
        let [x, y] = landmark.at;
        writeln!(out, "  {x:7.2} {y:7.2}  {}", landmark.label)?;
    }
    Ok(())
}
