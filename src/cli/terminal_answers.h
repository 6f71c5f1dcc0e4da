#pragma once

#include <string>
#include <string_view>

namespace sandbox_run::cli {

/// What was typed, without what a terminal answers by itself when a program asks it: where the
/// cursor is, what it is called, its colours (ECMA-48 and XTerm's "Control Sequences": CSI … R, n,
/// c, t, x, y, CSI ? … u; OSC, DCS and their kin as a whole). Keys that send sequences (arrows, F1)
/// stay. Pure.
std::string without_answers(std::string_view input);

}  // namespace sandbox_run::cli
