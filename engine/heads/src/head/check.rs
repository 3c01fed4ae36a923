//! Whether a head fits a model.

use super::{Head, HeadError, Outputs, Reads};
use mertscope_model::Manifest;
use mertscope_music::Key;

impl Head {
    /// Checks that the head fits a model.
    ///
    /// # Errors
    /// [`HeadError::OtherModel`] for other weights or another configuration of them, another width or number of layers, and for a
    /// weighted sum of layers that may not be mixed; [`HeadError::Invalid`] for a key head that does
    /// not name the 24 keys in order, for a genre or key head that is not multiclass, and for a tuning head
    /// that is not a vector.
    pub fn check(&self, manifest: &Manifest) -> Result<(), HeadError> {
        let mismatch = self.layer_mismatch(manifest);
        if let Some(reason) = mismatch.or_else(|| self.frame_mismatch(manifest)) {
            return Err(HeadError::OtherModel {
                path: self.path.clone(),
                model: manifest.id.clone(),
                reason,
            });
        }
        self.task_error().map_or(Ok(()), |reason| {
            Err(HeadError::Invalid {
                path: self.path.clone(),
                reason,
            })
        })
    }

    /// The difference between the model's weights and layers and those that the head reads.
    fn layer_mismatch(&self, manifest: &Manifest) -> Option<String> {
        if self.encoder_sha256 != manifest.sha256() {
            return Some(
                "it was fitted on other weights, or on the same ones in another configuration \
                 (config.json, preprocessor_config.json)"
                    .to_owned(),
            );
        }
        let width = self.hidden.as_ref().unwrap_or(&self.output).inputs();
        if width != manifest.width {
            return Some(format!(
                "it reads {width} values, the model gives {}",
                manifest.width
            ));
        }
        let layers = self.input.indices();
        if let Some(layer) = layers.iter().find(|layer| **layer >= manifest.layers.len()) {
            return Some(format!("there is no layer {layer}"));
        }
        (layers.len() > 1 && !manifest.graph.layers_mixable)
            .then(|| "it mixes layers that are not alike in this model".to_owned())
    }

    /// The difference between the model's frames and those that the head reads, if it reads any.
    fn frame_mismatch(&self, manifest: &Manifest) -> Option<String> {
        if self.reads != Reads::Frames {
            return None;
        }
        if manifest.graph.frames.is_empty() {
            return Some("it reads frames, and the model gives none".to_owned());
        }
        let fitted_on = self.metadata.get("frames_sha256").map(String::as_str);
        let differs = matches!((fitted_on, manifest.frames_sha256()), (Some(own), Some(other)) if own != other);
        differs.then(|| "it was fitted on other frames".to_owned())
    }

    /// Labels or outputs that the head's task does not allow.
    fn task_error(&self) -> Option<String> {
        if self.task == "key" && !is_key_labels(&self.labels) {
            return Some(
                "a key head names the 24 keys, C to B major and then C to B minor".to_owned(),
            );
        }
        if self.task == "tuning" && (self.outputs != Outputs::Regression || self.labels.len() != 2)
        {
            return Some(
                "a tuning head is a regression head with two outputs, the vector of the deviation"
                    .to_owned(),
            );
        }
        let one_label = ["genre", "key"].contains(&self.task.as_str());
        (one_label && self.outputs != Outputs::Multiclass).then(|| {
            format!(
                "a head of the task “{}” chooses one label, and this one is {}; give its task \
                 another name",
                self.task,
                self.outputs.name()
            )
        })
    }
}

fn is_key_labels(labels: &[String]) -> bool {
    labels.len() == Key::COUNT
        && labels
            .iter()
            .zip(Key::all())
            .all(|(label, key)| label.parse() == Ok(key))
}
