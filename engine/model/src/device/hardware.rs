//! The names of processors and graphics cards, without the help of another program.

use ort::device::Device;
use ort::memory::DeviceType;

use super::native;
use super::provider::ProcessorKind;

/// The main processor's name, such as `AMD EPYC 7B13`, or else its architecture.
pub(super) fn processor() -> String {
    brand().unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

#[cfg(target_arch = "x86_64")]
fn brand() -> Option<String> {
    use std::arch::x86_64::__cpuid;

    /// The highest extended leaf, and the three that hold the name (Intel SDM vol. 2, CPUID).
    const HIGHEST: u32 = 0x8000_0000;
    const NAME: std::ops::RangeInclusive<u32> = 0x8000_0002..=0x8000_0004;

    if __cpuid(HIGHEST).eax < *NAME.end() {
        return None;
    }
    let bytes: Vec<u8> = NAME
        .flat_map(|leaf| {
            let part = __cpuid(leaf);
            [part.eax, part.ebx, part.ecx, part.edx]
        })
        .flat_map(u32::to_le_bytes)
        .take_while(|byte| *byte != 0)
        .collect();
    let name = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = name.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(not(target_arch = "x86_64"))]
fn brand() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("model name") || line.starts_with("Model"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The name of the NVIDIA graphics card with this index, such as `NVIDIA H100 PCIe`. Only the driver
/// for Linux publishes it.
pub(super) fn nvidia(index: u32) -> Option<String> {
    let cards = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    let mut cards: Vec<_> = cards.filter_map(|card| Some(card.ok()?.path())).collect();
    cards.sort();
    let text = std::fs::read_to_string(cards.get(index as usize)?.join("information")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Model:"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The version of the drivers: those in the kernel, and NVIDIA's. `None` on systems that do not tell.
pub(super) fn driver() -> Option<String> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let nvidia = std::fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default();
    let nvidia = nvidia.lines().next().unwrap_or_default();
    Some(format!("{} {nvidia}", kernel.trim()))
}

/// The name of a device that ONNX Runtime lists.
pub(super) fn listed(device: &Device<'_>) -> String {
    let hardware = device.hardware_device();
    if let Some(description) = native::description(device) {
        return description;
    }
    let kind = match hardware.ty() {
        DeviceType::CPU => return processor(),
        DeviceType::GPU => "GPU",
        DeviceType::NPU => "NPU",
        _ => "device",
    };
    let vendor = hardware.vendor().unwrap_or_default();
    format!("{vendor} {kind}").trim().to_owned()
}

/// The kind of a device that ONNX Runtime lists.
pub(super) fn unit(device: &Device<'_>) -> ProcessorKind {
    match device.hardware_device().ty() {
        DeviceType::CPU => ProcessorKind::Cpu,
        _ => ProcessorKind::Gpu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_a_name_without_padding() {
        let name = processor();
        assert!(
            !name.is_empty() && name.trim() == name && !name.contains('\0'),
            "{name:?}"
        );
        // The system's own list names the same.
        if let Ok(text) = std::fs::read_to_string("/proc/cpuinfo")
            && cfg!(target_arch = "x86_64")
        {
            assert!(text.contains(&name), "{name}");
        }
    }
}
