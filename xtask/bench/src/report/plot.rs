//! Instructions per request over the bare framework's, ours beside the others.

use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::stack::{Case, Framework};

/// One bar: a stack's figure in one case.
#[derive(Clone, Debug)]
struct Bar {
    stack: String,
    case: usize,
    added: f64,
    hashing: f64,
}

type Error = Box<dyn std::error::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Panel<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const WIDTH: u32 = 960;
const PANEL: u32 = 300;
const HEAD: u32 = 64;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(31, 41, 55);
const FAINT: RGBColor = RGBColor(107, 114, 128);
const GRID: RGBColor = RGBColor(229, 231, 235);
/// Ours in memory, ours in a cookie, and then the others in their order.
const OURS: [RGBColor; 2] = [RGBColor(13, 148, 136), RGBColor(37, 99, 175)];
const OTHERS: [RGBColor; 4] =
    [RGBColor(203, 171, 110), RGBColor(217, 119, 87), RGBColor(156, 163, 175), RGBColor(120, 113, 108)];
const NOTHING: RGBColor = RGBColor(209, 213, 219);

pub(super) fn draw(measured: &str, file: &Path) -> Result<(), Error> {
    let panels = u32::try_from(Framework::ALL.len())?;
    let root = SVGBackend::new(file, (WIDTH, HEAD + panels * PANEL)).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&text("Instructions per request, over the bare framework", (24, 14), 20, INK))?;
    let hint = "pale: hashing in callgrind's processor, which has no instructions for SHA-256 · line: what the rest aims at";
    root.draw(&text(hint, (24, 40), 13, FAINT))?;
    let (_, below) = root.split_vertically(HEAD);
    for (framework, area) in Framework::ALL.into_iter().zip(below.split_evenly((Framework::ALL.len(), 1))) {
        panel(framework, &bars(measured, framework)?, &area)?;
    }
    root.present()?;
    Ok(())
}

fn bars(measured: &str, framework: Framework) -> Result<Vec<Bar>, Error> {
    let mut bars = Vec::new();
    for line in measured.lines().skip(1) {
        let [of, stack, case, added, hashing] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let case = Case::ALL.iter().position(|known| known.title() == case);
        if let Some(case) = case.filter(|_| of == framework.title()) {
            bars.push(Bar {
                stack: stack.to_owned(),
                case,
                added: added.parse()?,
                hashing: hashing.parse()?,
            });
        }
    }
    Ok(bars)
}

fn panel(framework: Framework, bars: &[Bar], area: &Area<'_>) -> Result<(), Error> {
    let mut stacks: Vec<&str> = Vec::new();
    for bar in bars {
        if !stacks.contains(&bar.stack.as_str()) {
            stacks.push(&bar.stack);
        }
    }
    stacks.sort_by_key(|stack| rank(stack));
    let most = highest(bars) * 1.12;
    #[expect(clippy::cast_precision_loss, reason = "five cases")]
    let cases = Case::ALL.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_left(20)
        .margin_right(24)
        .margin_top(44)
        .margin_bottom(28)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..cases, 0.0..most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .y_labels(6)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .y_label_style((FONT, 12).into_font().color(&FAINT))
        .y_label_formatter(&|y| crate::table::number(*y, 0))
        .draw()?;
    area.draw(&text(framework.title(), (24, 10), 16, INK))?;
    for bar in bars {
        let place = stacks.iter().position(|stack| *stack == bar.stack).unwrap_or(0);
        draw_bar(&mut chart, framework, bar, place, stacks.len())?;
    }
    for (n, case) in (0_u32..).zip(Case::ALL) {
        let (x, y) = chart.backend_coord(&(f64::from(n) + 0.5, 0.0));
        let base = area.get_base_pixel();
        let centred = style(13, INK).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw(&Text::new(case.title(), (x - base.0, y - base.1 + 8), centred))?;
    }
    legend(area, &stacks)
}

/// What the axis must reach. One bar that towers over all others would make lines of them: it is cut off, with its number on it.
fn highest(bars: &[Bar]) -> f64 {
    const TOWERS: f64 = 3.0;
    let mut stacks = std::collections::BTreeMap::<&str, f64>::new();
    for bar in bars {
        let most = stacks.entry(&bar.stack).or_default();
        *most = most.max(bar.added);
    }
    let mut highest: Vec<_> = stacks.into_values().collect();
    highest.sort_by(f64::total_cmp);
    match highest[..] {
        [.., second, first] if first > second * TOWERS => second,
        [.., first] => first,
        [] => 1.0,
    }
}

fn draw_bar(
    chart: &mut Panel<'_, '_>,
    framework: Framework,
    bar: &Bar,
    place: usize,
    stacks: usize,
) -> Result<(), Error> {
    const GROUP: f64 = 0.8;
    #[expect(clippy::cast_precision_loss, reason = "a few cases and stacks")]
    let (case, place_in_group, width) = (bar.case as f64, place as f64, GROUP / stacks as f64);
    let left = case + (1.0 - GROUP) / 2.0 + place_in_group * width;
    let (from, to) = (left + width * 0.08, left + width * 0.92);
    let color = color(&bar.stack, place);
    let top = chart.y_range().end;
    let (solid, all) = ((bar.added - bar.hashing).clamp(0.0, top), bar.added.clamp(0.0, top));
    chart.draw_series([
        Rectangle::new([(from, 0.0), (to, solid)], color.filled()),
        Rectangle::new([(from, solid), (to, all)], color.mix(0.3).filled()),
    ])?;
    if bar.added > top {
        let label = format!("{} ↑", crate::table::number(bar.added, 0));
        let beside = style(12, INK).pos(Pos::new(HPos::Right, VPos::Top));
        chart.draw_series([Text::new(label, (from - width * 0.1, top), beside)])?;
    }
    if bar.stack == "ours, memory" {
        let aim = crate::bounds::instructions(framework, Case::ALL[bar.case]).aim;
        let line = [(left - width * 0.05, aim), (left + width * 1.05, aim)];
        chart.draw_series([PathElement::new(line, INK.stroke_width(2))])?;
    }
    Ok(())
}

/// On the right of the panel's title, from right to left.
fn legend(area: &Area<'_>, stacks: &[&str]) -> Result<(), Error> {
    let mut right = i32::try_from(WIDTH)? - 24;
    for (place, stack) in stacks.iter().enumerate().rev() {
        // The width of a text is up to the reader's font: this is roughly that of most.
        right -= i32::try_from(stack.chars().count())? * 7 + 30;
        area.draw(&Rectangle::new([(right, 13), (right + 12, 25)], color(stack, place).filled()))?;
        area.draw(&text(stack, (right + 17, 12), 13, INK))?;
    }
    Ok(())
}

/// What does nothing first, then ours, then the others.
fn rank(stack: &str) -> usize {
    match stack {
        "ours, memory" => 1,
        "ours, cookie" => 2,
        _ if stack.contains("does nothing") => 0,
        _ => 3,
    }
}

fn color(stack: &str, place: usize) -> RGBColor {
    match rank(stack) {
        0 => NOTHING,
        own @ (1 | 2) => OURS[own - 1],
        _ => OTHERS[place % OTHERS.len()],
    }
}

fn style(size: u32, color: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(&color)
}

fn text(text: &str, at: (i32, i32), size: u32, color: RGBColor) -> Text<'static, (i32, i32), String> {
    Text::new(text.to_owned(), at, style(size, color))
}
