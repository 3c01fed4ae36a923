//! Statistics of a set of measurements: quantiles, which a single slow run does not change much.

/// The median and the spread around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantiles {
    pub p10: f64,
    pub median: f64,
    pub p90: f64,
}

impl Quantiles {
    /// The quantiles of measurements, none of them NaN; without measurements they are NaN.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            p10: quantile(&sorted, 0.1),
            median: quantile(&sorted, 0.5),
            p90: quantile(&sorted, 0.9),
        }
    }
}

/// Linear between neighbors (type 7 of Hyndman and Fan 1996, NumPy's default).
fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = fraction * last as f64;
    let below = position.floor();
    let (low, high) = (sorted[below as usize], sorted[position.ceil() as usize]);
    low + (high - low) * (position - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([5, 1, 4, 2, 3, 10], [.1, .5, .9]) is [1.5, 3.5, 7.5].
        let found = Quantiles::of(&[5.0, 1.0, 4.0, 2.0, 3.0, 10.0]);
        assert_eq!(
            found,
            Quantiles {
                p10: 1.5,
                median: 3.5,
                p90: 7.5
            }
        );
        assert_eq!(
            Quantiles::of(&[7.0]),
            Quantiles {
                p10: 7.0,
                median: 7.0,
                p90: 7.0
            }
        );
        assert!(Quantiles::of(&[]).median.is_nan());
    }
}
