// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/histogram_plot.h"

#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QFontDatabase>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QSet>
#include <QStyle>
#include <QStyleOptionFocusRect>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace widgets {

HistogramPlot::HistogramPlot(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("histogram_plot"));
  setAccessibleName(tr("Transform histogram"));
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setBackgroundRole(QPalette::Base);
  setAutoFillBackground(true);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Minimum);
}

void HistogramPlot::setData(HistogramData data) {
  data_ = std::move(data);
  if (current_ >= static_cast<int>(data_.bars.size())) current_ = -1;
  describe();
  updateGeometry();
  update();
}

void HistogramPlot::setWeight(HistogramWeight weight) {
  weight_ = weight;
  update();
}

double HistogramPlot::longest() const {
  double longest = 0;
  for (const auto& bar : data_.bars) {
    longest = std::max(longest, bar.size(weight_));
    if (weight_ == HistogramWeight::layers) {
      longest = std::max(longest, static_cast<double>(bar.planned.value_or(0)));
    }
    if (const auto* ghost = data_.ghost_of(bar)) longest = std::max(longest, ghost->size(weight_));
  }
  return longest > 0 ? longest : 1;
}

void HistogramPlot::setSelectedLayers(const QStringList& layers) {
  selected_ = layers;
  update();
}

void HistogramPlot::describe() {
  QStringList parts;
  for (const auto& bar : data_.bars) {
    parts << tr("%1: %n layers", "", bar.count()).arg(bar.label);
  }
  setAccessibleDescription(data_.caption + QStringLiteral(": ") + parts.join(QStringLiteral("; ")));
}

int HistogramPlot::rowHeight() const { return lines(this, 1.75); }

QSize HistogramPlot::minimumSizeHint() const {
  return {characters(this, 30),
          rowHeight() * static_cast<int>(data_.bars.size()) + lines(this, 2.2)};
}

QSize HistogramPlot::sizeHint() const { return minimumSizeHint(); }

HistogramPlot::Columns HistogramPlot::columns() const {
  const int pad = lines(this, 0.6);
  const QFontMetrics fixed(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  // The first hundred stand for all: setting a thousand texts takes a noticeable time.
  constexpr std::size_t kMeasured = 100;
  int longest_label = 0;
  int longest_text = 0;
  for (std::size_t i = 0; i < std::min(kMeasured, data_.bars.size()); ++i) {
    const auto& bar = data_.bars[i];
    longest_label = std::max(longest_label, fixed.horizontalAdvance(bar.label));
    longest_text = std::max(longest_text, fontMetrics().horizontalAdvance(barText(bar)));
  }
  Columns columns{};
  columns.label_left = pad;
  columns.label_width = std::min(longest_label + 2, static_cast<int>(width() * 0.36));
  // The numbers are whole before the bars are long.
  const int shortest_bar = lines(this, 2.5);
  const int room = width() - columns.label_left - columns.label_width - shortest_bar - 3 * pad;
  columns.text_width = std::min(longest_text + 2, std::max(room, static_cast<int>(width() * 0.4)));
  columns.text_left = width() - pad - columns.text_width;
  columns.bar_left = columns.label_left + columns.label_width + pad;
  columns.bar_width = std::max(columns.text_left - pad - columns.bar_left, 1);
  return columns;
}

QRect HistogramPlot::barRect(int bar) const {
  return {0, lines(this, 0.25) + bar * rowHeight(), width(), rowHeight()};
}

QString HistogramPlot::barText(const HistogramBar& bar) const {
  if (!data_.statistic.isEmpty()) {
    if (!bar.measured) return bar.count() > 0 ? tr("not measured") : QString();
    const auto& spread = *bar.measured;
    if (spread.least == spread.largest) return statistic_text(spread.median);
    return tr("%1 (%2 to %3)")
        .arg(statistic_text(spread.median), statistic_text(spread.least),
             statistic_text(spread.largest));
  }
  QString text = tr("%n layers", "", bar.count());
  if (bar.count() == 1) text = tr("1 layer");
  if (bar.planned && *bar.planned != bar.count()) {
    text = tr("%1 of %2 planned").arg(bar.count()).arg(*bar.planned);
  }
  if (bar.parameter_share) text += QStringLiteral(" · ") + percent(*bar.parameter_share);
  if (bar.flop_share) text += QStringLiteral(" · ") + percent(*bar.flop_share);
  return text;
}

QString HistogramPlot::barToolTip(const HistogramBar& bar) const {
  QStringList rows;
  rows << QStringLiteral("<code>%1</code>").arg(bar.label.toHtmlEscaped());
  if (!bar.detail.isEmpty()) rows << bar.detail.toHtmlEscaped();
  rows << tr("%1 attentions (their two matmuls), %2 Linears").arg(bar.attentions).arg(bar.linears);
  if (bar.parameter_share) {
    rows << tr("%1 of the parameters of all targets").arg(percent(*bar.parameter_share));
  }
  if (bar.flop_share) {
    rows << tr("%1 of the FLOPs of all targets").arg(percent(*bar.flop_share));
  }
  if (const auto* ghost = data_.ghost_of(bar)) {
    rows << tr("%1: %2 layers").arg(data_.ghost_caption).arg(ghost->count);
  }
  if (bar.planned) rows << tr("planned: %1").arg(*bar.planned);
  if (bar.count() > 0) rows << tr("Click to select these layers");
  return rows.join(QStringLiteral("<br>"));
}

void HistogramPlot::paintSizes(QPainter& painter, const HistogramBar& bar, const QRect& row,
                               const Columns& at, double whole_length) const {
  const QPalette& shades = palette();
  const auto& colors = theme_colors(shades);
  const QColor highlight = shades.color(QPalette::Highlight);
  const QColor base = shades.color(QPalette::Base);
  const bool is_empty = bar.count() == 0;
  const int inset = lines(this, 0.4);
  const auto length = [&](double size) {
    return static_cast<int>(std::lround(at.bar_width * size / whole_length));
  };
  QRect piece(at.bar_left, row.top() + inset, length(bar.linear_size(weight_)),
              row.height() - 2 * inset);
  const QColor solid =
      bar.untransformed ? blend(colors.untransformed, base, 0.75) : blend(highlight, base, 0.85);
  painter.fillRect(piece, solid);
  if (bar.attentions > 0) {
    const int whole = length(bar.size(weight_));
    piece = QRect(piece.left() + piece.width(), piece.top(), whole - piece.width(), piece.height());
    painter.fillRect(piece, blend(solid, base, 0.45));
    painter.fillRect(piece, QBrush(solid, Qt::BDiagPattern));
  }
  const auto* ghost = data_.ghost_of(bar);
  if (ghost != nullptr && ghost->count > 0) {
    painter.setPen(QPen(muted_text(shades), 0));
    painter.setBrush(Qt::NoBrush);
    const int out = lines(this, 0.12);
    painter.drawRect(QRect(at.bar_left, row.top() + inset - out,
                           std::max(length(ghost->size(weight_)) - 1, 1),
                           row.height() - 2 * inset + 2 * out - 1));
  }
  if (weight_ == HistogramWeight::layers && bar.planned && *bar.planned > 0 &&
      *bar.planned != bar.count()) {
    painter.setPen(QPen(shades.color(QPalette::Text), 0, Qt::DashLine));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(QRect(at.bar_left, row.top() + inset, length(*bar.planned) - 1,
                           row.height() - 2 * inset - 1));
  }
  if (is_empty) {
    painter.setPen(QPen(blend(shades.color(QPalette::Text), base, 0.4), 0));
    painter.drawLine(at.bar_left, row.top() + inset, at.bar_left, row.bottom() - inset);
  }
}

void HistogramPlot::paintSpread(QPainter& painter, const HistogramBar& bar, const QRect& row,
                                const Columns& at) const {
  if (!bar.measured) return;
  double low = bar.measured->least;
  double high = bar.measured->largest;
  for (const auto& other : data_.bars) {
    if (!other.measured) continue;
    low = std::min(low, other.measured->least);
    high = std::max(high, other.measured->largest);
  }
  const double dot = lines(this, 0.28);
  const double room = at.bar_width - 2 * dot;
  const auto place = [&](double value) {
    return at.bar_left + dot + (high > low ? room * (value - low) / (high - low) : room / 2);
  };
  const QColor base = palette().color(QPalette::Base);
  const QColor ink = blend(palette().color(QPalette::Highlight), base, 0.85);
  const double middle = row.center().y() + 0.5;
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(blend(palette().color(QPalette::Text), base, 0.15), 1));
  painter.drawLine(QPointF(at.bar_left, middle), QPointF(at.bar_left + at.bar_width, middle));
  painter.setPen(QPen(blend(ink, base, 0.6), lines(this, 0.22), Qt::SolidLine, Qt::RoundCap));
  painter.drawLine(QPointF(place(bar.measured->least), middle),
                   QPointF(place(bar.measured->largest), middle));
  painter.setPen(Qt::NoPen);
  painter.setBrush(ink);
  painter.drawEllipse(QPointF(place(bar.measured->median), middle), dot, dot);
  painter.restore();
}

void HistogramPlot::paintBar(QPainter& painter, int index, const Columns& at, double longest,
                             bool holds_selection) {
  const QPalette& shades = palette();
  const QColor highlight = shades.color(QPalette::Highlight);
  const QColor base = shades.color(QPalette::Base);
  const auto& bar = data_.bars[static_cast<std::size_t>(index)];
  const QRect row = barRect(index);
  if (holds_selection) {
    painter.fillRect(row, blend(highlight, base, 0.14));
    painter.fillRect(QRect(row.left(), row.top(), lines(this, 0.2), row.height()), highlight);
  } else if (index == hovered_) {
    painter.fillRect(row, blend(highlight, base, 0.07));
  }
  const bool is_empty = bar.count() == 0;
  painter.setPen(bar.untransformed || is_empty ? muted_text(shades) : shades.color(QPalette::Text));
  painter.setFont(bar.untransformed ? font() : QFontDatabase::systemFont(QFontDatabase::FixedFont));
  const QFontMetrics metrics(painter.font());
  painter.drawText(QRect(at.label_left, row.top(), at.label_width, row.height()),
                   Qt::AlignLeft | Qt::AlignVCenter,
                   metrics.elidedText(bar.label, Qt::ElideMiddle, at.label_width));

  if (data_.statistic.isEmpty()) {
    paintSizes(painter, bar, row, at, longest);
  } else {
    paintSpread(painter, bar, row, at);
  }
  painter.setFont(font());
  painter.setPen(muted_text(shades));
  painter.drawText(QRect(at.text_left, row.top(), at.text_width, row.height()),
                   Qt::AlignLeft | Qt::AlignVCenter,
                   fontMetrics().elidedText(barText(bar), Qt::ElideRight, at.text_width));
  if (index == current_ && hasFocus()) {
    QStyleOptionFocusRect option;
    option.initFrom(this);
    option.rect = row.adjusted(1, 1, -1, -1);
    style()->drawPrimitive(QStyle::PE_FrameFocusRect, &option, &painter, this);
  }
}

/// Only the rows that are seen: a file may have a thousand rules.
void HistogramPlot::paintEvent(QPaintEvent* event) {
  QPainter painter(this);
  const Columns at = columns();
  const double whole = longest();
  const QSet<QString> selected(selected_.begin(), selected_.end());
  for (int i = 0; i < static_cast<int>(data_.bars.size()); ++i) {
    if (!event->rect().intersects(barRect(i))) continue;
    const auto& bar = data_.bars[static_cast<std::size_t>(i)];
    const bool holds_selection =
        !selected.isEmpty() && std::any_of(bar.layers.begin(), bar.layers.end(),
                                           [&](const auto& one) { return selected.contains(one); });
    paintBar(painter, i, at, whole, holds_selection);
  }
  if (!data_.bars.empty() && data_.statistic.isEmpty()) paintKey(painter, at);
}

void HistogramPlot::paintKey(QPainter& painter, const Columns& at) const {
  const QRect row = barRect(static_cast<int>(data_.bars.size()));
  const QColor solid =
      blend(palette().color(QPalette::Highlight), palette().color(QPalette::Base), 0.85);
  const int box = lines(this, 0.7);
  int left = at.bar_left;
  painter.setFont(font());
  painter.setPen(muted_text(palette()));
  for (const bool is_attention : {false, true}) {
    const QRect sample(left, row.center().y() - box / 2, box, box);
    painter.fillRect(sample,
                     is_attention ? blend(solid, palette().color(QPalette::Base), 0.45) : solid);
    if (is_attention) painter.fillRect(sample, QBrush(solid, Qt::BDiagPattern));
    const QString text = is_attention ? tr("attention matmuls") : tr("Linear");
    left = sample.right() + lines(this, 0.4);
    painter.drawText(QRect(left, row.top(), width() - left, row.height()),
                     Qt::AlignLeft | Qt::AlignVCenter, text);
    left += fontMetrics().horizontalAdvance(text) + lines(this, 1);
  }
  const bool has_shares = std::any_of(data_.bars.begin(), data_.bars.end(),
                                      [](const auto& bar) { return bar.flop_share.has_value(); });
  const QString shares = tr("layers · parameters · FLOPs");
  if (has_shares && left + fontMetrics().horizontalAdvance(shares) <= width()) {
    const QRect room(std::min(at.text_left,
                              width() - fontMetrics().horizontalAdvance(shares) - lines(this, 0.6)),
                     row.top(), width(), row.height());
    painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter, shares);
  }
}

int HistogramPlot::barAt(const QPoint& position) const {
  for (int i = 0; i < static_cast<int>(data_.bars.size()); ++i) {
    if (barRect(i).contains(position)) return i;
  }
  return -1;
}

void HistogramPlot::choose(int bar, bool add) {
  if (bar < 0) return;
  current_ = bar;
  QStringList layers = add ? selected_ : QStringList();
  for (const auto& layer : data_.bars[static_cast<std::size_t>(bar)].layers) {
    if (!layers.contains(layer)) layers << layer;
  }
  update();
  Q_EMIT layersClicked(layers);
}

void HistogramPlot::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) {
    choose(barAt(event->pos()), event->modifiers().testFlag(Qt::ControlModifier));
  }
}

void HistogramPlot::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) activate(barAt(event->pos()));
}

void HistogramPlot::activate(int bar) {
  if (bar < 0) return;
  const int rule = data_.bars[static_cast<std::size_t>(bar)].rule;
  if (rule >= 0) Q_EMIT ruleActivated(rule);
}

void HistogramPlot::mouseMoveEvent(QMouseEvent* event) {
  const int bar = barAt(event->pos());
  if (bar == hovered_) return;
  hovered_ = bar;
  setCursor(bar >= 0 ? Qt::PointingHandCursor : Qt::ArrowCursor);
  update();
}

void HistogramPlot::leaveEvent(QEvent*) {
  hovered_ = -1;
  update();
}

void HistogramPlot::keyPressEvent(QKeyEvent* event) {
  const int bars = static_cast<int>(data_.bars.size());
  switch (event->key()) {
    case Qt::Key_Down:
      current_ = std::min(current_ + 1, bars - 1);
      update();
      return;
    case Qt::Key_Up:
      current_ = std::max(current_ - 1, 0);
      update();
      return;
    case Qt::Key_Return:
      activate(current_);
      return;
    case Qt::Key_Space:
      choose(current_, event->modifiers().testFlag(Qt::ControlModifier));
      return;
    default:
      QWidget::keyPressEvent(event);
  }
}

bool HistogramPlot::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    auto* help = static_cast<QHelpEvent*>(event);
    const int bar = barAt(help->pos());
    if (bar >= 0) {
      QToolTip::showText(help->globalPos(), barToolTip(data_.bars[static_cast<std::size_t>(bar)]),
                         this);
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  return QWidget::event(event);
}

void HistogramPlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange) updateGeometry();
}

}  // namespace widgets
