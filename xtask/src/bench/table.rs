//! The table of figures.

/// A line of the table.
pub(crate) struct Row {
    pub what: String,
    pub figure: String,
    /// The figure's variation, or its parts.
    pub spread: String,
    /// The aim; empty when there is none.
    pub aim: &'static str,
}

/// The rows in columns as wide as their content, under a header.
pub(crate) fn render(rows: &[Row]) -> String {
    let header = ["figure", "measured", "spread", "aim"];
    let cells = |row: &Row| {
        [
            row.what.clone(),
            row.figure.clone(),
            row.spread.clone(),
            row.aim.to_owned(),
        ]
    };
    let lines: Vec<[String; 4]> = std::iter::once(header.map(str::to_owned))
        .chain(rows.iter().map(cells))
        .collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (what, figure, spread) = (width(0), width(1), width(2));
    let mut text: Vec<String> = lines
        .iter()
        .map(|[a, b, c, d]| {
            format!("{a:what$}  {b:>figure$}  {c:spread$}  {d}")
                .trim_end()
                .to_owned()
        })
        .collect();
    text.insert(
        1,
        "─".repeat(
            text.iter()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0),
        ),
    );
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |what: &str, figure: &str| Row {
            what: what.into(),
            figure: figure.into(),
            spread: "p10–p90".into(),
            aim: "≤ 1 s",
        };
        let text = render(&[row("start", "0.4 s"), row("a longer one", "12.0 ms")]);
        let starts: Vec<usize> = text
            .lines()
            .skip(2)
            .filter_map(|line| line.chars().position(|letter| letter == '≤'))
            .collect();
        assert_eq!(starts.len(), 2);
        assert_eq!(starts[0], starts[1], "{text}");
    }
}
