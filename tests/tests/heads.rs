//! `mertscope heads` and `mertscope map` from outside: heads with known answers, and bad input.

#[path = "heads/case.rs"]
mod case;
#[path = "heads/frames.rs"]
mod frames;
#[path = "heads/map.rs"]
mod map;
#[path = "heads/recipes.rs"]
mod recipes;
#[path = "heads/training.rs"]
mod training;
