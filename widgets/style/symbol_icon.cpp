// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/symbol_icon.h"

#include "widgets/style/theme.h"

#include <QApplication>
#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>

static void load_resources() { Q_INIT_RESOURCE(workbench); }

namespace widgets {
namespace {

class SymbolIconEngine : public QIconEngine {
 public:
  SymbolIconEngine(QByteArray svg, SymbolColor color) : svg_(std::move(svg)), color_(color) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
    const QPalette palette = QApplication::palette();
    QColor color = palette.color(QPalette::Active, QPalette::ButtonText);
    const auto& colors = theme_colors(palette);
    if (color_ == SymbolColor::error) color = colors.error;
    if (color_ == SymbolColor::warning) color = colors.warning;
    if (color_ == SymbolColor::good) color = colors.good;
    if (mode == QIcon::Disabled) color = palette.color(QPalette::Disabled, QPalette::ButtonText);
    if (mode == QIcon::Selected) color = palette.color(QPalette::Active, QPalette::HighlightedText);
    QByteArray colored = svg_;
    colored.replace("currentColor", color.name().toLatin1());
    QSvgRenderer renderer(colored);
    renderer.setAspectRatioMode(Qt::KeepAspectRatio);
    painter->setRenderHint(QPainter::Antialiasing);
    renderer.render(painter, rect);
  }

  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    QPixmap pixmap(size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    paint(&painter, QRect(QPoint(), size), mode, state);
    return pixmap;
  }

  QIconEngine* clone() const override { return new SymbolIconEngine(*this); }

 private:
  QByteArray svg_;
  SymbolColor color_;
};

}  // namespace

QIcon symbol_icon(const QString& name, SymbolColor color) {
  load_resources();
  QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
  if (!file.open(QIODevice::ReadOnly)) return {};
  return QIcon(new SymbolIconEngine(file.readAll(), color));
}

}  // namespace widgets
