// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace engine {
struct ModelFolder;
}

namespace paradigm {

/// What `inspect` prints: the architecture in a few lines, then the layers, the same ones of all
/// blocks on one line.
std::string model_report(const engine::ModelFolder& model);

/// The same as one JSON object: the fields of config.json with their defaults filled in,
/// "parameters", "dtype", "layers" (Linears and attentions in module order), "weights",
/// "transform", "problems".
std::string model_report_json(const engine::ModelFolder& model);

}  // namespace paradigm
