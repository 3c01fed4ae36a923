//! The two directions of a map.
//!
//! Labeled music: linear discriminant analysis with pairs of labels weighed by how easily they are mistaken for each
//! other (Loog, Duin and Haeb-Umbach, "Multiclass linear dimension reduction by weighted pairwise Fisher criteria",
//! 2001). Without these weights one label far from all others takes a direction for itself. The scatter within the labels
//! is shrunk toward a multiple of the identity, so that it can be inverted whatever the number of windows. A small share
//! of the variance joins in, so that two labels span a plane too. Music without labels: principal components.
//!
//! Deterministic: power iteration from a start that the data determine, and a fixed sign.

/// Power iteration ends when the direction moves less than this, or after [`MAX_STEPS`].
const SETTLED: f64 = 1e-12;
const MAX_STEPS: usize = 5_000;

/// Share of the variance in what the directions show, beside the labels.
const VARIANCE_SHARE: f64 = 0.05;

/// Share of the identity in the scatter within labels. Chosen on the embedded model's style layer and 1,248 windows: of windows
/// of held-out groups, the ten nearest on the map had the same style in .24, .27, .26 and .24 with a share of .3, .6, .8 and .995
/// (.21 on the plane of most variance).
const SHRINKAGE: f64 = 0.7;

/// Two directions across the points.
pub(super) struct Plane {
    /// The directions, `[width]` each; along each the points have a spread of 1.
    pub(super) components: [Vec<f64>; 2],
    /// Share of all that was to be shown which lies along each.
    pub(super) explained: [f64; 2],
}

/// Points around their mean.
pub(super) struct Centered {
    width: usize,
    /// `[points, width]`.
    rows: Vec<Vec<f64>>,
}

impl Centered {
    pub(super) fn new(points: &[Vec<f32>], mean: &[f64]) -> Self {
        let row = |point: &Vec<f32>| {
            let values = point.iter().zip(mean);
            values
                .map(|(value, mean)| f64::from(*value) - mean)
                .collect()
        };
        Self {
            width: mean.len(),
            rows: points.iter().map(row).collect(),
        }
    }

    /// The directions; `None` when the points span no plane. `labels` has each point's label, and is empty for
    /// music without labels.
    pub(super) fn plane(&self, labels: &[Option<usize>]) -> Option<Plane> {
        let total = self.scatter(self.rows.iter().map(|row| (row.clone(), 1.0)));
        let means = self.label_means(labels);
        if means.len() < 2 {
            let whitening = Whitening::none(self.width);
            return self.leading_two(&whitening, total);
        }
        let within = self.within(labels, &means);
        let whitening = Whitening::of(within, self.width)?;
        let means: Vec<Vec<f64>> = means
            .iter()
            .map(|(_, mean)| whitening.apply(mean))
            .collect();
        let white_rows = self.rows.iter().map(|row| (whitening.apply(row), 1.0));
        let mut shown = self.between(&means);
        let total = self.scatter(white_rows);
        let share = VARIANCE_SHARE * trace(&shown, self.width) / trace(&total, self.width);
        for (shown, total) in shown.iter_mut().zip(&total) {
            *shown += share * total;
        }
        self.leading_two(&whitening, shown)
    }

    /// The two leading directions of `shown`, which lives in whitened space, as directions across the points.
    fn leading_two(&self, whitening: &Whitening, mut shown: Vec<f64>) -> Option<Plane> {
        let all = trace(&shown, self.width);
        let (first, along) = leading(&shown, self.width)?;
        for (row, a) in shown.chunks_exact_mut(self.width).zip(&first) {
            for (value, b) in row.iter_mut().zip(&first) {
                *value -= along * a * b;
            }
        }
        // Points on one line leave nothing across it.
        let (second, across) =
            leading(&shown, self.width).filter(|(_, across)| *across > 1e-9 * along)?;
        let components = [first, second].map(|white| self.with_unit_spread(whitening.back(&white)));
        let [first, second] = components;
        Some(Plane {
            components: [first?, second?],
            explained: [along / all, across / all],
        })
    }

    /// The direction at the length that gives the points a spread of 1, its largest value positive.
    fn with_unit_spread(&self, mut direction: Vec<f64>) -> Option<Vec<f64>> {
        let along = self.rows.iter().map(|row| dot(row, &direction).powi(2));
        let spread = (along.sum::<f64>() / self.rows.len() as f64).sqrt();
        if !spread.is_finite() || spread <= 0.0 {
            return None;
        }
        let largest = direction.iter().copied();
        let largest = largest.max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        let scale = largest.signum() / spread;
        direction.iter_mut().for_each(|value| *value *= scale);
        Some(direction)
    }

    /// The mean of each label that has points, with the label.
    fn label_means(&self, labels: &[Option<usize>]) -> Vec<(usize, Vec<f64>)> {
        let count = labels.iter().flatten().max().map_or(0, |most| most + 1);
        let of_label = |label: usize| {
            let rows = self.rows.iter().zip(labels);
            let rows: Vec<&Vec<f64>> = rows
                .filter(|(_, of)| **of == Some(label))
                .map(|(row, _)| row)
                .collect();
            let mean = |n: usize| rows.iter().map(|row| row[n]).sum::<f64>() / rows.len() as f64;
            (!rows.is_empty()).then(|| (label, (0..self.width).map(mean).collect()))
        };
        (0..count).filter_map(of_label).collect()
    }

    /// The scatter of points around the mean of their label, each label of equal weight.
    fn within(&self, labels: &[Option<usize>], means: &[(usize, Vec<f64>)]) -> Vec<f64> {
        let count = |label| labels.iter().filter(|of| **of == Some(label)).count() as f64;
        let rows = means.iter().flat_map(|(label, mean)| {
            let weight = 1.0 / count(*label);
            let rows = self.rows.iter().zip(labels);
            let rows = rows.filter(move |(_, of)| **of == Some(*label));
            rows.map(move |(row, _)| (difference(row, mean), weight))
        });
        self.scatter(rows)
    }

    /// The scatter between labels in whitened space: of each pair the difference, by its weight.
    fn between(&self, means: &[Vec<f64>]) -> Vec<f64> {
        let pairs = (0..means.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let rows = pairs.map(|(a, b)| {
            let apart = difference(&means[a], &means[b]);
            let squared = dot(&apart, &apart).max(f64::MIN_POSITIVE);
            (apart, confusion(squared.sqrt()) / squared)
        });
        self.scatter(rows)
    }

    /// The weighted mean of the rows' outer products, `[width, width]`.
    fn scatter(&self, rows: impl Iterator<Item = (Vec<f64>, f64)>) -> Vec<f64> {
        let (mut sum, mut weights) = (vec![0.0; self.width * self.width], 0.0);
        for (row, weight) in rows {
            weights += weight;
            for (sum, a) in sum.chunks_exact_mut(self.width).zip(&row) {
                for (sum, b) in sum.iter_mut().zip(&row) {
                    *sum += weight * a * b;
                }
            }
        }
        sum.iter_mut().for_each(|value| *value /= weights);
        sum
    }
}

/// The weight of a pair of labels at a distance of `apart` spreads: the share of right answers between them beyond chance,
/// erf(apart / 2√2) / 2.
fn confusion(apart: f64) -> f64 {
    let x = apart / 8f64.sqrt();
    // Abramowitz and Stegun, “Handbook of Mathematical Functions”, 7.1.26; its error is below 1.5e-7.
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let polynomial = series.iter().fold(0.0, |sum, c| (sum + c) * t);
    (1.0 - polynomial * (-x * x).exp()) / 2.0
}

/// The change of coordinates that makes the scatter within labels the identity: by the inverse of its Cholesky factor.
struct Whitening {
    width: usize,
    /// The lower triangle `[width, width]`; `None` leaves coordinates as they are.
    factor: Option<Vec<f64>>,
}

impl Whitening {
    const fn none(width: usize) -> Self {
        Self {
            width,
            factor: None,
        }
    }

    /// Of a scatter, shrunk. `None` when all points of each label are equal.
    fn of(mut scatter: Vec<f64>, width: usize) -> Option<Self> {
        let mean = trace(&scatter, width) / width as f64;
        scatter
            .iter_mut()
            .for_each(|value| *value *= 1.0 - SHRINKAGE);
        (0..width).for_each(|n| scatter[n * width + n] += SHRINKAGE * mean);
        let factor = Some(cholesky(scatter, width)?);
        Some(Self { width, factor })
    }

    /// A point in whitened coordinates.
    fn apply(&self, point: &[f64]) -> Vec<f64> {
        let mut solved = point.to_vec();
        let Some(factor) = &self.factor else {
            return solved;
        };
        for n in 0..self.width {
            let row = &factor[n * self.width..][..n];
            let known = dot(row, &solved[..n]);
            solved[n] = (solved[n] - known) / factor[n * self.width + n];
        }
        solved
    }

    /// The direction across points that is `white` across whitened points.
    fn back(&self, white: &[f64]) -> Vec<f64> {
        let mut solved = white.to_vec();
        let Some(factor) = &self.factor else {
            return solved;
        };
        for n in (0..self.width).rev() {
            let below = n + 1..self.width;
            let known: f64 = below.map(|m| factor[m * self.width + n] * solved[m]).sum();
            solved[n] = (solved[n] - known) / factor[n * self.width + n];
        }
        solved
    }
}

/// The lower Cholesky factor of a symmetric `[width, width]` matrix; `None` when it is not positive definite.
fn cholesky(mut matrix: Vec<f64>, width: usize) -> Option<Vec<f64>> {
    for column in 0..width {
        let (above, from) = matrix.split_at_mut(column * width);
        let row = &mut from[..width];
        for n in 0..column {
            let known = dot(&row[..n], &above[n * width..][..n]);
            row[n] = (row[n] - known) / above[n * width + n];
        }
        let rest = row[column] - dot(&row[..column], &row[..column]);
        if !rest.is_finite() || rest <= 0.0 {
            return None;
        }
        row[column] = rest.sqrt();
    }
    Some(matrix)
}

fn trace(matrix: &[f64], width: usize) -> f64 {
    (0..width).map(|n| matrix[n * width + n]).sum()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// The leading eigenvector of a symmetric `[width, width]` matrix, of length 1, and its eigenvalue; `None` when the
/// matrix is all zeros.
fn leading(matrix: &[f64], width: usize) -> Option<(Vec<f64>, f64)> {
    // The row with the largest diagonal value does not stay orthogonal to the eigenvector.
    let start = (0..width).max_by(|a, b| {
        let diagonal = |n: &usize| matrix[n * width + n];
        diagonal(a).total_cmp(&diagonal(b))
    })?;
    let mut vector = matrix[start * width..][..width].to_vec();
    let mut length = normalize(&mut vector)?;
    for _ in 0..MAX_STEPS {
        let mut next: Vec<f64> = matrix
            .chunks_exact(width)
            .map(|row| dot(row, &vector))
            .collect();
        length = normalize(&mut next)?;
        let moved: f64 = next.iter().zip(&vector).map(|(a, b)| (a - b).powi(2)).sum();
        vector = next;
        if moved < SETTLED * SETTLED {
            break;
        }
    }
    Some((vector, length))
}

/// Scales a vector to length 1 and returns its length before; `None` for a zero vector.
fn normalize(vector: &mut [f64]) -> Option<f64> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length.is_nan() || length <= 1e-12 {
        return None;
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Some(length)
}
