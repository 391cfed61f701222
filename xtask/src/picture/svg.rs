//! The picture: one row per hart, plain SVG, colours that show on light and on dark.

use std::fmt::Write as _;

use antler_facts::Leave;

use super::scene::{Row, Scene, Span};

/// Sizes in pixels.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 106.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 44.0;
const ROW: f64 = 30.0;
const PITCH: f64 = 62.0;

/// Arrows of one kind that are drawn at most; beyond that they would only cover each other.
const ARROWS: usize = 400;

/// Spans narrower than this that touch each other are drawn as one.
const NARROW: f64 = 0.6;

/// Widths of a span from which its task's number fits.
const LABEL: f64 = 15.0;

/// Text, axis and idle line.
const INK: &str = "#768390";
const STEAL: &str = "#d1343c";
const RING: &str = "#3d8bd4";

/// Colours of tasks, by pool slot.
const TASKS: [&str; 9] =
    ["#4a86c5", "#d08a35", "#4f9e63", "#b3628f", "#7d70bd", "#a8912f", "#38979a", "#bb6a55", "#6c8a3c"];

fn why(why: Option<Leave>) -> &'static str {
    match why {
        None => "ran to the end of the picture",
        Some(Leave::Yield) => "yielded",
        Some(Leave::Preempt) => "was preempted",
        Some(Leave::Block) => "went to wait",
        Some(Leave::Exit) => "ended",
        Some(Leave::Offline) => "left with its CPU",
    }
}

/// Where things are.
struct Plane {
    from: u64,
    scale: f64,
}

impl Plane {
    fn x(&self, time: u64) -> f64 {
        (LEFT + time.saturating_sub(self.from) as f64 * self.scale).min(WIDTH - RIGHT)
    }

    /// Top edge of a row.
    fn y(row: usize) -> f64 {
        TOP + row as f64 * PITCH
    }

    /// An arrow's ends, on the edges of two rows that face each other.
    fn edges(from: usize, to: usize) -> (f64, f64) {
        match from < to {
            true => (Plane::y(from) + ROW, Plane::y(to) - 1.0),
            false => (Plane::y(from), Plane::y(to) + ROW + 1.0),
        }
    }
}

/// The whole SVG.
pub fn draw(scene: &Scene) -> String {
    let plane =
        Plane { from: scene.from, scale: (WIDTH - LEFT - RIGHT) / (scene.to - scene.from).max(1) as f64 };
    let bottom = Plane::y(scene.rows.len()) - (PITCH - ROW) + 12.0;
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         font-family=\"ui-sans-serif,system-ui,sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <title>{} spans of {} tasks on {} harts</title>\n\
         <defs>{}{}</defs>",
        bottom + 36.0,
        scene.spans(),
        scene.tasks(),
        scene.rows.len(),
        marker("steal", STEAL, 7.0),
        marker("ring", RING, 5.0)
    );
    legend(&mut svg, scene);
    axis(&mut svg, &plane, scene, bottom);
    for (at, row) in scene.rows.iter().enumerate() {
        draw_row(&mut svg, &plane, at, row);
    }
    arrows(&mut svg, &plane, scene);
    svg.push_str("</svg>\n");
    svg
}

fn marker(id: &str, colour: &str, size: f64) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"{size}\" markerHeight=\"{size}\" \
         markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"{colour}\"/></marker>"
    )
}

fn legend(svg: &mut String, scene: &Scene) {
    let _ = writeln!(
        svg,
        "<g transform=\"translate({LEFT} 18)\">\
         <rect y=\"-10\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/><rect x=\"14\" y=\"-10\" width=\"12\" \
         height=\"12\" rx=\"2\" fill=\"{}\"/><text x=\"32\">a task runs (number: its slot)</text>\
         <path d=\"M222 -4h26\" stroke=\"{INK}\" stroke-dasharray=\"2 3\"/><text x=\"254\">idle, in WFI</text>\
         <path d=\"M348 -4h26\" stroke=\"{STEAL}\" stroke-width=\"1.8\" marker-end=\"url(#steal)\"/>\
         <text x=\"380\">steal, victim to thief ({})</text>\
         <path d=\"M566 -4h26\" stroke=\"{RING}\" marker-end=\"url(#ring)\"/>\
         <text x=\"598\">IPI, rung to seen ({})</text></g>",
        TASKS[0],
        TASKS[1],
        scene.steals.len(),
        scene.rings.len()
    );
}

/// The largest of 1, 2, 5 times a power of ten, in ns, that leaves about ten ticks.
fn tick(span: u64) -> u64 {
    let mut step = 1;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if step as f64 * 12.0 >= span as f64 {
            break;
        }
        step = (step as f64 * factor) as u64;
    }
    step
}

fn axis(svg: &mut String, plane: &Plane, scene: &Scene, bottom: f64) {
    let step = tick(scene.to - scene.from);
    let (unit, name) = if scene.to - scene.from < 2_000_000 { (1e3, "µs") } else { (1e6, "ms") };
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {bottom:.0}H{}\" stroke=\"{INK}\" stroke-width=\".8\"/>",
        WIDTH - RIGHT
    );
    let mut at = 0;
    while scene.from + at <= scene.to {
        let x = plane.x(scene.from + at);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {TOP:.0}V{:.0}\" stroke=\"{INK}\" stroke-width=\".5\" opacity=\".35\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{} {name}</text>",
            bottom + 4.0,
            bottom + 19.0,
            at as f64 / unit
        );
        at += step;
    }
}

fn draw_row(svg: &mut String, plane: &Plane, at: usize, row: &Row) {
    let (y, middle) = (Plane::y(at), Plane::y(at) + ROW / 2.0);
    let _ = writeln!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
        LEFT - 10.0,
        middle + 4.0,
        row.name
    );
    for &(from, to) in &row.idle {
        let (from, to) = (plane.x(from), plane.x(to));
        if to - from >= NARROW {
            let _ = writeln!(
                svg,
                "<path d=\"M{from:.1} {middle:.0}H{to:.1}\" stroke=\"{INK}\" stroke-dasharray=\"2 3\"/>"
            );
        }
    }
    let mut rest = &row.spans[..];
    while let Some((first, mut tail)) = rest.split_first() {
        let (from, mut to) = (plane.x(first.from), plane.x(first.to));
        let mut several = 1;
        while let Some((next, behind)) = tail.split_first().filter(|_| to - from < NARROW) {
            let (begin, end) = (plane.x(next.from), plane.x(next.to));
            if begin - to > NARROW || end - begin >= NARROW {
                break;
            }
            (to, tail, several) = (end, behind, several + 1);
        }
        draw_span(svg, first, (from, to.max(from + NARROW), y), several);
        rest = tail;
    }
}

fn draw_span(svg: &mut String, span: &Span, (from, to, y): (f64, f64, f64), several: usize) {
    let slot = span.task.0 as u32;
    let colour = TASKS[slot as usize % TASKS.len()];
    let title = match several {
        1 => format!(
            "task {slot} ({}): {:.3} ms, then {}",
            span.class,
            (span.to - span.from) as f64 / 1e6,
            why(span.why)
        ),
        count => format!("{count} short spans, of task {slot} first"),
    };
    let _ = writeln!(
        svg,
        "<rect x=\"{from:.1}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"{ROW:.0}\" rx=\"{}\" fill=\"{colour}\">\
         <title>{title}</title></rect>",
        to - from,
        if to - from > 6.0 { 2 } else { 0 }
    );
    if to - from >= LABEL {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#fff\">{slot}</text>",
            (from + to) / 2.0,
            y + ROW / 2.0 + 4.0
        );
    }
}

fn arrows(svg: &mut String, plane: &Plane, scene: &Scene) {
    for ring in scene.rings.iter().filter(|ring| ring.sender != ring.target).take(ARROWS) {
        let (from, to) = Plane::edges(ring.sender, ring.target);
        let _ = writeln!(
            svg,
            "<path d=\"M{:.1} {from:.0}L{:.1} {to:.0}\" stroke=\"{RING}\" stroke-width=\".9\" opacity=\".85\" \
             marker-end=\"url(#ring)\"><title>IPI from {} to {}, seen after {:.0} µs</title></path>",
            plane.x(ring.rung),
            plane.x(ring.seen),
            scene.rows[ring.sender].name,
            scene.rows[ring.target].name,
            ring.seen.saturating_sub(ring.rung) as f64 / 1e3
        );
    }
    for steal in scene.steals.iter().take(ARROWS) {
        let (from, to) = Plane::edges(steal.victim, steal.thief);
        let x = plane.x(steal.at);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {from:.0}V{to:.0}\" stroke=\"{STEAL}\" stroke-width=\"1.8\" marker-end=\"url(#steal)\">\
             <title>{} takes {} tasks from {}</title></path>",
            scene.rows[steal.thief].name, steal.count, scene.rows[steal.victim].name
        );
    }
}
