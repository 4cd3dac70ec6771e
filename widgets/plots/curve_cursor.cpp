// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/curve_cursor.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QLocale>
#include <QWidget>

#include <algorithm>
#include <cmath>
#include <utility>

namespace widgets {
namespace {

constexpr double kPadding = 6;
constexpr double kGap = 10;  // between columns
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

QString number(double value) {
  return std::isfinite(value) ? QLocale().toString(value, 'g', 6) : statistic_text(value);
}

QString difference(double value, double base) {
  const double delta = value - base;
  if (!std::isfinite(delta)) return QStringLiteral("–");
  const QString text = QLocale().toString(std::abs(delta), 'g', 4);
  if (delta == 0) return QStringLiteral("0");
  return (delta > 0 ? QStringLiteral("▲ +") : QStringLiteral("▼ −")) + text;
}

const CursorRow* find(const CursorReading& reading, const QString& label) {
  for (const auto& row : reading.rows) {
    if (row.label == label) return &row;
  }
  return nullptr;
}

/// Descending; what is no number last.
bool is_above(const CursorRow& one, const CursorRow& other) {
  if (std::isnan(one.value) || std::isnan(other.value)) return !std::isnan(one.value);
  return one.value > other.value;
}

}  // namespace

/// Everything the cursor draws, as one item.
class CurveCursor::Picture : public QCPAbstractItem {
 public:
  Picture(QCustomPlot* plot, const QWidget* owner) : QCPAbstractItem(plot), owner_(owner) {
    setSelectable(false);
    setClipToAxisRect(false);
  }
  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

  double x = kNone;
  double pinned_x = kNone;
  std::vector<CursorRow> dots;
  QStringList head;
  std::vector<QStringList> cells;
  std::vector<QColor> swatches;
  bool has_table = false;
  QPointF beside;

 protected:
  void draw(QCPPainter* painter) override {
    const auto& colors = theme_colors(owner_->palette());
    const QRectF rect = parentPlot()->axisRect()->rect();
    const auto line_at = [&](double at, Qt::PenStyle style) {
      const double pixel = parentPlot()->xAxis->coordToPixel(at);
      if (!(pixel >= rect.left() && pixel <= rect.right())) return;
      painter->setPen(QPen(colors.axis_text, 0, style));
      painter->drawLine(QPointF(pixel, rect.top()), QPointF(pixel, rect.bottom()));
    };
    if (std::isfinite(pinned_x)) line_at(pinned_x, Qt::DashLine);
    line_at(x, Qt::SolidLine);
    painter->setAntialiasing(true);
    for (const auto& dot : dots) {
      const QPointF at(parentPlot()->xAxis->coordToPixel(dot.x),
                       parentPlot()->yAxis->coordToPixel(dot.value));
      if (!std::isfinite(dot.value) || !rect.contains(at)) continue;
      painter->setPen(QPen(colors.plot_background, 1));
      painter->setBrush(dot.color);
      painter->drawEllipse(at, 3.5, 3.5);
    }
    if (has_table) drawTable(painter, rect);
  }

 private:
  void drawTable(QCPPainter* painter, const QRectF& rect) {
    const QFontMetricsF metrics(owner_->font());
    const double height = metrics.height();
    const double swatch = std::round(height * 0.55);
    std::vector<double> widths;
    for (const auto& row : cells) {
      widths.resize(std::max(widths.size(), std::size_t(row.size())), 0);
      for (int i = 0; i < row.size(); ++i) {
        auto& width = widths[std::size_t(i)];
        width = std::max(width, metrics.horizontalAdvance(row[i]));
      }
    }
    double wide = cells.empty() ? 0 : swatch + kGap / 2;
    for (const double width : widths) wide += width + kGap;
    if (!widths.empty()) wide -= kGap;
    for (const auto& line : head) wide = std::max(wide, metrics.horizontalAdvance(line));
    const double tall = height * double(head.size() + int(cells.size()));
    QRectF box(0, 0, wide + 2 * kPadding, tall + 2 * kPadding);
    const bool is_left = beside.x() > rect.center().x();
    box.moveLeft(is_left ? beside.x() - 12 - box.width() : beside.x() + 12);
    box.moveTop(std::clamp(beside.y() - box.height() / 2, rect.top() + 2,
                           std::max(rect.top() + 2, rect.bottom() - box.height() - 2)));
    const QRectF view = parentPlot()->viewport();
    if (box.right() > view.right()) box.moveRight(view.right() - 1);
    if (box.left() < view.left()) box.moveLeft(view.left() + 1);

    const QPalette& palette = owner_->palette();
    painter->setAntialiasing(false);
    painter->setPen(QPen(theme_colors(palette).separator, 0));
    painter->setBrush(palette.color(QPalette::ToolTipBase));
    painter->drawRect(box);
    painter->setFont(owner_->font());
    const QColor ink = palette.color(QPalette::ToolTipText);
    painter->setPen(ink);
    double y = box.top() + kPadding;
    for (const auto& line : head) {
      painter->drawText(QPointF(box.left() + kPadding, y + metrics.ascent()), line);
      y += height;
    }
    for (std::size_t i = 0; i < cells.size(); ++i, y += height) {
      double left = box.left() + kPadding;
      if (i < swatches.size() && swatches[i].isValid()) {
        painter->fillRect(QRectF(left, std::round(y + (height - swatch) / 2), swatch, swatch),
                          swatches[i]);
      }
      left += swatch + kGap / 2;
      painter->setPen(
          swatches[i].isValid() ? ink : blend(ink, palette.color(QPalette::ToolTipBase), 0.7));
      for (int c = 0; c < cells[i].size(); ++c) {
        const double width = widths[std::size_t(c)];
        const double free = width - metrics.horizontalAdvance(cells[i][c]);
        painter->drawText(QPointF(left + (c == 0 ? 0 : free), y + metrics.ascent()), cells[i][c]);
        left += width + kGap;
      }
    }
  }

  const QWidget* owner_;
};

CurveCursor::CurveCursor(QCustomPlot* plot, const QWidget* owner, const QString& layer)
    : plot_(plot), owner_(owner), layer_(layer), picture_(new Picture(plot, owner)) {
  picture_->setLayer(layer);
  picture_->setVisible(false);
}

std::vector<QStringList> CurveCursor::table() const {
  std::vector<const CursorRow*> rows;
  for (const auto& row : reading_.rows) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto* one, const auto* other) { return is_above(*one, *other); });
  const CursorRow* baseline = nullptr;
  bool has_smoothed = false;
  for (const auto* row : rows) {
    if (row->is_baseline) baseline = row;
    has_smoothed = has_smoothed || !std::isnan(row->smoothed);
  }
  const bool tells_baseline = baseline != nullptr && rows.size() > 1;
  std::vector<QStringList> table;
  QStringList titles{QString(), QObject::tr("value")};
  if (has_smoothed) titles << QObject::tr("smoothed");
  if (tells_baseline) titles << QObject::tr("Δ baseline");
  if (isPinned()) titles << QObject::tr("Δ pinned");
  if (titles.size() > 2) table.push_back(titles);
  for (const auto* row : rows) {
    QStringList cells{row->label, row->text.isEmpty() ? number(row->value) : row->text};
    if (has_smoothed) cells << (std::isnan(row->smoothed) ? QString() : number(row->smoothed));
    if (tells_baseline) {
      cells << (row == baseline ? QString() : difference(row->value, baseline->value));
    }
    if (isPinned()) {
      const auto* before = find(pinned_, row->label);
      cells << (before == nullptr ? QString() : difference(row->value, before->value));
    }
    table.push_back(cells);
  }
  return table;
}

void CurveCursor::show(const CursorReading& reading, const QPointF* beside) {
  reading_ = reading;
  picture_->x = reading.x;
  picture_->pinned_x = pinned_.x;
  picture_->dots = reading.rows;
  for (auto& dot : picture_->dots) {
    if (!std::isnan(dot.smoothed)) dot.value = dot.smoothed;
  }
  picture_->has_table = beside != nullptr;
  if (beside != nullptr) {
    picture_->beside = *beside;
    picture_->head = reading.place;
    if (isPinned()) {
      picture_->head << QObject::tr("Δx %1").arg(QLocale().toString(reading.x - pinned_.x, 'g', 6));
    }
    picture_->cells = table();
    picture_->swatches.clear();
    std::vector<const CursorRow*> rows;
    for (const auto& row : reading_.rows) rows.push_back(&row);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto* one, const auto* other) { return is_above(*one, *other); });
    if (picture_->cells.size() > rows.size()) picture_->swatches.emplace_back();
    for (const auto* row : rows) picture_->swatches.push_back(row->color);
  }
  picture_->setVisible(true);
  replot();
}

void CurveCursor::hide() {
  reading_ = {};
  if (!picture_->visible()) return;
  if (isPinned()) {
    picture_->x = kNone;
    picture_->dots.clear();
    picture_->has_table = false;
  } else {
    picture_->setVisible(false);
  }
  replot();
}

bool CurveCursor::isShown() const { return picture_->visible() && std::isfinite(picture_->x); }

void CurveCursor::pin() { pinned_ = reading_; }

void CurveCursor::unpin() {
  pinned_ = {};
  picture_->pinned_x = kNone;
  if (!std::isfinite(picture_->x)) picture_->setVisible(false);
  replot();
}

QString CurveCursor::text() const {
  QStringList lines = reading_.place;
  for (const auto& row : table()) lines << row.join(QLatin1Char('\t'));
  return lines.join(QLatin1Char('\n'));
}

void CurveCursor::applyTheme() { replot(); }

void CurveCursor::replot() {
  if (auto* layer = plot_->layer(layer_)) layer->replot();
}

}  // namespace widgets
