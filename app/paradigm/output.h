// SPDX-License-Identifier: GPL-3.0-or-later
// What every command prints: facts on stdout (as text or JSON), problems on stderr.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace paradigm {

using Json = nlohmann::ordered_json;

/// One line each on stderr, coloured only on a terminal (and not when NO_COLOR is set).
void print_problems(const std::vector<engine::Problem>& problems);

/// The same when none of them is an error; else throws Error with all.
void print_or_throw(const std::vector<engine::Problem>& problems);

Json problems_json(const std::vector<engine::Problem>& problems);

/// Indented, on stdout; invalid UTF-8 becomes U+FFFD.
void print_json(const Json& json);
/// What a command found, on stdout: the JSON or the text.
void print_report(bool as_json, const Json& json, const std::string& text);

/// Finite numbers as they are, the others as "NaN", "Infinity", "-Infinity", as in events.jsonl.
Json number_json(double value);
/// The same, but null where the number is not known (NaN): the spread of one draw, say.
Json known_json(double value);
/// null, true, 3, "text", [low, high], {"from", "to", "steps", "shape"}; a schedule that
/// snaps also says what takes effect at both ends.
Json value_json(const engine::ParamValue& value);

bool is_terminal(std::FILE* stream);

/// "512 B", "1.5 MB", "2.2 GB" (powers of 1000).
std::string size_text(double bytes);
/// "48 s", "3 min 20 s", "2 h 05 min".
std::string duration_text(double seconds);

}  // namespace paradigm
