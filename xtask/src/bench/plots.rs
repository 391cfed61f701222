//! What a figure costs against the number of tasks, and of harts: two pictures.

use std::path::Path;

use anyhow::Context as _;
use plotters::prelude::*;

use super::figures::{Figure, Figures};
use super::plan;
use super::table::BOOT;

const SIZE: (u32, u32) = (960, 540);

/// A line: its name, and what it costs at each size.
type Line = (String, Vec<(f64, f64)>);

/// Writes `tasks.svg` and `harts.svg` into the folder.
pub fn write(figures: &Figures, folder: &Path) -> anyhow::Result<()> {
    let tasks = |row: &str| line(figures, row, "sbi", |figure| (figure.harts == 1).then_some(figure.tasks));
    let tasks: Vec<Line> = plan::CROWDED.iter().filter_map(|row| tasks(row)).collect();
    draw(&folder.join("tasks.svg"), "instructions against tasks that wait beside", "tasks beside", &tasks)?;
    let at = |figure: &Figure| (figure.tasks == 0).then_some(u32::from(figure.harts));
    let rows = plan::CROWDED.iter().chain([&BOOT]).filter_map(|row| line(figures, row, "sbi", at));
    let across = plan::DOORBELLS.iter().filter_map(|bells| line(figures, plan::ACROSS, bells.name(), at));
    let harts: Vec<Line> = rows.chain(across).collect();
    draw(&folder.join("harts.svg"), "instructions against harts", "harts", &harts)
}

/// The line of a row on machines with these doorbells, by what `at` says of a figure; nothing if it has one point or none.
fn line(figures: &Figures, row: &str, doorbells: &str, at: impl Fn(&Figure) -> Option<u32>) -> Option<Line> {
    let of_row = figures.figures.iter().filter(|figure| figure.row == row && figure.doorbells == doorbells);
    let mut points: Vec<(f64, f64)> =
        of_row.filter_map(|figure| Some((f64::from(at(figure)?), figure.each(figure.p50) as f64))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let name = if row == plan::ACROSS { format!("{row}, {doorbells}") } else { row.to_owned() };
    (points.len() > 1).then_some((name, points))
}

fn draw(path: &Path, title: &str, below: &str, lines: &[Line]) -> anyhow::Result<()> {
    let points = || lines.iter().flat_map(|(_, points)| points.iter().copied());
    let most = |of: fn((f64, f64)) -> f64| points().map(of).fold(1.0, f64::max);
    // Sizes and costs both span orders of magnitude; no task beside has its place left of one, and the names of the lines
    // have theirs behind the largest.
    let (wide, high) = (0.5..most(|(x, _)| x) * 6.0, 10.0..most(|(_, y)| y) * 2.0);
    let chart = |area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>| -> Result<(), DrawingError> {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(wide.clone().log_scale(), high.clone().log_scale())?;
        chart.configure_mesh().x_desc(below).y_desc("instructions").draw()?;
        for (at, (name, points)) in lines.iter().enumerate() {
            let color = Palette99::pick(at).to_rgba();
            let points: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x.max(0.5), y)).collect();
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3))?
                .label(name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
        area.present()
    };
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    chart(&area)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| format!("cannot draw {}", path.display()))
}

/// What the library answers when it cannot draw.
type DrawingError = DrawingAreaErrorKind<std::io::Error>;
