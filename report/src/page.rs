//! The page: one HTML file with everything in it.

use std::fmt::Write as _;

use crate::assets::{SCRIPTS, STYLES};
use crate::run::Run;
use crate::scene::Scene;
use crate::{data, escape, parts};

/// What a browser may load for this page: nothing but what is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'none'";

/// The icon of the tab.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M16 \
    29V17M16 20C9 20 6 15 6 5M7.500 13C4 12 3 9 3 7M16 20c7 0 10-5 10-15M24.500 13C28 12 29 9 29 7' fill='none' \
    stroke='%23COLOUR' stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E";

/// Writes a run as one self-contained HTML file.
pub fn html(run: &Run) -> String {
    let scene = Scene::new(run);
    let mut page = String::new();
    let (verdict, colour) = if run.verdict.green { ("green", "1a7f4b") } else { ("red", "b42318") };
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\" data-verdict=\"{verdict}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"{}\">\n<title>{}: Antler proof {verdict}</title>\n<style>\n{}</style>\n</head>\n",
        ICON.replace("COLOUR", colour),
        escape::html(&run.verdict.configuration),
        STYLES.concat(),
    );
    page.push_str("<body>\n<a class=\"skip\" href=\"#timeline\">To the timeline</a>\n");
    parts::header(&mut page, run, &scene);
    page.push_str("<main>\n");
    parts::side(&mut page, run, &scene);
    page.push_str(parts::WORK);
    page.push_str("</main>\n<div id=\"tip\" role=\"tooltip\" hidden></div>\n");
    let json = escape::json(&data::json(run, &scene).to_string());
    let _ = writeln!(page, "<script type=\"application/json\" id=\"data\">{json}</script>");
    for block in data::blocks(&scene) {
        let _ = writeln!(
            page,
            "<script type=\"application/octet-stream\" id=\"block-{}\">{}</script>",
            block.name, block.text
        );
    }
    let _ = write!(
        page,
        "<script>\n'use strict';\n(() => {{\n{}}})();\n</script>\n</body>\n</html>\n",
        SCRIPTS.concat()
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_the_guest_prints_cannot_become_markup() {
        let mut run = testing::run();
        run.programs = vec!["</script><img src=x onerror=alert(1)>".to_owned()];
        run.verdict.repeat = "x \"'><script>alert(2)</script>".to_owned();
        let page = html(&run);
        assert!(
            !page.contains("alert(1)</script>")
                && !page.contains("<img")
                && !page.contains("<b>the doorbell")
        );
        assert!(page.contains("&lt;b&gt;the doorbell&lt;/b&gt;"));
        // Data, seven blocks, the script: nothing else opens or closes one.
        assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (9, 9));
    }

    #[test]
    fn it_asks_for_nothing_from_outside() {
        let page = html(&testing::run());
        assert!(page.contains("default-src 'none'"));
        for (at, _) in page.match_indices("http") {
            let rest = &page[at..];
            let known = ["http-equiv", "http://www.w3.org/2000/svg"];
            assert!(known.iter().any(|known| rest.starts_with(known)), "{}", &rest[..40.min(rest.len())]);
        }
    }

    #[test]
    fn the_verdict_is_the_judges() {
        let mut run = testing::run();
        assert!(html(&run).contains("data-verdict=\"red\""));
        run.verdict.green = true;
        assert!(html(&run).contains("data-verdict=\"green\""));
    }
}
