//! The figures as people read them.

use std::path::Path;

use antler_report::grouped;
use anyhow::Context as _;

use super::figures::{Figure, Figures};
use super::peers::PEERS;

/// The row that the kernel itself states.
pub const BOOT: &str = "boot";

/// Where the table stands among words.
const DOCUMENT: &str = "docs/performance.md";
const BEGIN: &str = "<!-- figures:begin -->";
const END: &str = "<!-- figures:end -->";

/// What the kernel says of its boot, if the line is that.
pub fn boot(line: &str, harts: u16, doorbells: &str) -> Option<Figure> {
    let count = line
        .strip_prefix("antler: ")?
        .strip_suffix(" instructions from firmware's hand-over to all CPUs scheduling")?;
    let count = count.parse().ok()?;
    Some(Figure {
        row: BOOT.into(),
        harts,
        doorbells: doorbells.into(),
        tasks: 0,
        per: 1,
        samples: 1,
        p50: count,
        worst: count,
    })
}

fn rows(figures: &Figures) -> Vec<[String; 6]> {
    let row = |figure: &Figure| {
        [
            figure.row.clone(),
            figure.harts.to_string(),
            figure.doorbells.clone(),
            figure.tasks.to_string(),
            figure.each(figure.p50).to_string(),
            figure.each(figure.worst).to_string(),
        ]
    };
    figures.figures.iter().map(row).collect()
}

/// Prints every figure.
pub fn print(figures: &Figures) {
    say!(
        "{:18} {:>5} {:>9} {:>6} {:>10} {:>10}  instructions",
        "",
        "harts",
        "doorbells",
        "beside",
        "p50",
        "worst"
    );
    for [row, harts, doorbells, tasks, p50, worst] in rows(figures) {
        say!("{row:18} {harts:>5} {doorbells:>9} {tasks:>6} {p50:>10} {worst:>10}");
    }
}

/// The rows that others were measured by, too.
fn beside_others(figures: &Figures) -> String {
    let mut table = String::from(
        "\n\n| operation | Antler | aimed at | Zephyr 3.4, one CPU / SMP build | Linux 6.12 | xv6 |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for peer in &PEERS {
        let same = |figure: &&Figure| {
            (figure.row.as_str(), figure.doorbells.as_str(), figure.harts, figure.tasks)
                == (peer.row, peer.doorbells, peer.harts, 0)
        };
        let Some(figure) = figures.figures.iter().find(same) else { continue };
        let machine = match peer.harts {
            1 => String::new(),
            harts => format!(", {harts} harts, {}", peer.doorbells),
        };
        let (ours, aim) = (grouped(figure.each(figure.p50), ','), grouped(peer.aim, ','));
        table += &format!(
            "| {}{machine} | {ours} | {aim} | {} | {} | {} |\n",
            peer.row, peer.zephyr, peer.linux, peer.xv6
        );
    }
    table
}

/// Puts the tables into the document.
pub fn write(figures: &Figures, root: &Path) -> anyhow::Result<()> {
    let path = root.join(DOCUMENT);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let (before, rest) =
        text.split_once(BEGIN).with_context(|| format!("{DOCUMENT}: no line is `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{DOCUMENT}: no line is `{END}`"))?;
    let mut table = beside_others(figures);
    table += "\n## Against tasks and harts\n";
    table += "\n| operation | harts | doorbells | tasks beside | p50 | worst |\n| --- | ---: | --- | ---: | ---: | ---: |\n";
    for cells in rows(figures) {
        table += &format!("| {} |\n", cells.join(" | "));
    }
    std::fs::write(&path, format!("{before}{BEGIN}{table}\n{END}{after}"))
        .with_context(|| format!("cannot write {DOCUMENT}"))
}
