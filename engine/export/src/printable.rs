//! Text for people without what would steer a terminal or turn around the words beside it.

use std::borrow::Cow;

/// `text` on one line, with control characters and those that override the direction of writing shown as escapes: a
/// file's name must neither steer a terminal nor break or reorder a line.
///
/// ```
/// use mertscope_export::printable::printable;
///
/// assert_eq!(printable("sóng 🎵.wav"), "sóng 🎵.wav");
/// assert_eq!(printable("a\u{1b}[2J\n\u{202e}vaw"), r"a\u{1b}[2J\n\u{202e}vaw");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(is_unprintable) {
        Cow::Owned(text.chars().fold(String::new(), escape))
    } else {
        Cow::Borrowed(text)
    }
}

fn escape(mut text: String, character: char) -> String {
    if is_unprintable(character) {
        text.extend(character.escape_default());
    } else {
        text.push(character);
    }
    text
}

fn is_unprintable(character: char) -> bool {
    // The explicit formatting characters of Unicode Standard Annex 9, section 2, and the separators of lines and
    // paragraphs.
    let is_formatting = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_formatting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_escapes_and_letters_stay() {
        for (text, shown) in [
            ("Björk – Jóga.flac", "Björk – Jóga.flac"),
            ("שלום.wav", "שלום.wav"),
            ("C:\\Music\\a.wav", "C:\\Music\\a.wav"),
            ("\u{7}\t\r\u{7f}\u{9b}", r"\u{7}\t\r\u{7f}\u{9b}"),
            ("\u{2066}a\u{2069}\u{2028}", r"\u{2066}a\u{2069}\u{2028}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
