use crate::graph::Variant;
use crate::graph::tests::{cosine, outputs, session};
use crate::{LayerSet, Operators, Precision};

/// The fast form of a network with seven layers, pooled and with frames, beside single precision.
#[test]
fn thinned_frames_give_about_the_same_means_and_all_frames_where_they_are_wanted() {
    let layers = || LayerSet::of([6, 7], 13);
    let variant =
        |precision, operators, frames| Variant::new(precision, operators, frames, layers());
    let audio: Vec<f32> = (0..16_000)
        .map(|n| {
            let seconds = n as f32 / 16_000.0;
            0.3 * (2000.0 * seconds * (1.0 + seconds)).sin()
        })
        .collect();
    let run = |variant: &Variant| {
        let mut session = session("thin", variant);
        // The shortest input has one frame, which stays.
        let shortest = outputs(&mut session, variant, &audio[..400]);
        assert!(shortest.iter().flatten().all(|x| x.is_finite()));
        outputs(&mut session, variant, &audio)
    };
    let exact = run(&variant(Precision::Fp32, Operators::Fused, false));
    let fused = run(&variant(Precision::Int8Fast, Operators::Fused, false));
    let plain = run(&variant(Precision::Int8Fast, Operators::Plain, false));
    let full = run(&variant(Precision::Int8Fast, Operators::Fused, true));
    for layer in 0..2 {
        assert!(cosine(&fused[layer], &exact[layer]) > 0.99, "{layer}");
        assert!(cosine(&fused[layer], &plain[layer]) > 0.9999, "{layer}");
        // 16,000 samples are 49 frames.
        assert_eq!(full[layer].len(), 49 * fused[layer].len());
    }
    // Before layer 7 both have the mean of all frames; after it the pooled one has that of a few.
    let difference = |layer: usize| {
        let mean = |channel: usize| {
            let values = full[layer].iter().skip(channel).step_by(fused[layer].len());
            f64::from(values.sum::<f32>()) / 49.0
        };
        let channels = fused[layer].iter().enumerate();
        channels.fold(0.0f64, |most, (n, x)| {
            most.max((f64::from(*x) - mean(n)).abs())
        })
    };
    let (before, after) = (difference(0), difference(1));
    assert!(after > 4.0 * before, "{before} {after}");
}
