//! L-BFGS: finds the minimum of a smooth function of many values (Nocedal and Wright, Numerical
//! Optimization, algorithms 7.4 and 7.5), with a backtracking line search.
//!
//! Our own, since the crates for it bring random-number generators and unmaintained macros into
//! the plugin, for a page of vector arithmetic.

use std::collections::VecDeque;

/// Pairs of steps and gradient changes that the curvature is estimated from.
const MEMORY: usize = 10;
/// Armijo's constant: a step must bring this share of the decrease that the slope promises.
const ENOUGH: f64 = 1e-4;
/// The search ends when no partial derivative exceeds this, or when a step gains less than
/// [`GAIN`] of the value.
const SETTLED: f64 = 1e-5;
const GAIN: f64 = 1e-7;

/// A function that gives its value and gradient at a point.
pub(super) type Function<'a> = dyn Fn(&[f64]) -> (f64, Vec<f64>) + 'a;

/// The point at which `function` is lowest, searched from `start` in at most `steps` steps.
/// Deterministic.
pub(super) fn minimize(function: &Function<'_>, start: Vec<f64>, steps: usize) -> Vec<f64> {
    let mut x = start;
    let (mut value, mut gradient) = function(&x);
    let mut pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for _ in 0..steps {
        if gradient.iter().all(|g| g.abs() < SETTLED) {
            break;
        }
        let direction = direction(&gradient, &pairs);
        let slope = dot(&direction, &gradient);
        if slope >= 0.0 || !slope.is_finite() {
            // The curvature is of no use here; steepest descent is the next step.
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        }
        // Without curvature the length of a step is unknown: at most 1 in all.
        let mut length = if pairs.is_empty() {
            (1.0 / dot(&gradient, &gradient).sqrt()).min(1.0)
        } else {
            1.0
        };
        let found = (0..30).find_map(|_| {
            let there: Vec<f64> = x
                .iter()
                .zip(&direction)
                .map(|(x, d)| x + length * d)
                .collect();
            let (value_there, gradient_there) = function(&there);
            let fits = value_there <= value + ENOUGH * length * slope;
            length *= 0.5;
            fits.then_some((there, value_there, gradient_there))
        });
        let Some((there, value_there, gradient_there)) = found else {
            break;
        };
        let step = minus(&there, &x);
        let change = minus(&gradient_there, &gradient);
        let curvature = dot(&step, &change);
        if curvature > 1e-12 {
            pairs.push_back((step, change, curvature));
            if pairs.len() > MEMORY {
                pairs.pop_front();
            }
        }
        let gained = value - value_there;
        (x, value, gradient) = (there, value_there, gradient_there);
        if gained <= GAIN * value.abs() {
            break;
        }
    }
    x
}

/// The two-loop recursion.
fn direction(gradient: &[f64], pairs: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut along = Vec::with_capacity(pairs.len());
    for (step, change, curvature) in pairs.iter().rev() {
        let alpha = dot(step, &q) / curvature;
        add(&mut q, -alpha, change);
        along.push(alpha);
    }
    if let Some((_, change, curvature)) = pairs.back() {
        let scale = curvature / dot(change, change);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((step, change, curvature), alpha) in pairs.iter().zip(along.iter().rev()) {
        let beta = dot(change, &q) / curvature;
        add(&mut q, alpha - beta, step);
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(to: &mut [f64], factor: f64, values: &[f64]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_rosenbrocks_valley_is_found() {
        let valley = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let value = a * a + 100.0 * b * b;
            (value, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
        };
        let found = minimize(&valley, vec![-1.2, 1.0], 500);
        assert!(
            (found[0] - 1.0).abs() < 1e-3 && (found[1] - 1.0).abs() < 1e-3,
            "{found:?}"
        );
    }

    #[test]
    fn a_quadratic_of_unlike_scales_is_solved() {
        let scales: Vec<f64> = (0..50).map(|n| 1.0 + f64::from(n) * 20.0).collect();
        let bowl = |x: &[f64]| {
            let value = x
                .iter()
                .zip(&scales)
                .map(|(x, s)| 0.5 * s * (x - 2.0).powi(2))
                .sum();
            (
                value,
                x.iter().zip(&scales).map(|(x, s)| s * (x - 2.0)).collect(),
            )
        };
        let found = minimize(&bowl, vec![0.0; 50], 500);
        assert!(found.iter().all(|x| (x - 2.0).abs() < 1e-3), "{found:?}");
    }

    #[test]
    fn a_nan_value_ends_the_search() {
        let broken = |x: &[f64]| (f64::NAN, vec![f64::NAN; x.len()]);
        assert_eq!(minimize(&broken, vec![1.0], 100), [1.0]);
    }
}
