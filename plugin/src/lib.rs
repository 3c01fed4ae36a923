//! The Mertscope plugin: host glue and views on top of [`mertscope_engine`].
//!
//! Empty for now, and there to keep the direction of dependencies: the plugin will call the engine,
//! never the other way round, and nothing in here will compute music.
