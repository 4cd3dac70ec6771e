// SPDX-License-Identifier: GPL-3.0-or-later
// Upstream's dialects without patterns of their own (C3 to C6, see transforms.md) as ordered rules.
// What was made of what is told as notes ("imported") with their places.
#pragma once

#include "engine/config/transform_reader.h"

namespace engine {

/// By config().dialect, which must be one of C3 to C6.
void import_dialect(TransformReader& reader, const YamlNode& root);

}  // namespace engine
