// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/histogram_data.h"

#include <QStringList>
#include <QWidget>

namespace widgets {

/// How many layers each rule takes, as horizontal bars: a control, not a picture. Clicking a bar
/// selects its layers (Ctrl adds), arrow keys move, Space selects. Attentions are hatched, Linears
/// plain; hues belong to runs. With a statistic, what each rule's layers measured: a line from the
/// least to the largest with a dot at the median, on one scale.
class HistogramPlot : public QWidget {
  Q_OBJECT

 public:
  explicit HistogramPlot(QWidget* parent = nullptr);

  void setData(HistogramData data);
  const HistogramData& data() const { return data_; }
  /// What the lengths mean; layers at first.
  void setWeight(HistogramWeight weight);
  HistogramWeight weight() const { return weight_; }
  /// Bars that hold any of these layers are marked.
  void setSelectedLayers(const QStringList& layers);

  QRect barRect(int bar) const;  ///< the whole clickable row
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void layersClicked(const QStringList& layers);
  void ruleActivated(int rule);  ///< double-click, Enter

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Columns {
    int label_left, label_width;
    int bar_left, bar_width;
    int text_left, text_width;
  };

  int rowHeight() const;
  Columns columns() const;
  int barAt(const QPoint& position) const;
  double longest() const;
  void paintBar(QPainter& painter, int index, const Columns& at, double longest,
                bool holds_selection);
  void paintSizes(QPainter& painter, const HistogramBar& bar, const QRect& row, const Columns& at,
                  double longest) const;
  void paintSpread(QPainter& painter, const HistogramBar& bar, const QRect& row,
                   const Columns& at) const;
  void choose(int bar, bool add);
  void activate(int bar);
  void paintKey(QPainter& painter, const Columns& at) const;
  QString barText(const HistogramBar& bar) const;
  QString barToolTip(const HistogramBar& bar) const;
  void describe();

  HistogramData data_;
  HistogramWeight weight_ = HistogramWeight::layers;
  QStringList selected_;
  int current_ = -1;
  int hovered_ = -1;
};

}  // namespace widgets
