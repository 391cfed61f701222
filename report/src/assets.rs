//! The page's style and script, as they lie in `assets/`.

/// The style sheets, in order.
pub const STYLES: [&str; 3] = [
    include_str!("../assets/base.css"),
    include_str!("../assets/layout.css"),
    include_str!("../assets/panels.css"),
];

/// The script: its files share one scope, and stand in the order in which they use each other.
pub const SCRIPTS: [&str; 14] = [
    include_str!("../assets/base.js"),
    include_str!("../assets/facts.js"),
    include_str!("../assets/scene.js"),
    include_str!("../assets/view.js"),
    include_str!("../assets/colours.js"),
    include_str!("../assets/rows.js"),
    include_str!("../assets/arrows.js"),
    include_str!("../assets/timeline.js"),
    include_str!("../assets/overview.js"),
    include_str!("../assets/select.js"),
    include_str!("../assets/table.js"),
    include_str!("../assets/search.js"),
    include_str!("../assets/panels.js"),
    include_str!("../assets/input.js"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_them_ends_its_element_or_asks_the_network() {
        for text in STYLES.iter().chain(&SCRIPTS) {
            for word in ["</script", "</style", "<!--", "http:", "https:", "@import", "url(", "fetch("] {
                assert!(!text.contains(word), "{word}");
            }
        }
    }
}
