//! Text from the guest may hold anything. It becomes part of the page in these two ways only.

/// Text for an element's content or a quoted attribute. Control characters become visible, since some of them no HTML
/// may hold.
pub fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// JSON for the content of a `<script>` element, whose end the HTML parser finds without knowing JSON: no `<`, `>` or
/// `&` is left in it. They only ever stand inside strings, where an escape means the same.
pub fn json(text: &str) -> String {
    text.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "</script><script>alert('1')</script><!--&\" \u{0}\u{2028}]]>";

    #[test]
    fn no_markup_survives() {
        let safe = html(NASTY);
        assert!(!safe.contains(['<', '>', '"', '\'', '\0']), "{safe}");
        assert_eq!(html("a < b && \"c\""), "a &lt; b &amp;&amp; &quot;c&quot;");
    }

    #[test]
    fn json_means_the_same_and_cannot_end_its_script() {
        let text = serde_json::to_string(NASTY).unwrap();
        let safe = json(&text);
        assert!(!safe.contains(['<', '>', '&']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), NASTY);
    }
}
