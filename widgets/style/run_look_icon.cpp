// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/run_look_icon.h"

#include "engine/figures/glyph.h"
#include "engine/figures/run_look.h"
#include "widgets/style/theme.h"

#include <QHash>
#include <QPainter>
#include <QPixmap>

namespace widgets {

QPainterPath glyph_path(int shape, double radius) {
  QPainterPath path;
  for (const engine::SeriesPoint& corner : engine::glyph_corners(shape)) {
    const QPointF at(radius * corner.x, radius * corner.y);
    if (path.elementCount() == 0) {
      path.moveTo(at);
    } else {
      path.lineTo(at);
    }
  }
  path.closeSubpath();
  return path;
}

QIcon run_look_icon(int look, bool is_baseline, const QPalette& palette) {
  constexpr int kSize = 48;  // painted down to the size of the text
  static QHash<quint64, QIcon> known;
  const quint64 key =
      (quint64(is_baseline ? engine::kLooks : look) << 1) | quint64(is_dark(palette));
  QIcon& icon = known[key];
  if (!icon.isNull()) return icon;
  const ThemeColors& colors = theme_colors(palette);
  QPixmap pixmap(kSize, kSize);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.translate(kSize / 2.0, kSize / 2.0);
  const int shape = is_baseline ? engine::kBaselineShape : engine::shape_of_look(look);
  painter.fillPath(glyph_path(shape, kSize * 0.34),
                   is_baseline ? colors.baseline : colors.run(look));
  painter.end();
  return icon = QIcon(pixmap);
}

}  // namespace widgets
