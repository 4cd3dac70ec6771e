// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as the screen shows them.
#pragma once

#include <QString>

#include <cstdint>
#include <vector>

namespace widgets {

QString grouped(std::int64_t number);                        ///< 4,200 in the user's locale
QString short_count(double count);                           ///< 950, 7.1k, 162M, 1.1B
QString shape_text(const std::vector<std::int64_t>& shape);  ///< 2048 × 512
QString percent(double share);          ///< 0.123 -> "12.3 %"; never "0.0 %" for more than nothing
QString duration_text(double seconds);  ///< 42 s, 3 min 10 s, 3 h 10 min
QString loss_text(double loss);         ///< 4 decimals, NaN and infinities by name
QString signed_loss_text(double change);  ///< "+0.1823", "−0.0410": 4 decimals
QString statistic_text(double value);     ///< 4 digits that count; NaN and infinities by name
QString time_text(double unix_seconds);   ///< 14:02:31 today, 3 Nov 14:02, 3 Nov 2025
QString bytes_text(double bytes);         ///< 7.6 MB

}  // namespace widgets
