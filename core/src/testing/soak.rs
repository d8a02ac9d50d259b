//! How long a test tries its luck.

/// Set (to anything but nothing) where tests that depend on chance go on for longer: `cargo xtask soak`.
pub const SOAK: &str = "TEST_SOAK";

/// How much longer.
const TIMES: u32 = 10;

/// How often to repeat what chance decides, such as the moment of a kill: `normal` times, and ten times as often where [`SOAK`] is
/// set. The one place where tests learn of it.
///
/// ```
/// for round in 1..=session_core::testing::rounds(3) {
///     println!("round {round}");
/// }
/// ```
pub fn rounds(normal: u32) -> u32 {
    let soaks = std::env::var_os(SOAK).is_some_and(|soak| !soak.is_empty());
    if soaks { normal.saturating_mul(TIMES) } else { normal }
}
