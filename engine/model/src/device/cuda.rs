//! The options of CUDA and TensorRT: what is passed to ONNX Runtime, and the user's wishes.
//!
//! The wishes come from the environment, so that they hold in a host as they do in the command:
//! `MERTSCOPE_CUDA_MEMORY_MB` bounds the memory of a session's arena, `MERTSCOPE_CUDA_TF32=1` allows products
//! in TF32.

use std::path::{Path, PathBuf};

/// What the user wishes for NVIDIA's GPUs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// The most memory of a session's arena on the GPU, in megabytes; `None` leaves it to ONNX Runtime.
    memory_mb: Option<u64>,
    /// Whether products in single precision may be rounded to TF32's ten bits, on cards since Ampere.
    pub(super) tf32: bool,
}

impl Wishes {
    /// The wishes in the environment. A text that is no number of megabytes counts as none.
    pub(super) fn of_environment() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let memory_mb =
            variable("MERTSCOPE_CUDA_MEMORY_MB").and_then(|text| text.trim().parse().ok());
        Self {
            memory_mb: memory_mb.filter(|mb| *mb > 0),
            tf32: variable("MERTSCOPE_CUDA_TF32").is_some_and(|text| text.trim() == "1"),
        }
    }
}

type Options = Vec<(&'static str, String)>;

/// The options of the CUDA provider (ONNX Runtime's page *CUDA Execution Provider*, section *Configuration
/// Options*).
pub(super) fn cuda(index: u32, wishes: Wishes) -> Options {
    let mut options = vec![
        ("device_id", index.to_string()),
        // The search must not delay the first window.
        ("cudnn_conv_algo_search", "HEURISTIC".to_owned()),
        // An arena that doubles takes up to twice the memory from the other programs on the card.
        ("arena_extend_strategy", "kSameAsRequested".to_owned()),
        // Single precision stays single unless the user allows less.
        ("use_tf32", u8::from(wishes.tf32).to_string()),
    ];
    if let Some(mb) = wishes.memory_mb {
        let bytes = mb.saturating_mul(1_000_000);
        options.push(("gpu_mem_limit", bytes.to_string()));
    }
    options
}

/// The options of the TensorRT provider (ONNX Runtime's page *TensorRT Execution Provider*). Engines, which
/// take minutes to build, and the timings of kernels are kept in `cache`, if there is a folder.
pub(super) fn tensor_rt(index: u32, cache: Option<&Path>) -> Options {
    let mut options = vec![("device_id", index.to_string())];
    if let Some(cache) = cache {
        let folder = cache.display().to_string();
        options.extend([
            ("trt_engine_cache_enable", "1".to_owned()),
            ("trt_engine_cache_path", folder.clone()),
            ("trt_timing_cache_enable", "1".to_owned()),
            ("trt_timing_cache_path", folder),
        ]);
    }
    options
}

/// The folder of TensorRT's engines and timings, made now; `None` when it can't be made.
pub(super) fn engine_folder() -> Option<PathBuf> {
    let folder = dirs::cache_dir()?.join("mertscope").join("tensorrt");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(options: &'a Options, key: &str) -> Option<&'a str> {
        let (_, value) = options.iter().find(|(name, _)| *name == key)?;
        Some(value)
    }

    #[test]
    fn cuda_stays_in_single_precision_and_grows_by_what_is_needed() {
        let options = cuda(1, Wishes::default());
        assert_eq!(value(&options, "device_id"), Some("1"));
        assert_eq!(value(&options, "use_tf32"), Some("0"));
        assert_eq!(
            value(&options, "arena_extend_strategy"),
            Some("kSameAsRequested")
        );
        assert_eq!(value(&options, "gpu_mem_limit"), None);
    }

    #[test]
    fn the_users_wishes_are_passed_on_and_nonsense_is_not() {
        let of = |memory: &str, tf32: &str| {
            Wishes::of(|name| match name {
                "MERTSCOPE_CUDA_MEMORY_MB" => Some(memory.to_owned()),
                "MERTSCOPE_CUDA_TF32" => Some(tf32.to_owned()),
                _ => None,
            })
        };
        let options = cuda(0, of(" 4000 ", "1"));
        assert_eq!(value(&options, "gpu_mem_limit"), Some("4000000000"));
        assert_eq!(value(&options, "use_tf32"), Some("1"));
        for nonsense in ["", "0", "-1", "four", "1e9"] {
            assert_eq!(of(nonsense, "yes"), Wishes::default(), "{nonsense}");
        }
    }

    #[test]
    fn tensor_rt_keeps_engines_and_timings_in_our_folder() {
        let options = tensor_rt(0, Some(Path::new("/cache/tensorrt")));
        for key in ["trt_engine_cache_path", "trt_timing_cache_path"] {
            assert_eq!(value(&options, key), Some("/cache/tensorrt"));
        }
        for key in ["trt_engine_cache_enable", "trt_timing_cache_enable"] {
            assert_eq!(value(&options, key), Some("1"));
        }
        assert_eq!(tensor_rt(2, None), [("device_id", "2".to_owned())]);
    }
}
