// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace widgets {

/// How well `query` stands in `text` as letters in this order, whatever stands between them; 0 =
/// not at all. Letters that begin a word or follow each other count more; case does not count.
int fuzzy_score(const QString& query, const QString& text);

}  // namespace widgets
