//! Medians and quartiles, and what they mean beside a goal.

/// The middle of several figures, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lower_quartile: f64,
    pub(crate) upper_quartile: f64,
}

impl Spread {
    /// The spread of these figures; `None` if there are none.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        assert!(figures.iter().all(|figure| figure.is_finite()), "a figure is a number");
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() {
            return None;
        }
        let [lower_quartile, median, upper_quartile] = [1, 2, 3].map(|quarter| at(&sorted, quarter));
        Some(Self { median, lower_quartile, upper_quartile })
    }
}

/// So many quarters of the way through sorted figures, between the two neighbours where the place lies between them.
fn at(sorted: &[f64], quarters: usize) -> f64 {
    let place = (sorted.len() - 1) * quarters;
    let (index, rest) = (place / 4, place % 4);
    let below = sorted[index];
    let above = sorted[(index + 1).min(sorted.len() - 1)];
    let share = [0.0, 0.25, 0.5, 0.75][rest];
    below + (above - below) * share
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// One rate divided by another.
    Ratio,
    /// Payments a second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::PerSecond => "per second",
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
        }
    }

    /// A figure as people read it.
    pub(crate) fn text(self, figure: f64) -> String {
        match self {
            Self::Ratio => format!("{figure:.3}"),
            Self::PerSecond if figure >= 1e6 => format!("{:.2} M/s", figure / 1e6),
            Self::PerSecond if figure >= 1e4 => format!("{:.1} k/s", figure / 1e3),
            Self::PerSecond => format!("{figure:.0}/s"),
            Self::Milliseconds => format!("{figure:.2} ms"),
            Self::Seconds => format!("{figure:.1} s"),
            Self::Bytes if figure >= 1e7 => format!("{:.0} MB", figure / 1e6),
            Self::Bytes => format!("{figure:.0} B"),
        }
    }
}

/// What a figure should come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Goal {
    pub(crate) unit: Unit,
    /// Whether larger figures are better.
    pub(crate) larger_is_better: bool,
    pub(crate) must: Option<f64>,
    pub(crate) aim: Option<f64>,
}

/// How a figure stands to its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All that is asked for.
    Reached,
    /// What must be, and not yet what is aimed at.
    MustReached,
    /// Not even what must be.
    Missed,
    /// The figure can't be trusted.
    Void,
    /// The figure has no goal.
    NoGoal,
}

impl Verdict {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::MustReached => "must reached",
            Self::Missed => "missed",
            Self::Void => "VOID",
            Self::NoGoal => "-",
        }
    }
}

impl Goal {
    pub(crate) const fn at_least(unit: Unit, must: f64, aim: f64) -> Self {
        Self { unit, larger_is_better: true, must: Some(must), aim: Some(aim) }
    }

    pub(crate) const fn at_most(unit: Unit, must: Option<f64>, aim: Option<f64>) -> Self {
        Self { unit, larger_is_better: false, must, aim }
    }

    /// No goal: the figure is shown.
    pub(crate) const fn shown(unit: Unit) -> Self {
        Self { unit, larger_is_better: true, must: None, aim: None }
    }

    pub(crate) fn judge(&self, figure: f64) -> Verdict {
        let meets = |bound: f64| if self.larger_is_better { figure >= bound } else { figure <= bound };
        match (self.must, self.aim) {
            (None, None) => Verdict::NoGoal,
            (Some(must), _) if !meets(must) => Verdict::Missed,
            (_, Some(aim)) if meets(aim) => Verdict::Reached,
            (Some(_), Some(_)) => Verdict::MustReached,
            (None, Some(_)) => Verdict::Missed,
            (Some(_), None) => Verdict::Reached,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(figures: &[f64]) -> String {
        let Spread { median, lower_quartile, upper_quartile } = Spread::of(figures).unwrap();
        format!("{lower_quartile} {median} {upper_quartile}")
    }

    #[test]
    fn quartiles_lie_between_their_neighbours() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(spread(&[7.0]), "7 7 7");
        assert_eq!(spread(&[2.0, 1.0]), "1.25 1.5 1.75");
        assert_eq!(spread(&[3.0, 1.0, 2.0]), "1.5 2 2.5");
        assert_eq!(spread(&[5.0, 4.0, 3.0, 2.0, 1.0]), "2 3 4");
        assert_eq!(spread(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), "3 5 7");
    }

    #[test]
    fn one_outlier_moves_no_median() {
        assert_eq!(spread(&[1.0, 1.0, 1.0, 1.0, 100.0]), "1 1 1");
    }

    #[test]
    fn figures_are_judged_in_their_direction() {
        let rate = Goal::at_least(Unit::Ratio, 0.75, 0.90);
        assert_eq!(rate.judge(0.74), Verdict::Missed);
        assert_eq!(rate.judge(0.75), Verdict::MustReached);
        assert_eq!(rate.judge(0.90), Verdict::Reached);
        let latency = Goal::at_most(Unit::Milliseconds, Some(2.0), Some(0.7));
        assert_eq!(latency.judge(2.1), Verdict::Missed);
        assert_eq!(latency.judge(2.0), Verdict::MustReached);
        assert_eq!(latency.judge(-0.1), Verdict::Reached);
        assert_eq!(Goal::at_most(Unit::Bytes, Some(256.0), None).judge(256.0), Verdict::Reached);
        assert_eq!(Goal::at_most(Unit::Milliseconds, None, Some(5.0)).judge(6.0), Verdict::Missed);
        assert_eq!(Goal::shown(Unit::Bytes).judge(1.0), Verdict::NoGoal);
    }

    #[test]
    fn figures_have_their_unit() {
        assert_eq!(Unit::Ratio.text(0.8349), "0.835");
        assert_eq!(Unit::PerSecond.text(9_123.4), "9123/s");
        assert_eq!(Unit::PerSecond.text(412_345.0), "412.3 k/s");
        assert_eq!(Unit::PerSecond.text(2_512_345.0), "2.51 M/s");
        assert_eq!(Unit::Milliseconds.text(0.7), "0.70 ms");
        assert_eq!(Unit::Seconds.text(12.34), "12.3 s");
        assert_eq!(Unit::Bytes.text(255.6), "256 B");
        assert_eq!(Unit::Bytes.text(640_400_000.0), "640 MB");
    }
}
